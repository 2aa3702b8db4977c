"""Chord charts as pages see them: read while they are typed, with the parser's own hints."""

from __future__ import annotations

import re
from typing import Any, Final

from engine.chords import Chart, parse_chart
from engine.chords.charts.transpose import transpose_chart
from engine.errors import SidemanError
from engine.metre import COMMON, parse_metre

__all__ = ["chart_told", "read_chart", "transposed"]

_COLUMN: Final = re.compile(r"(?:line (\d+), )?column (\d+)")


def chart_told(text: str, chart: Chart) -> dict[str, Any]:
    """A chart with its text; beats are felt ones. tones: pitch classes of every chord in it, its root first."""
    chords = {span.chord.label: span.chord for span in chart.spans if span.chord is not None}
    return {
        "text": text,
        "bars": chart.bars,
        "beatsPerBar": chart.beats_per_bar,
        "metre": str(chart.metre),
        "beat": chart.metre.beat_name,
        "spans": [[start, end, None if chord is None else chord.label] for start, end, chord in chart.spans],
        "sections": [[name, start] for name, start in chart.sections],
        "tones": {label: list(chord.pitch_classes()) for label, chord in chords.items()},
    }


def read_chart(text: str, metre: str = str(COMMON)) -> dict[str, Any]:
    """chart_told(), or {"error": one line, "column": where, counted from 1, None where that is not known}.

    metre: of a chart that names none.
    """
    try:
        return chart_told(text, parse_chart(text, otherwise=parse_metre(metre)))
    except SidemanError as error:
        found = _COLUMN.search(str(error))
        return {"error": str(error), "column": int(found[2]) if found else None}


def transposed(text: str, semitones: int, metre: str) -> dict[str, Any]:
    """read_chart() of the chart moved by so many semitones, its text as `moved`; the error where it is no chart."""
    told = read_chart(text, metre)
    if "error" in told:
        return told
    moved = transpose_chart(text, semitones)
    return read_chart(moved, metre) | {"moved": moved}
