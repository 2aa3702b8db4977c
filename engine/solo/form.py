"""Bars around a chart: an intro before its first one, a tag after its last one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from engine.chords import Chart, Section
from engine.chords.charts.home import leads_back

__all__ = ["MOST_INTRO_BARS", "TAG_BARS", "with_intro", "with_tag"]

MOST_INTRO_BARS: Final = 16
TAG_BARS: Final = 4  # that are played three times


def with_intro(chart: Chart, bars: int) -> Chart:
    """Returns the chart after an intro of so many bars: over its last ones where these lead back, else its first ones.

    Last bars lead back where they are a turnaround. An intro longer than the chart goes round it.
    """
    rounds = -(-bars // chart.bars)
    source = chart.fill(rounds * chart.bars)
    begin = source.bars - bars if leads_back(chart) else 0
    intro = source.cut(begin, begin + bars)
    return replace(intro, sections=(Section("Intro", 0.0),)).followed_by(chart)


def with_tag(chart: Chart) -> Chart:
    """Returns the chart with its last four bars, or all of them where they are fewer, played three times."""
    tag = replace(chart.cut(max(chart.bars - TAG_BARS, 0), chart.bars), sections=(Section("Tag", 0.0),))
    return chart.followed_by(tag).followed_by(tag)
