"""The session's tempo, and the beat of the modes that play without a chart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.observer import Observer
from bridge.live.playing.report import Report
from bridge.live.playing.timeline import StreamTimeline
from engine.metre import COMMON, Metre
from osc_protocol.table.parameters import DEFAULT_BPM

__all__ = ["LOCATE_TOLERANCE_S", "Beat", "SongClock"]

LOCATE_TOLERANCE_S: Final = 0.015  # a position nearer than this to ours is where we are


class SongClock(Protocol):
    """A beat from outside, which counts quarters: MIDI's clock, or the transport of a plug-in's host."""

    @property
    def running(self) -> bool:
        """Whether the song plays."""

    @property
    def was_told(self) -> bool:
        """Whether start or stop have ever been told, so that who stands still knows that it does."""

    @property
    def tempo_bpm(self) -> float | None:
        """None while it is not known."""

    @property
    def position_beats(self) -> float:
        """Where the song is, or will begin."""

    def beat_at(self, time_us: int) -> float | None:
        """Song position at a moment; None where it stands still or is not known."""

    def ticks_at(self, time_us: int) -> bool:
        """Whether it gives a tempo, running or not."""


class Beat:
    """Owns tempo and metre. Its fields are there to be read; the session sets the tempo, on its thread."""

    def __init__(
        self,
        ahead: PlayAhead,
        clock: Callable[[], int],
        report: Report,
        *,
        tempo_bpm: float | None,
        outside: SongClock | None,
        latency_us: int,
        metre: Metre = COMMON,
    ) -> None:
        """tempo_bpm: None for no beat in follow mode. latency_us: from sending a note to hearing it.

        metre: of an outside clock, which does not say, and of all that has no chart; tempo_bpm counts its felt beat.
        """
        self._ahead, self._clock, self._report = ahead, clock, report
        self.tempo_bpm, self.outside, self.latency_us = tempo_bpm, outside, latency_us
        self.metre = metre
        self._told: tuple[float, int, Metre] | None = None  # (tempo_bpm, bar_us, metre)
        self._rests = True  # and that is told

    @property
    def chart_bpm(self) -> float:
        """The tempo of what cannot do without one."""
        return self.tempo_bpm or DEFAULT_BPM

    def lay(self, from_s: float) -> None:
        """Tells model and feel the beat, which may be none: a bar line at from_s, or where the outside clock has it."""
        origin_s = self._outside_origin_s(from_s)
        timeline = None if self.tempo_bpm is None else StreamTimeline(self.tempo_bpm, origin_s)
        self._ahead.set_beat(timeline, self.metre, from_s)
        self.say_if_missing()

    def say_if_missing(self) -> None:
        """Reports it if quantise or swing have nothing to go by."""
        if self._ahead.misses_beat:
            self._report("feel", "quantise and swing wait for a beat: set a tempo")

    def tell(self, now_us: int, observer: Observer, metre: Metre) -> None:
        """Tells the observer if beat, tempo or rest are news."""
        timeline = self._ahead.timeline
        from_us = max(now_us, self._ahead.handed_over_us)
        if not self._ahead.playing:
            if not self._rests:
                observer.rested(from_us)
            self._told, self._rests = None, True
            return
        self._rests = False
        if timeline is not None:
            beat = (timeline.tempo_bpm, self._ahead.wall_us(timeline.origin_s), metre)
            if beat != self._told:
                observer.beat(from_us, *beat)
                self._told = beat

    def is_off(self) -> bool:
        """Tells whether our beat has come off that of the outside clock. Call it only while playing."""
        assert self.tempo_bpm is not None
        beat_s = 60.0 / self.tempo_bpm
        off_s = (self._outside_origin_s(self._ahead.improviser.time_s) - self._ahead.origin_s) % beat_s
        return LOCATE_TOLERANCE_S < off_s < beat_s - LOCATE_TOLERANCE_S

    def _outside_origin_s(self, from_s: float) -> float:
        """Where the outside clock has the last bar line before a stream second; that second where nothing is known."""
        now_us = self._clock()
        beat = None if self.outside is None else self.outside.beat_at(now_us)
        if beat is None or self.tempo_bpm is None or not self._ahead.playing:
            return from_s
        beat /= float(self.metre.beat_quarters)  # clocks count quarters
        beat += (self._ahead.wall_us(from_s) + self.latency_us - now_us) / 60e6 * self.tempo_bpm
        return from_s - beat % self.metre.beats * 60.0 / self.tempo_bpm
