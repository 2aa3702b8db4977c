"""A chord chart on the internal clock: which chord falls where, round and round."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.chords import Chart, Chord

__all__ = ["BeatClock", "chords_from"]


@dataclass(frozen=True)
class BeatClock:
    """Beats over stream seconds. Beat 0, a bar line, lies at origin_s; a tempo change moves that, never the beat."""

    tempo_bpm: float
    origin_s: float = 0.0

    def beat(self, stream_s: float) -> float:
        """Beat at a stream second."""
        return (stream_s - self.origin_s) * self.tempo_bpm / 60.0

    def seconds(self, beat: float) -> float:
        """Stream second of a beat."""
        return self.origin_s + beat * 60.0 / self.tempo_bpm

    def located(self, stream_s: float, beat: float) -> BeatClock:
        """The clock that is at `beat` at that stream second."""
        return replace(self, origin_s=stream_s - beat * 60.0 / self.tempo_bpm)

    def at_tempo(self, tempo_bpm: float, stream_s: float) -> BeatClock:
        """The clock that goes on at another tempo from that stream second."""
        return BeatClock(tempo_bpm).located(stream_s, self.beat(stream_s))


def chords_from(chart: Chart, clock: BeatClock, stream_s: float, length_s: float) -> list[tuple[float, Chord | None]]:
    """(onset_s, chord) of every change in [stream_s, stream_s + length_s), the chart looped; the first is at stream_s.

    Before beat 0 the chart's first chord holds. A chord that goes on is not named again.
    """
    changes: list[tuple[float, Chord | None]] = []
    for start_beat, end_beat, chord in _looped(chart, max(clock.beat(stream_s), 0.0)):
        onset_s, end_s = clock.seconds(start_beat), clock.seconds(end_beat)
        if changes and onset_s >= stream_s + length_s:
            break
        if end_s <= stream_s + 1e-6 or (changes and changes[-1][1] == chord):
            continue
        changes.append((max(onset_s, stream_s) if changes else stream_s, chord))
    return changes


def _looped(chart: Chart, from_beat: float) -> Iterator[tuple[float, float, Chord | None]]:
    turn = math.floor(from_beat / chart.beats)
    while True:
        for start, end, chord in chart.spans:
            yield start + turn * chart.beats, end + turn * chart.beats, chord
        turn += 1
