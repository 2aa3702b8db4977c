"""Which chord of a chart falls on which second of a stream, the chart played round and round."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bridge.live.playing.timeline import StreamTimeline
from engine.chords import Chart, Chord

__all__ = ["chords_from", "song_beat"]


def chords_from(
    chart: Chart, timeline: StreamTimeline, stream_s: float, length_s: float, loop: tuple[float, float] | None = None
) -> list[tuple[float, Chord | None]]:
    """(onset_s, chord) of every change in [stream_s, stream_s + length_s), the chart looped; the first is at stream_s.

    Before beat 0 the chart's first chord holds. A chord that goes on is not named again. loop: beats of the song; at
    its end the song goes on from its beginning, while the timeline counts on.
    """
    changes: list[tuple[float, Chord | None]] = []
    for start_beat, end_beat, chord in _in_loop(chart, max(timeline.beat(stream_s), 0.0), loop):
        onset_s, end_s = timeline.seconds(start_beat), timeline.seconds(end_beat)
        if changes and onset_s >= stream_s + length_s:
            break
        if end_s <= stream_s + 1e-6 or (changes and changes[-1][1] == chord):
            continue
        changes.append((max(onset_s, stream_s) if changes else stream_s, chord))
    return changes


def song_beat(beat: float, loop: tuple[float, float] | None) -> float:
    """Returns the song's beat at a beat of a timeline that counts on where the song goes round a loop."""
    if loop is None or beat < loop[1]:
        return beat
    start, end = loop
    return start + (beat - end) % (end - start)


def _in_loop(
    chart: Chart, from_beat: float, loop: tuple[float, float] | None
) -> Iterator[tuple[float, float, Chord | None]]:
    if loop is None:
        yield from _looped(chart, from_beat)
        return
    start, end = loop
    turn = math.floor((from_beat - end) / (end - start)) + 1 if from_beat >= end else 0
    while True:
        shift = turn * (end - start)  # from the song's beat to the timeline's
        begin = start if turn else min(from_beat, end)
        for span_start, span_end, chord in _looped(chart, begin):
            if span_start >= end:
                break
            if span_end > begin:
                yield max(span_start, begin) + shift, min(span_end, end) + shift, chord
        turn += 1


def _looped(chart: Chart, from_beat: float) -> Iterator[tuple[float, float, Chord | None]]:
    turn = math.floor(from_beat / chart.beats)
    while True:
        for start, end, chord in chart.spans:
            yield start + turn * chart.beats, end + turn * chart.beats, chord
        turn += 1
