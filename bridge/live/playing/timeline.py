"""Where the beats fall, over a stream's seconds and over the moments of the clock on the wall.

They are two types, as beats and microseconds are in Ableton Link's Timeline: nobody can take one time for the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = ["EPSILON_S", "StreamTimeline", "WallTimeline"]

EPSILON_S: Final = 1e-6  # two stream seconds that differ by less are one


@dataclass(frozen=True)
class StreamTimeline:
    """Beats over stream seconds. Beat 0, a bar line, lies at origin_s; a tempo change moves that, never the beat."""

    tempo_bpm: float
    origin_s: float = 0.0

    def beat(self, stream_s: float) -> float:
        """Beat at a stream second."""
        return (stream_s - self.origin_s) * self.tempo_bpm / 60.0

    def seconds(self, beat: float) -> float:
        """Stream second of a beat."""
        return self.origin_s + beat * 60.0 / self.tempo_bpm

    def located(self, stream_s: float, beat: float) -> StreamTimeline:
        """The timeline that is at `beat` at that stream second."""
        return replace(self, origin_s=stream_s - beat * 60.0 / self.tempo_bpm)

    def at_tempo(self, tempo_bpm: float, stream_s: float) -> StreamTimeline:
        """The timeline that goes on at another tempo from that stream second."""
        return StreamTimeline(tempo_bpm).located(stream_s, self.beat(stream_s))


@dataclass(frozen=True)
class WallTimeline:
    """Beats over microseconds of the monotonic clock. Beat 0, a bar line, lies at origin_us."""

    tempo_bpm: float
    origin_us: float

    def wall_us(self, beat: float) -> int:
        """Moment of a beat."""
        return round(self.origin_us + beat * 60e6 / self.tempo_bpm)

    def at_tempo(self, tempo_bpm: float, wall_us: int) -> WallTimeline:
        """The timeline that goes on at another tempo from that moment."""
        return WallTimeline(tempo_bpm, wall_us - (wall_us - self.origin_us) * self.tempo_bpm / tempo_bpm)

    def on_stream(self, zero_us: int) -> StreamTimeline:
        """The same beats over the seconds of a stream whose second 0 sounds at zero_us."""
        return StreamTimeline(self.tempo_bpm, (self.origin_us - zero_us) / 1e6)
