"""Where a chart comes back to what it had before: the same section, or the same bars in the same or another key.

A player hears that the last eight bars are the first eight, whoever wrote them out; so bars of equal harmony count as
one place of the form, besides those that the chart itself names alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from engine.chords.charts.chart import Chart
from engine.chords.chord import Chord

__all__ = ["Form", "Place", "Return", "form_of"]

FEWEST_BARS: Final = 4  # of a stretch that counts as come back
FEWEST_STILL_BARS: Final = 8  # the same of one chord alone, in which nothing tells a bar from the next
MOST_BEATS: Final = 1e12  # from 0, either way, and the fewest of what goes round: within them all places are numbers
SHORTEST_BEATS: Final = 1e-9
_ANY: Final = 99  # semitones between bars without a chord, which are alike in every key

_Shape = tuple[tuple[float, float, str | None, int], ...]
_Beginning = tuple[tuple[_Shape, int | None], ...]


class _Bar(NamedTuple):
    """A bar's harmony in no key, and its first root; None: the bar has no chord, and is alike in every key."""

    shape: _Shape
    root: int | None
    chords: frozenset[Chord | None]


class Return(NamedTuple):
    """Beats from begin_beat to end_beat are again what began at source_beat, so many semitones higher (-5..6)."""

    begin_beat: float
    end_beat: float
    source_beat: float
    semitones: int


class Place(NamedTuple):
    """Where a moment lies in a form. beat: counted on from round to round. source_beat: where its music was first.

    left_beats: so far that holds. semitones: how much higher than there.
    """

    beat: float
    source_beat: float
    left_beats: float
    semitones: int


@dataclass(frozen=True)
class Form:
    """The returns of one round, rising and apart, each from a stretch that is none.

    round_beats: 0 where no round follows. loop: beats, counted over all rounds, that a host goes round; beats count on.
    ValueError: a number that is none or is beyond counting, a loop that does not end after it begins.
    """

    returns: tuple[Return, ...] = ()
    round_beats: float = 0.0
    loop: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for one in self.returns:
            if not all(abs(beat) <= MOST_BEATS for beat in one[:3]) or abs(one[3]) > 127:
                raise ValueError(f"what comes back, {one}, lies beyond {MOST_BEATS:g} beats or 127 semitones")
        if self.round_beats and not SHORTEST_BEATS <= self.round_beats <= MOST_BEATS:
            raise ValueError(f"a round of {self.round_beats:g} beats: give {SHORTEST_BEATS:g} to {MOST_BEATS:g}, or 0")
        if self.loop is not None:
            start, end = self.loop
            if not (-MOST_BEATS <= start <= MOST_BEATS and end <= MOST_BEATS and end - start >= SHORTEST_BEATS):
                raise ValueError(f"a loop from {start:g} to {end:g}: a loop ends after it begins")

    def at(self, beat: float) -> Place:
        """Returns the place of a beat, 0 or later. Twin: Form::at in native/src/stream/theme.cpp."""
        within, end_beat = beat, math.inf
        if self.loop is not None and beat >= self.loop[1]:
            start, end = self.loop
            within = start + (beat - end) - math.floor((beat - end) / (end - start)) * (end - start)
        if self.round_beats > 0:
            within -= math.floor(within / self.round_beats) * self.round_beats
            end_beat = self.round_beats
        for begin_beat, until_beat, source_beat, semitones in self.returns:
            if within < begin_beat:
                end_beat = begin_beat
                break
            if within < until_beat:
                return Place(beat, within - begin_beat + source_beat, until_beat - within, semitones)
        return Place(beat, within, end_beat - within, 0)


def form_of(chart: Chart, from_bar: int = 0) -> Form:
    """Finds the returns of a chart, whose form begins at a bar and goes round from its end.

    Sections of one name are one place, as far as the shorter one goes. Elsewhere a stretch of four bars or more comes
    back where its chords do, in any key: the longest first, then those of the same key, then the earliest.
    """
    size = chart.beats_per_bar
    bars = _bars_of(chart)[from_bar:]
    named = _sections(chart, from_bar)
    ends = sorted({begin for begin, _, _ in named} | {end for _, end, _ in named})
    alike = _alike(bars)
    first: dict[str, tuple[int, int]] = {}
    returns: list[Return] = []
    bar = 0
    while bar < len(bars):
        source, length, semitones = 0, 0, 0
        section = next(((end, name) for begin, end, name in named if begin == bar), None)
        if section is not None and section[1] in first:
            source, until = first[section[1]]
            length = min(section[0] - bar, until - source)
            semitones = _between(bars[source : source + length], bars[bar : bar + length])
        else:
            if section is not None:
                first[section[1]] = (bar, section[0])
            limit = next((end for end in ends if end > bar), len(bars))
            source, length, semitones = _found(bars, bar, limit, alike[bar])
        returns += _resolved(returns, bar * size, length * size, source * size, semitones)
        bar += max(1, length)
    return Form(tuple(returns), float(len(bars) * size))


def _bars_of(chart: Chart) -> list[_Bar]:
    bars: list[list[tuple[float, float, Chord | None]]] = [[] for _ in range(chart.bars)]
    for start, end, chord in chart.spans:
        bar = int(start // chart.beats_per_bar)
        line = bar * chart.beats_per_bar
        if bars[bar] and bars[bar][-1][2] == chord:  # held, written once or twice
            bars[bar][-1] = (bars[bar][-1][0], end - line, chord)
        else:
            bars[bar].append((start - line, end - line, chord))
    return [_bar_of(spans) for spans in bars]


def _bar_of(spans: Sequence[tuple[float, float, Chord | None]]) -> _Bar:
    root = next((chord.root for _, _, chord in spans if chord is not None), None)
    shape = tuple(
        (start, end, None, 0) if chord is None else (start, end, chord.quality, (chord.root - (root or 0)) % 12)
        for start, end, chord in spans
    )
    return _Bar(shape, root, frozenset(chord for _, _, chord in spans))


def _sections(chart: Chart, from_bar: int) -> list[tuple[int, int, str]]:
    """(begin, end, name) of every section, in bars of the form."""
    size = chart.beats_per_bar
    begins = [(int(start // size) - from_bar, name) for name, start in chart.sections]
    begins = [(begin, name) for begin, name in begins if begin >= 0]
    ends = [*(begin for begin, _ in begins[1:]), chart.bars - from_bar]
    return [(begin, end, name) for (begin, name), end in zip(begins, ends, strict=False) if end > begin]


def _alike(bars: Sequence[_Bar]) -> list[list[int]]:
    """By bar: those, rising, from which on as many bars as count at least are the same, in whatever key."""
    places: dict[_Beginning, list[int]] = {}
    alike: list[list[int]] = []
    for bar, (_, key, _) in enumerate(bars):
        stretch = bars[bar : bar + FEWEST_BARS]
        if key is None or len(stretch) < FEWEST_BARS:  # bars without a chord alone do not count
            alike.append([])
            continue
        beginning = tuple((shape, None if root is None else (root - key) % 12) for shape, root, _ in stretch)
        alike.append(places.setdefault(beginning, []))
        alike[-1].append(bar)
    return alike


def _found(bars: Sequence[_Bar], bar: int, limit: int, alike: Sequence[int]) -> tuple[int, int, int]:
    """The earlier stretch that a bar begins again, as its bar, length and distance in semitones; length 0: none.

    alike: the bars from which on four bars are the same as from this one on.
    """
    best, rank = (0, 0, 0), (0, True)
    if not _counts(bars[bar : min(limit, bar + FEWEST_STILL_BARS)]):  # nor does anything shorter
        return best
    for source in alike:
        most = min(limit - bar, bar - source)
        if (most, True) <= rank:
            break  # nor can those that follow be better
        semitones = _semitones(bars[source], bars[bar])
        assert semitones is not None
        length = 0
        while length < most and _semitones(bars[source + length], bars[bar + length]) in (semitones, _ANY):
            length += 1
        if (length, semitones == 0) > rank and _counts(bars[bar : bar + length]):
            best, rank = (source, length, semitones), (length, semitones == 0)
    return best


def _semitones(source: _Bar, bar: _Bar) -> int | None:
    """How many semitones a bar lies above another one, -5..6, or _ANY; None: it is a different one."""
    if source.shape != bar.shape:
        return None
    if source.root is None or bar.root is None:
        return _ANY
    return (bar.root - source.root + 5) % 12 - 5


def _counts(stretch: Sequence[_Bar]) -> bool:
    chords = frozenset().union(*(bar.chords for bar in stretch))
    fewest = FEWEST_BARS if len(chords) > 1 else FEWEST_STILL_BARS
    return len(stretch) >= fewest and chords != {None}


def _between(source: Sequence[_Bar], stretch: Sequence[_Bar]) -> int:
    """The one distance that all bars of two sections of one name have, else 0."""
    found = {_semitones(old, new) for old, new in zip(source, stretch, strict=True)} - {_ANY}
    only = found.pop() if len(found) == 1 else None
    return only or 0


def _resolved(returns: Sequence[Return], begin: float, beats: float, source: float, semitones: int) -> list[Return]:
    """A return, in parts whose sources are where the music was first, for its source may be a return as well."""
    parts: list[Return] = []
    form, at = Form(tuple(returns)), 0.0
    while at < beats:
        place = form.at(source + at)
        length = min(beats - at, place.left_beats)
        key = (semitones + place.semitones + 5) % 12 - 5
        parts.append(Return(begin + at, begin + at + length, place.source_beat, key))
        at += length
    return parts
