"""A chord chart on the internal clock: which chord falls where, round and round."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from bridge.live.playing.improviser import Improviser
from engine.chords import Chart, Chord, ChordSpan

__all__ = ["BeatClock", "ChartPlayer", "chords_from"]

LAID_OUT_S: Final = 30.0  # how far a chart is laid out at a time


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


class ChartPlayer:
    """Keeps a chart laid out before the improviser, as far as it may look ahead. Session thread only."""

    def __init__(self, chart: Chart, tempo_bpm: float) -> None:
        self.chart = chart
        self.clock = BeatClock(tempo_bpm)
        self._until_s = 0.0  # stream second up to which the chart is laid out
        self._last: Chord | None = None  # chord laid out last

    def span_at(self, beat: float) -> ChordSpan:
        """What the chart has at a beat, the chart looped."""
        within = beat % self.chart.beats
        return next(span for span in reversed(self.chart.spans) if span.start_beat <= within)

    def start(self, improviser: Improviser, from_s: float, beat: float = 0.0) -> None:
        """The chart from one of its beats on."""
        self.clock = self.clock.located(from_s, beat)
        self.lay_out(improviser, from_s)

    def set_tempo(self, improviser: Improviser, tempo_bpm: float, from_s: float) -> None:
        """Another tempo; the beat goes on where it is."""
        self.clock = self.clock.at_tempo(tempo_bpm, from_s)
        self.lay_out(improviser, from_s)

    def skip(self, improviser: Improviser, from_s: float, skipped_s: float) -> None:
        """The stream was laid anew, so much later: the chart goes on with the clock on the wall."""
        self.start(improviser, from_s, self.clock.beat(from_s) + skipped_s * self.clock.tempo_bpm / 60.0)

    def lay_out(self, improviser: Improviser, from_s: float) -> None:
        """Beat and chords from a stream second on."""
        bar = self.chart.beats_per_bar
        origin_s = self.clock.seconds(bar * (self.clock.beat(from_s) // bar))
        improviser.set_tempo(self.clock.tempo_bpm, bar, origin_s)
        improviser.set_form(self.clock.seconds(0.0))
        chords = chords_from(self.chart, self.clock, from_s, LAID_OUT_S)
        improviser.set_chords(chords, from_s=from_s)
        self._until_s, self._last = from_s + LAID_OUT_S, chords[-1][1]

    def keep_ahead(self, improviser: Improviser) -> None:
        """Lays out more where the improviser has come half through."""
        if improviser.time_s + LAID_OUT_S / 2 <= self._until_s:
            return
        chords = chords_from(self.chart, self.clock, self._until_s, LAID_OUT_S)
        last = chords[-1][1]
        if chords[0][1] == self._last:
            del chords[0]  # it only goes on
        improviser.set_chords(chords, from_s=self._until_s)
        self._until_s, self._last = self._until_s + LAID_OUT_S, last


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
