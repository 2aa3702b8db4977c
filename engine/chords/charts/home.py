"""Where a chart comes home, and whether its last bars only lead back to its first."""

from __future__ import annotations

from engine.chords.charts.chart import Chart
from engine.chords.charts.groove import DOMINANTS
from engine.chords.chord import Chord

__all__ = ["home_beat", "home_chord", "last_chord_beat", "leads_back"]


def leads_back(chart: Chart) -> bool:
    """Whether the last chord is a dominant of something else than the first chord: a turnaround."""
    first, last = chart.spans[0].chord, chart.spans[-1].chord
    return last is not None and first is not None and last.quality in DOMINANTS and last.root != first.root


def home_chord(chart: Chart) -> Chord | None:
    """Returns the chord that a round comes home to: the last one, or the first where that only leads back."""
    return chart.spans[0 if leads_back(chart) else -1].chord


def last_chord_beat(chart: Chart) -> float | None:
    """Returns the beat of the last chord: the last bar line, or the change after it; None where there is no chord."""
    last = chart.spans[-1]
    return None if last.chord is None else max(last.start_beat, float(chart.beats - chart.beats_per_bar))


def home_beat(chart: Chart) -> float:
    """Returns the beat on which a round comes home.

    It is that of the last chord; where there is none, or it only leads back, it is the first beat of the next round.
    """
    last = last_chord_beat(chart)
    return float(chart.beats) if last is None or leads_back(chart) else last
