"""A chart laid over the bars of a take, each of its bars over one of the take's, however long that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.arrays import F64, I64
from engine.chords import Chord, parse_chart
from engine.errors import SidemanError
from engine.metre import COMMON
from engine.midi_io.signature import read_signature

__all__ = ["chart_chords"]


def chart_chords(text: str, path: Path, beats_s: F64, in_bar: I64) -> list[tuple[float, Chord | None]]:
    """(onset_s, chord) of a chart that goes round from the take's first whole bar on.

    beats_s, in_bar: the take's beats, the last one where its last bar ends. A first bar that is shorter than the second
    is a pickup, and has no chord. SidemanError: the take has no beat, or the chart is in another metre.
    """
    first_beats = np.flatnonzero(in_bar == 0)
    if len(first_beats) < 2:
        raise SidemanError(f"{path}: has no beat to lay --chords over: leave it out")
    sizes = np.diff(first_beats)
    if len(sizes) > 1 and sizes[0] < sizes[1]:
        first_beats = first_beats[1:]
    lines_s = beats_s[first_beats]
    signature = read_signature(path)
    metre = signature.metre or COMMON
    chart = parse_chart(text, otherwise=metre)
    if chart.metre != metre:
        raise SidemanError(
            f"--chords is in {chart.metre}, but {path} is in {signature.unread or metre}: write its bars in that"
        )
    chart = chart.fill(len(lines_s) - 1)
    number = np.arange(len(lines_s))
    bars = [(span.start_beat / chart.metre.beats, span.chord) for span in chart.spans]
    return [(float(np.interp(bar, number, lines_s)), chord) for bar, chord in bars]
