"""Bars around a chart: an intro before its first one, a tag after its last one."""

from __future__ import annotations

from typing import Final

from engine.chords import Chart, ChordSpan, Section
from engine.judgement import DOMINANTS

__all__ = ["MOST_INTRO_BARS", "TAG_BARS", "with_intro", "with_tag"]

MOST_INTRO_BARS: Final = 16
TAG_BARS: Final = 4  # that are played three times


def with_intro(chart: Chart, bars: int) -> Chart:
    """Returns the chart after an intro of so many bars: over its last ones where these lead back, else its first ones.

    Last bars lead back where their last chord is a dominant of something else than the first chord: a turnaround. An
    intro longer than the chart goes round it.
    """
    first, last = chart.spans[0].chord, chart.spans[-1].chord
    leads_back = last is not None and first is not None and last.quality in DOMINANTS and last.root != first.root
    rounds = -(-bars // chart.bars)
    source = chart.fill(rounds * chart.bars)
    begin = source.bars - bars if leads_back else 0
    intro = _cut(source, begin, begin + bars)
    return _joined(Chart(intro.spans, bars, chart.metre, (Section("Intro", 0.0),)), chart)


def with_tag(chart: Chart) -> Chart:
    """Returns the chart with its last four bars, or all of them where they are fewer, played three times."""
    tag = _cut(chart, max(chart.bars - TAG_BARS, 0), chart.bars)
    tag = Chart(tag.spans, tag.bars, chart.metre, (Section("Tag", 0.0),))
    return _joined(_joined(chart, tag), tag)


def _cut(chart: Chart, begin: int, end: int) -> Chart:
    """Bars begin to end, the latter not among them. No span crosses a bar line."""
    from_beat, to_beat = begin * chart.beats_per_bar, end * chart.beats_per_bar
    spans = tuple(
        ChordSpan(start - from_beat, end_beat - from_beat, chord)
        for start, end_beat, chord in chart.spans
        if from_beat <= start < to_beat
    )
    return Chart(spans, end - begin, chart.metre)


def _joined(one: Chart, other: Chart) -> Chart:
    later = one.beats
    spans = (ChordSpan(start + later, end + later, chord) for start, end, chord in other.spans)
    sections = (Section(name, start + later) for name, start in other.sections)
    return Chart((*one.spans, *spans), one.bars + other.bars, one.metre, (*one.sections, *sections))
