"""What the sideman does with what it hears: the mode that plays now, and those that wait."""

from __future__ import annotations

from typing import Final

from bridge.live.inbox import Doors
from bridge.live.modes.charting import Charting
from bridge.live.modes.clearing import Clearing
from bridge.live.modes.continuing import Continuing
from bridge.live.modes.following import Following
from bridge.live.modes.homeward import Homeward
from bridge.live.modes.judging import Judging, Situation
from bridge.live.modes.keyboard import Keyboard
from bridge.live.modes.trading import Trading
from bridge.live.playing.parts import Parts
from bridge.midi.clock import CONTINUE, MidiClock
from engine.chords import Chart
from engine.metre import Metre, parse_metre

__all__ = ["Modes"]

CHART_MODES: Final = {"changes", "comp"}
MOVING_US: Final = 250_000  # made ahead while a hand moves: most of it will be taken back
SYNC_SHARE: Final = 0.003  # of the tempo: less is not worth new music


class Modes:
    """Session thread only."""

    def __init__(self, parts: Parts, *, release_us: int, trade_bars: int, count_in_bars: int) -> None:
        self._parts, self._ahead, self._clock, self._report = parts, parts.ahead, parts.clock, parts.report
        self._knobs, self._beat, self._witness = parts.knobs, parts.beat, parts.witness
        self._trade_bars, self._count_in_bars = trade_bars, count_in_bars
        self._keyboard = Keyboard()
        self._judging, self._clearing, self._homeward = Judging(parts), Clearing(parts), Homeward(parts)
        self.name = "follow"
        self.following = Following(parts, self._keyboard, release_us=release_us)
        self.charting: Charting | None = None  # kept while another mode plays
        self._answering: Continuing | Trading | None = None  # in modes continue and trade

    @property
    def chart_plays(self) -> Charting | None:
        """The chart, in modes changes and comp."""
        return self.charting if self.name in CHART_MODES else None

    @property
    def listens(self) -> bool:
        """Whether the mode has something to watch while nothing plays."""
        return self._answering is not None

    @property
    def beats_per_bar(self) -> int:
        """Of the music that plays."""
        return self.metre.beats

    @property
    def metre(self) -> Metre:
        """Of the music that plays: the chart's, or else the session's."""
        chart = self._chart
        return self._beat.metre if chart is None else chart.metre

    def hear(self, time_us: int, message: bytes, *, enabled: bool) -> None:
        """One channel message of the player. Keys are followed in every mode: those held already count at once."""
        events = self._keyboard.hear(time_us, message)
        self.following.hear(events)
        for note in events:
            if note.kind != "up":  # what counts is how long it sounds
                self._clearing.hear(note)
                if self._answering is not None and enabled:
                    self._answering.hear(note)

    def step(self, now_us: int) -> bool:
        """Plays on; whether the music has come home, and rests."""
        situation = self._situation(now_us)
        self._clearing.step(now_us, comps=self.name == "comp")
        if not self._ahead.playing:
            self._homeward.give_up()
            self._knobs.apply(now_us)
            self._judging.begin(situation)
        if self.name == "follow":
            self.following.step(now_us)
        elif self.name in CHART_MODES:
            assert self.charting is not None
            self.charting.step(now_us)
        else:
            assert self._answering is not None
            self._answering.step(now_us, self._keyboard)
            self._knobs.apply(now_us)
        if self._ahead.playing:
            self._judging.look(situation, now_us)
        return self._homeward.step(situation, now_us)

    def fill(self, look_ahead_us: int, doors: Doors, now_us: int, *, hears: bool) -> None:
        """Makes music ahead, until there is news. hears: what the player does counts."""
        settles_in_us = self.settles_in_us(now_us) if hears else None
        if settles_in_us is None:
            self._ahead.fill(look_ahead_us, doors.has_news, self.skip)
            return
        settled_us = now_us + settles_in_us  # then the hand that moves may be known to hold another chord
        self._ahead.fill(
            min(look_ahead_us, MOVING_US), lambda: doors.has_news() or doors.now_us() >= settled_us, self.skip
        )

    def settles_in_us(self, now_us: int) -> int | None:
        """When step() may know more of the hands; None while none moves, or where the chord does not count."""
        return self.following.settles_in_us(now_us) if self.name == "follow" else None

    def rest(self) -> None:
        """Silence, until there is something to play anew."""
        self._homeward.give_up()
        if self._answering is not None:
            self._answering.rest()
        self.following.rest()

    def hold_place(self) -> None:
        """Where the music is broken off now, a chart's next start goes on."""
        if self._ahead.playing and self.chart_plays is not None:
            self.chart_plays.hold(self._clock())

    def skip(self, from_s: float, skipped_s: float) -> None:
        """The stream was laid anew, so much later."""
        if self.chart_plays is not None:
            self.chart_plays.skip(from_s, skipped_s)

    def set_mode(self, mode: str) -> None:
        """One of the parameter table's."""
        if mode == self.name:
            return
        before, self.name = self.name, mode
        self._witness.marked(self._clock(), f"mode {mode}")
        if {before, mode} <= CHART_MODES:  # another role, from the next bar line on
            return
        self.rest()
        self._answering = None
        if mode == "continue":
            self._answering = Continuing(self._ahead, self._report, self._prepare_answer)
        elif mode == "trade":
            self._answering = Trading(
                self._ahead,
                self._report,
                self._prepare_answer,
                bars=self._trade_bars,
                tempo_bpm=self._beat.chart_bpm,
                chart=None if self.charting is None else self.charting.chart,
                metre=self._beat.metre,
                latency_us=self._beat.latency_us,
            )

    def set_chart(self, chart: Chart) -> None:
        """Mode changes, or still comp, from the chart's first bar."""
        self.rest()
        self.name = "comp" if self.name == "comp" else "changes"
        self._answering = None
        self.charting = Charting(chart, self._parts, count_in_bars=self._count_in_bars)

    def end_in(self, bars: int) -> None:
        """Brings the music home in so many bars, 0: at the end of the chart's round."""
        if not self._homeward.begin(bars, self._situation(self._clock())):
            self._report("note", "nothing plays that could come home")

    def set_tempo(self, tempo_bpm: float) -> None:
        """The tempo from now on; a beat goes on where it is."""
        self._beat.tempo_bpm = tempo_bpm
        if isinstance(self._answering, Trading):
            self._answering.set_tempo(tempo_bpm, self._clock())
        elif self._ahead.playing and self.chart_plays is not None:
            self.chart_plays.set_tempo(tempo_bpm)
        elif self._ahead.playing:
            self._ahead.change(self._beat.lay)

    def set_metre(self, metre: str) -> None:
        """The metre of what has no chart, from now on; a trade begins anew."""
        self._beat.metre = parse_metre(metre)
        if isinstance(self._answering, Trading):
            self.set_mode("trade")
        elif self._ahead.playing and self.chart_plays is None:
            self._ahead.change(self._beat.lay)
        self._report("metre", f"{metre}, tempo counts {self._beat.metre.beat_name}")

    def locate(self, beat: float, at_us: int) -> None:
        """The outside is at this beat at that moment."""
        if self.chart_plays is not None:
            self.chart_plays.locate(beat, at_us)

    def obey(self, clock: MidiClock, time_us: int, message: bytes) -> bool:
        """One message of an outside clock; whether it started or stopped a chart. Without a chart only tempo counts."""
        did = clock.take(time_us, message)
        if did is None or self.chart_plays is None:
            return False
        if did == "position":
            if clock.running:
                self.locate(clock.position_beats / float(self.metre.beat_quarters), time_us)
            return False
        self.chart_plays.start_beat = clock.position_beats / float(self.metre.beat_quarters)
        self.rest()  # where the clock runs, this round starts the chart again
        return True

    def play_by(self, clock: MidiClock, now_us: int) -> None:
        """Starts a chart by an outside clock that ticks and has not been started."""
        if self.chart_plays is not None and not clock.running and clock.ticks_at(now_us):
            self.obey(clock, now_us, bytes([CONTINUE]))

    def sync(self, clock: MidiClock, now_us: int) -> None:
        """Takes over the outside clock's tempo, and its beat, where ours has come off."""
        tempo_bpm = clock.tempo_bpm
        if tempo_bpm is None:
            return
        quarters = float(self.metre.beat_quarters)  # clocks count quarters, we the beat that is felt
        tempo_bpm /= quarters
        ours_bpm = self._beat.tempo_bpm
        if ours_bpm is None or abs(tempo_bpm / ours_bpm - 1) > SYNC_SHARE:
            self.set_tempo(tempo_bpm)
        beat = clock.beat_at(now_us)
        if beat is not None and self._ahead.playing:
            self._meet(beat / quarters, now_us)

    def _meet(self, beat: float, now_us: int) -> None:
        """The outside clock is at this beat now: the music goes there where it has come off. Only while playing."""
        if self.chart_plays is not None:
            self.locate(beat, now_us)
        elif self.name in ("follow", "continue") and self._beat.is_off():
            self._ahead.change(self._beat.lay)

    @property
    def _chart(self) -> Chart | None:
        """What the mode plays over."""
        return self.charting.chart if self.charting is not None and self.name in ("trade", *CHART_MODES) else None

    def _situation(self, now_us: int) -> Situation:
        tempo_bpm = self._beat.tempo_bpm if self.name in ("follow", "continue") else self._beat.chart_bpm
        mode = "comp" if self.name == "follow" and self.following.comps(now_us) else self.name
        return Situation(mode, self._chart, tempo_bpm, self.beats_per_bar)

    def _prepare_answer(self, from_s: float) -> None:
        self._knobs.turn()
        if self.name == "continue":
            self._beat.lay(from_s)
