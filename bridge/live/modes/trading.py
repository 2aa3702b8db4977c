"""Mode trade: the player has N bars, the sideman answers for N bars, turn about, on one beat that never stops.

The player's first note is beat 0. A turn in which nothing was played ends the trade: the next note begins a new one. A
turn in which the music goes home lasts until it has.
"""

from __future__ import annotations

import math
from typing import Final

from bridge.live.modes.chart_chords import chords_from
from bridge.live.modes.continuing import feed
from bridge.live.modes.mode import Mode
from bridge.live.playing.context import Context
from bridge.live.playing.keyboard import KeyEvent
from bridge.live.playing.timeline import StreamTimeline, WallTimeline
from engine.chords import Chart, Chord
from engine.chords.charts.form import form_of
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["LEAD_US", "Trading"]

LEAD_US: Final = 150_000  # before an answer begins its first notes are made; what is played within is not heard


class Trading(Mode):
    """Trades bars. Answers are sent as long before their beat as it takes to hear them. The session thread owns it."""

    listens = True

    def __init__(self, context: Context, chart: Chart | None, *, bars: int) -> None:
        """bars: of a turn. chart: the chords of both turns, round and round."""
        super().__init__("trade", context, chart)
        self._bars = bars
        self._form = None if chart is None else form_of(chart)
        self._timeline: WallTimeline | None = None  # None before the first note
        self._turn = 0  # even: the player's
        self._heard = False  # anything in this turn of the player's
        self._home_s: float | None = None  # where the music goes home, as chords are laid out
        self._stream_us = 0  # moment that the stream's second 0 stands for

    @property
    def tempo_bpm(self) -> float:
        return self._beat.chart_bpm

    @property
    def form(self) -> WallTimeline | None:
        return None if self.chart is None else self._timeline

    def hear(self, note: KeyEvent) -> None:
        """Hears the player; the first note is beat 0."""
        if self._timeline is None:
            if not note.velocity:
                return
            self._timeline = WallTimeline(self.tempo_bpm, note.time_us)
            self._turn = 0
            self._listen(note.time_us)
        if self._turn % 2 == 0:
            self._heard = self._heard or note.velocity > 0
            feed(self._ahead, self._stream_us, note)

    def step(self, now_us: int) -> None:
        """Begins and ends the answers."""
        if self._timeline is not None:
            self._take_turns(self._timeline.wall_us((self._turn + 1) * self._turn_beats), now_us)
        self._knobs.apply(now_us)

    def rest(self) -> None:
        """Rests, and ends the trade; the next note begins a new one."""
        self._timeline = None
        self._heard = False
        super().rest()

    def resume(self, from_s: float) -> None:
        self._lay_out(from_s)

    def set_tempo(self, tempo_bpm: float) -> None:
        """Sets another tempo; the beat goes on from where it is."""
        if self._timeline is not None:
            self._timeline = self._timeline.at_tempo(tempo_bpm, self._clock())
            if self._ahead.playing:
                self._ahead.change(self._lay_out)

    def set_metre(self) -> None:
        """Begins the trade anew in the other metre, if it has no chart."""
        if self.chart is None:
            self.rest()

    def meet(self, beat: float, at_us: int) -> None:
        """Does nothing: the player's first note has the beat, and nobody else."""

    @property
    def _turn_beats(self) -> int:
        return self._bars * self.metre.beats

    def _take_turns(self, ends_us: int, now_us: int) -> None:
        """Changes turns where it is time. ends_us is when the turn under way is over."""
        latency_us = self._beat.latency_us
        if self._turn % 2 == 0:
            if now_us < ends_us - latency_us - LEAD_US:
                return
            if self._heard:
                self._answer(ends_us)
            else:
                self.rest()
                self._report("rest", "")
        elif self._ahead.home_s is not None:
            self._ahead.limit_s = math.inf
            if self._ahead.home_s != self._home_s:
                self._ahead.change(self._lay_out)
        elif now_us >= ends_us - latency_us:
            self._ahead.rest()
            self._turn += 1
            self._listen(ends_us)
        else:
            self._ahead.limit_s = self._ahead.stream_s(ends_us - latency_us)

    def _listen(self, from_us: int) -> None:
        self._heard = False
        from_s = self._ahead.improviser.time_s
        self._stream_us = from_us - round(from_s * 1e6)
        self._lay_out(from_s)
        self._report("listening", self._length())

    def _answer(self, from_us: int) -> None:
        at_s = max(round((from_us - self._stream_us) / 1e6 / STEP_S) * STEP_S, self._ahead.improviser.time_s)
        # The end of a key that is up changes nothing but the time: the stream is silent up to the answer.
        self._ahead.improviser.feed([NoteEvent(at_s, "off", pitch, 0) for pitch in (*self._keyboard.sounding(), 0)])
        self._turn += 1
        at_us = self._stream_us + round(self._ahead.improviser.time_s * 1e6) - self._beat.latency_us
        self._ahead.start(self._prepare, at_first_note=False, at_us=at_us)
        self._report("playing", self._length())

    def _prepare(self, from_s: float) -> None:
        self._knobs.turn()
        self._lay_out(from_s)

    def _lay_out(self, from_s: float) -> None:
        """Lays out beat and chords of the rest of this turn, or of the way home."""
        timeline, self._home_s = self._on_stream(), self._ahead.home_s
        self._ahead.set_beat(timeline, self.metre, from_s, form=self._form)
        chords: list[tuple[float, Chord | None]] = [(from_s, None)]
        if self.chart is not None:
            length_s = self._turn_beats * 60.0 / timeline.tempo_bpm
            if self._home_s is not None:
                length_s += max(self._home_s - from_s, 0.0)
            chords = chords_from(self.chart, timeline, from_s, length_s)
        self._ahead.improviser.set_chords(chords, from_s=from_s)

    def _on_stream(self) -> StreamTimeline:
        assert self._timeline is not None
        playing = self._ahead.playing
        return self._timeline.on_stream(
            self._ahead.wall_us(0.0) + self._beat.latency_us if playing else self._stream_us
        )

    def _length(self) -> str:
        return "1 bar" if self._bars == 1 else f"{self._bars} bars"
