"""Mode trade: the player has N bars, the sideman answers for N bars, turn about, on one beat that never stops.

The player's first note is beat 0. A turn in which nothing was played ends the trade: the next note begins a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bridge.live.modes.continuing import feed
from bridge.live.modes.keyboard import Keyboard, KeyEvent
from bridge.live.playing.ahead import PlayAhead, Prepare
from bridge.live.playing.changes import BeatClock, chords_from
from engine.chords import Chart, Chord
from engine.metre import COMMON, Metre
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["LEAD_US", "Trading"]

LEAD_US: Final = 150_000  # before an answer begins its first notes are made; what is played within is not heard


class Trading:
    """Session thread only."""

    def __init__(
        self,
        ahead: PlayAhead,
        report: Callable[[str, str], None],
        prepare: Prepare,
        *,
        bars: int,
        tempo_bpm: float,
        chart: Chart | None,
        metre: Metre = COMMON,
        latency_us: int = 0,
    ) -> None:
        """prepare: knobs, before each answer. bars: of a turn. chart: the chords of both turns, round and round.
        metre: without a chart.

        latency_us: from sending a note to hearing it; answers are sent so much before their beat.
        """
        self._ahead, self._report, self._prepare = ahead, report, prepare
        self._bar = metre.beats if chart is None else chart.beats_per_bar
        self._turn_beats, self._chart, self._tempo_bpm = bars * self._bar, chart, tempo_bpm
        self._latency_us = latency_us
        self._clock: BeatClock | None = None  # beats over seconds of the monotonic clock; None before the first note
        self._turn = 0  # even: the player's
        self._heard = False  # anything in this turn of the player's
        self._stream_us = 0  # moment that the stream's second 0 stands for

    @property
    def beat_of_stream(self) -> BeatClock | None:
        """The beat over stream seconds; None before the first note."""
        if self._clock is None:
            return None
        origin_us = self._ahead.wall_us(0.0) + self._latency_us if self._ahead.playing else self._stream_us
        return BeatClock(self._clock.tempo_bpm, self._clock.origin_s - origin_us / 1e6)

    def hear(self, note: KeyEvent) -> None:
        """The player plays."""
        if self._clock is None:
            if not note.velocity:
                return
            self._clock = BeatClock(self._tempo_bpm, note.time_us / 1e6)
            self._turn = 0
            self._listen(note.time_us)
        if self._turn % 2 == 0:
            self._heard = self._heard or note.velocity > 0
            feed(self._ahead, self._stream_us, note)

    def step(self, now_us: int, keyboard: Keyboard) -> None:
        """Begins and ends the answers."""
        if self._clock is None:
            return
        ends_us = round(self._clock.seconds((self._turn + 1) * self._turn_beats) * 1e6)
        if self._turn % 2 == 0:
            if now_us < ends_us - self._latency_us - LEAD_US:
                return
            if self._heard:
                self._answer(ends_us, keyboard)
            else:
                self.rest()
                self._report("rest", "")
        elif now_us >= ends_us - self._latency_us:
            self._ahead.rest()
            self._turn += 1
            self._listen(ends_us)
        else:
            self._ahead.limit_s = self._ahead.stream_s(ends_us - self._latency_us)

    def set_tempo(self, tempo_bpm: float, now_us: int) -> None:
        """Another tempo; the beat goes on where it is."""
        self._tempo_bpm = tempo_bpm
        if self._clock is not None:
            self._clock = self._clock.at_tempo(tempo_bpm, now_us / 1e6)
            if self._ahead.playing:
                self._ahead.change(self._lay_out)

    def rest(self) -> None:
        """The trade is over; the next note begins a new one."""
        self._clock = None
        self._heard = False

    def _listen(self, from_us: int) -> None:
        assert self._clock is not None
        self._heard = False
        from_s = self._ahead.improviser.time_s
        self._stream_us = from_us - round(from_s * 1e6)
        self._lay_out(from_s)
        self._report("listening", self._bars())

    def _answer(self, from_us: int, keyboard: Keyboard) -> None:
        at_s = max(round((from_us - self._stream_us) / 1e6 / STEP_S) * STEP_S, self._ahead.improviser.time_s)
        # The end of a key that is up changes nothing but the time: the stream is silent up to the answer.
        self._ahead.improviser.feed([NoteEvent(at_s, "off", pitch, 0) for pitch in (*keyboard.sounding(), 0)])
        self._turn += 1
        at_us = self._stream_us + round(self._ahead.improviser.time_s * 1e6) - self._latency_us
        self._ahead.start(self._prepare_answer, at_first_note=False, at_us=at_us)
        self._report("playing", self._bars())

    def _prepare_answer(self, from_s: float) -> None:
        self._prepare(from_s)
        self._lay_out(from_s)

    def _lay_out(self, from_s: float) -> None:
        """Beat and chords of the rest of this turn."""
        clock = self.beat_of_stream
        assert clock is not None
        origin_s = clock.seconds(self._bar * (clock.beat(from_s + 1e-6) // self._bar))
        self._ahead.set_beat(clock.tempo_bpm, self._bar, origin_s)
        chords: list[tuple[float, Chord | None]] = [(from_s, None)]
        if self._chart is not None:
            self._ahead.improviser.set_form(clock.seconds(0.0))
            chords = chords_from(self._chart, clock, from_s, self._turn_beats * 60.0 / clock.tempo_bpm)
        self._ahead.improviser.set_chords(chords, from_s=from_s)

    def _bars(self) -> str:
        bars = self._turn_beats // self._bar
        return "1 bar" if bars == 1 else f"{bars} bars"
