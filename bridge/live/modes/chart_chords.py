"""Which chord of a chart falls on which second of a stream, the chart played round and round."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bridge.live.playing.timeline import StreamTimeline
from engine.chords import Chart, Chord

__all__ = ["chords_from"]


def chords_from(
    chart: Chart, timeline: StreamTimeline, stream_s: float, length_s: float
) -> list[tuple[float, Chord | None]]:
    """(onset_s, chord) of every change in [stream_s, stream_s + length_s), the chart looped; the first is at stream_s.

    Before beat 0 the chart's first chord holds. A chord that goes on is not named again.
    """
    changes: list[tuple[float, Chord | None]] = []
    for start_beat, end_beat, chord in _looped(chart, max(timeline.beat(stream_s), 0.0)):
        onset_s, end_s = timeline.seconds(start_beat), timeline.seconds(end_beat)
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
