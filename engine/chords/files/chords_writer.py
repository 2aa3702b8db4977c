"""ChordsFile -> the text of NAME.chords: one bar a line, times as sparse as they can be without moving a beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.chords.chord import Chord, ChordLabels, add_label
from engine.chords.files.chords_file import MAX_BEATS_PER_BAR, ChordsFile, even_beats

__all__ = ["format_chords_file"]

TOLERANCE_S = 0.0015  # a beat this close to its even place, a chord this close to its beat: rounding, not timing
BEATS_A_LINE = 4  # where the bars are unknown


class _Bar(NamedTuple):
    places: list[int]  # index in the bar of each beat that is there
    beats: list[float]  # their times
    size: int


def format_chords_file(chart: ChordsFile, comments: Iterable[str] = ()) -> str:
    """The text of a .chords file, its comments first.

    Read again it holds the same chords, times to the millisecond; a beat that lies within a millisecond of its even
    share of the bar comes back as that share; where a bar is longer than the file can say, the beats come back without
    bars. Text written from what was read is the same text.
    """
    if chart.beat_in_bar is not None and chart.beat_in_bar.max(initial=0) >= MAX_BEATS_PER_BAR:
        chart = replace(chart, beat_in_bar=None)
    known = chart.beat_in_bar is not None
    bars = _bars(chart)
    changes: ChordLabels = []
    for onset_s, chord in {round(onset_s, 3): chord for onset_s, chord in chart.chords}.items():  # the last at a moment
        add_label(changes, onset_s, chord)
    if len(changes) > 1 and changes[0][1] is None:
        del changes[0]  # silence before the first chord goes without saying
    if bars and changes and changes[0][0] <= 0 and bars[0].beats[0] < 0:
        # The bar that the music begins in holds its first chord.
        changes[0] = (bars[0].beats[0], changes[0][1])
    rows = [f"# {comment}" for comment in comments]
    chord = None
    at, size = 0, None
    for number, bar in enumerate(bars):
        following = bars[number + 1] if number + 1 < len(bars) else None
        end_s = following.beats[0] if following else float("inf")
        while at < len(changes) and changes[at][0] < bar.beats[0] - TOLERANCE_S:
            chord = changes[at][1]
            rows.append(_loose(*changes[at]))
            at += 1
        words, loose, chord_after = [_name(chord)], [], chord
        words += ["/"] * (len(bar.beats) - 1)
        while at < len(changes) and changes[at][0] < end_s - TOLERANCE_S:
            onset_s, chord_after = changes[at]
            beat = int(np.argmin([abs(onset_s - beat_s) for beat_s in bar.beats]))
            if abs(onset_s - bar.beats[beat]) <= TOLERANCE_S:
                words[beat] = _name(chord_after)
            else:
                loose.append(_loose(onset_s, chord_after))
            at += 1
        chord = chord_after
        if known and bar.size != size:
            size = bar.size
            rows.append(f"beats {size}")
        times = _times(bar, following) if known else [f"{beat_s:.3f}" for beat_s in bar.beats]
        rows.append(f"{times[0]:>9} {' '.join([*times[1:], '|' if known else ':', *_shortest(words)])}")
        rows += loose
    rows += [_loose(*change) for change in changes[at:]]
    return "\n".join(rows) + "\n"


def _bars(chart: ChordsFile) -> list[_Bar]:
    beats_s, index = np.unique(np.round(chart.beats_s, 3) + 0.0, return_index=True)  # + 0.0: no minus before 0.000
    times_s = beats_s.tolist()
    if chart.beat_in_bar is None:
        groups = [times_s[i : i + BEATS_A_LINE] for i in range(0, len(times_s), BEATS_A_LINE)]
        return [_Bar(list(range(len(group))), group, len(group)) for group in groups]
    places = chart.beat_in_bar[index].tolist()
    starts = [i for i in range(len(places)) if i == 0 or places[i] <= places[i - 1]]
    bars = [
        _Bar(places[a:b], times_s[a:b], places[b - 1] + 1)
        for a, b in zip(starts, [*starts[1:], len(places)], strict=True)
    ]
    if len(bars) > 1:  # a bar cut short at either end is as long as its neighbour
        bars[0] = bars[0]._replace(size=max(bars[0].size, bars[1].size) if bars[0].places[0] else bars[0].size)
        bars[-1] = bars[-1]._replace(size=max(bars[-1].size, bars[-2].size))
    return bars


def _times(bar: _Bar, following: _Bar | None) -> list[str]:
    """The bar's first beat alone if the others lie evenly up to the bar after, else all; `.` for one that is gone."""
    if following is not None and following.places[0] == 0 and len(bar.beats) == bar.size:
        even = even_beats(bar.beats[0], following.beats[0], bar.size)
        if even and all(abs(a - b) <= TOLERANCE_S for a, b in zip(even, bar.beats, strict=True)):
            return [f"{bar.beats[0]:.3f}"]
    there = dict(zip(bar.places, bar.beats, strict=True))
    return [f"{there[place]:.3f}" if place in there else "." for place in range(bar.size)]


def _shortest(words: Sequence[str]) -> list[str]:
    """A word a beat -> the fewest even shares that say the same: `G7 / / /` is `G7`, `C / G7 /` is `C G7`."""
    beats = len(words)
    for shares in range(1, beats + 1):
        if beats % shares == 0:
            step = beats // shares
            if all(word == "/" for i, word in enumerate(words) if i % step):
                return list(words[::step])
    raise AssertionError("one share a beat always says it")


def _loose(onset_s: float, chord: Chord | None) -> str:
    return f"{onset_s:9.3f} {_name(chord)}"


def _name(chord: Chord | None) -> str:
    return "N.C." if chord is None else chord.name
