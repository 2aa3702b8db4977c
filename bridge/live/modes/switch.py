"""The mode that plays now, those that wait, and what is true in all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.errors import ModeError
from bridge.live import commands
from bridge.live.inbox import Inbox
from bridge.live.modes.charting import Charting
from bridge.live.modes.continuing import Continuing
from bridge.live.modes.ending import Ending
from bridge.live.modes.following import Following
from bridge.live.modes.judging import Judging, Situation
from bridge.live.modes.keep_clear import KeepClear
from bridge.live.modes.mode import MODES, Mode
from bridge.live.modes.trading import Trading
from bridge.live.playing.context import Context
from bridge.live.playing.timeline import WallTimeline
from bridge.live.rounds.asked_bars import AskedBars
from bridge.live.rounds.banks import Banks
from bridge.live.rounds.recollecting import Playing, Recollecting
from engine.chords import Chart
from engine.metre import parse_metre
from engine.vocabulary import STEP_S

__all__ = ["Modes"]

MOVING_US: Final = 250_000  # made ahead while a hand moves: most of it will be taken back


class Modes:
    """Switches between modes. The session thread owns it."""

    def __init__(
        self,
        context: Context,
        *,
        release_us: int,
        trade_bars: int,
        count_in_bars: int,
        seed: int,
        on_recall: Callable[[str], None],
    ) -> None:
        """on_recall: hears of a bank by its name where it takes over."""
        self._context, self._ahead, self._beat = context, context.ahead, context.beat
        self._count_in_bars = count_in_bars
        self._judging, self._keep_clear, self._ending = Judging(context), KeepClear(context), Ending(context)
        self.banks, self._on_recall = Banks(context, seed), on_recall
        self._recollecting = Recollecting(context)
        self.following = Following(context, release_us=release_us)
        self.charting: Charting | None = None  # kept while another mode plays
        self.mode: Mode = self.following
        self._told_form: tuple[Chart | None, WallTimeline | None] = (None, None)  # what the observer knows
        self._make: dict[str, Callable[[], Mode]] = {
            "follow": lambda: self.following,
            "changes": lambda: self._over_chart("changes"),
            "comp": lambda: self._over_chart("comp"),
            "trade": lambda: Trading(context, None if self.charting is None else self.charting.chart, bars=trade_bars),
            "continue": lambda: Continuing(context),
        }

    @property
    def plays(self) -> bool:
        """Whether music is being made; False at rest."""
        return self._ahead.playing

    def hear(self, time_us: int, message: bytes, *, enabled: bool) -> None:
        """Takes a channel message of the player. Keys are followed in every mode: those held already count at once."""
        events = self._context.keyboard.hear(time_us, message)
        self.following.watch(events)
        for note in events:
            if note.kind != "up":  # what counts is how long it sounds
                self._keep_clear.hear(note)
                if enabled:
                    self.mode.hear(note)

    def tell_form(self) -> None:
        """Tells the observer where the chart lies, where that is news."""
        form = self.mode.form
        told = (None, None) if form is None else (self.mode.chart, form)
        if told != self._told_form:
            self._told_form = told
            self._context.observer.form(*told)

    def step(self, now_us: int) -> bool:
        """Plays on. Returns whether the music has come home and rests."""
        situation = self._situation(now_us)
        self.step_banks(now_us)  # before all that speaks to the stream: it may be another one from here on
        self._keep_clear.step(now_us, unasked=self.mode.keeps_clear)
        if not self._ahead.playing:
            self._ending.silenced()
            self._context.knobs.apply(now_us)
            # What is asked is recalled, and auto decided, before the mode may start the music with it.
            self._recollect(situation, now_us)
            self._judging.begin(situation)
        self.mode.step(now_us)
        if self._ahead.playing and self._recollect(situation, now_us):
            self._judging.go_on(situation)
        elif self._ahead.playing and not self._recollecting.works:  # what is to give way goes on as it was
            self._judging.look(situation, now_us)
        return self._ending.step(situation, now_us)  # last: the mode may have laid the beat anew

    def step_banks(self, now_us: int) -> None:
        """Stores banks and has them take over where it is time, also while nothing may play."""
        recalled = self.banks.step(now_us)
        if recalled:
            self._recollecting.know()
            self._resume()
            self._on_recall(recalled)

    @property
    def works(self) -> bool:
        """Whether there is something to do in every round, also at rest."""
        return self._recollecting.works or self.mode.listens

    def fill(self, look_ahead_us: int, inbox: Inbox, now_us: int, *, hears: bool) -> None:
        """Makes music ahead, until there is news. hears: what the player does counts."""
        settles_in_us = self.mode.settles_in_us(now_us) if hears else None
        if settles_in_us is None:
            self._ahead.fill(look_ahead_us, inbox.has_news, self.mode.skip)
            if self._recollecting.works and not inbox.has_news():
                self._recollecting.work()
            return
        settled_us = now_us + settles_in_us  # then the hand that moves may be known to hold another chord
        self._ahead.fill(
            min(look_ahead_us, MOVING_US), lambda: inbox.has_news() or inbox.now_us() >= settled_us, self.mode.skip
        )

    def rest(self) -> None:
        """Falls silent until there is something to play anew."""
        self._ending.give_up()
        self.mode.rest()

    def obey(self, command: commands.Command) -> None:
        """Does what is asked of the music. ModeError: it cannot be had now."""
        match command:
            case commands.SetMode(mode):
                self._set_mode(mode)
            case commands.FollowChord(chord):
                self.following.latch(chord)
                if chord is not None and self.mode is not self.following:
                    self._context.report("note", f"{chord.name} waits for mode follow: {self.mode.name} follows none")
            case commands.PlayChart(chart):
                self._set_chart(chart)
            case commands.SetTempo(tempo_bpm):
                self.set_tempo(tempo_bpm)
            case commands.SetMetre(metre):
                self.set_metre(metre)
            case commands.EndIn(bars):
                self._end_in(bars)
            case commands.OfBars():
                self._bars().obey(command)
            case commands.StoreBank(name):
                self.banks.store(name, self.mode.metre)
            case commands.RecallBank(name):
                self.banks.recall(name, self.mode.metre)
            case commands.Locate(beat, at_us):
                self.mode.locate(beat, at_us)
            case _:
                raise AssertionError(f"{command!r}: nobody does it")

    def _set_mode(self, name: str) -> None:
        """Switches to one of MODES."""
        if name == self.mode.name:
            return
        self._context.observer.marked(self._context.clock(), f"mode {name}")
        before, mode = self.mode, self._make[name]()
        if mode is before:  # another role, from the next bar line on
            return
        self.rest()
        self.mode = mode

    def _set_chart(self, chart: Chart) -> None:
        """Plays over a chart from its first bar; in mode changes if the mode was none over a chart."""
        name = self.mode.name if MODES[self.mode.name].needs_chart else "changes"
        self.rest()
        if self.charting is None or self.charting.chart != chart:  # the same one again: what is kept of it stays
            self.charting = Charting(self._context, chart, count_in_bars=self._count_in_bars)
            self.charting.bars.tell()
        self.charting.start_beat = 0.0
        self.mode = self._over_chart(name)

    def _end_in(self, bars: int) -> None:
        """Brings the music home in so many bars; 0 means at the end of the chart's round."""
        if not self._ending.begin(bars, self._situation(self._context.clock())):
            self._context.report("note", "nothing plays that could come home")

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets the tempo from now on; the beat goes on from where it is."""
        self._beat.tempo_bpm = tempo_bpm
        self.mode.set_tempo(tempo_bpm)

    def set_metre(self, metre: str) -> None:
        """Sets the metre of what has no chart, from now on; a trade begins anew."""
        self._beat.metre = parse_metre(metre)
        self.mode.set_metre()
        self._context.report("metre", f"{metre}, tempo counts {self._beat.metre.beat_name}")

    def _bars(self) -> AskedBars:
        """Who obeys what is asked of bars of the chart that goes round. ModeError: none does."""
        if not isinstance(self.mode, Charting):
            raise ModeError(
                "nothing goes round whose bars could be kept: send /sideman/chords, or mode changes or comp"
            )
        return self.mode.bars

    def _recollect(self, situation: Situation, now_us: int) -> bool:
        """Recalls what is asked anew, unless a bank is to take over, which has a past of its own.

        Returns whether another stream has taken over.
        """
        playing = Playing(situation.mode, situation.tempo_bpm, self.mode.metre, self.mode.lead)
        if self.banks.recalling:
            self._recollecting.know()
            return False
        took_over = self._recollecting.step(playing, self.banks.seed, now_us)
        if took_over:
            self._resume()
        return took_over

    def _resume(self) -> None:
        """Goes on with another stream that has taken over."""
        if self._ahead.playing:
            # A step before: chords that are new where the stream stands have it strike there, ahead of the bar line.
            self.mode.resume(max(self._ahead.improviser.time_s - STEP_S, 0.0))
            self._ending.resume()

    def _over_chart(self, name: str) -> Charting:
        assert self.charting is not None
        self.charting.name = name
        return self.charting

    def _situation(self, now_us: int) -> Situation:
        mode = self.mode
        return Situation(mode.judged_as(now_us), mode.builds, mode.chart, mode.tempo_bpm, mode.metre.beats)
