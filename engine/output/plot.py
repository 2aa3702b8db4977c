"""Draws notes under their chord symbols as a PNG: a piano roll in rows of bars."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.atomic import atomic_write
from engine.errors import SidemanError, check_installed
from engine.metre import COMMON, Metre
from engine.notes import Notes
from engine.vocabulary import PITCH_NAMES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "INK", "PAPER", "check_plot", "draw_chords", "draw_keyboard", "draw_notes", "pitch_range", "plot_png",
    "velocity_colours",
]  # fmt: skip

BARS_PER_ROW = 8
BARS_PER_DENSE_ROW = 4  # where chord names would not fit otherwise
MAX_BARS = 256  # a taller picture is no picture
_ROW_HEIGHTS_IN = {1: 3.4, 2: 2.7}  # by the number of rows; 2.1 for more
_WIDTH_IN = 12.0
_DPI = 144
_LEFT, _RIGHT = 0.05, 0.98  # of the width
_ROW_WIDTH_IN = (_RIGHT - _LEFT) * _WIDTH_IN
_CHORD_PT = 13.0
_SMALL_CHORD_PT = 7.0
_MIN_CHORD_PT = 5.5
_VELOCITIES = (16, 120)  # what pianists play; softer and louder keep the end colours
_SOON = 0.02  # of a bar: a chord that close before a bar line belongs behind it
_MIN_SPAN = 24  # semitones a row shows at least, lest three notes fill the page
_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})

# Ink on paper; velocity runs from light to dark through cool hues, readable in grey print and for the colour-blind.
PAPER, _BLACK_KEY, INK, _FAINT = "#ffffff", "#f4f5f7", "#1f2430", "#8a92a3"
_BAR, _BEAT, _OCTAVE = "#9aa2b1", "#e3e6ec", "#dfe3ea"
_SOFT_TO_LOUD = ("#b4e3d8", "#52a8cc", "#4663b8", "#6a2c91", "#6d0b45")


def check_plot(path: str | Path, bars: int) -> None:
    """SidemanError: matplotlib is missing, or so many bars are no picture."""
    check_installed("matplotlib", "plot", "a plot")
    if not 1 <= bars <= MAX_BARS:
        raise SidemanError(f"{path}: a plot of {bars} bars: draw 1..{MAX_BARS}")


def plot_png(
    path: str | Path,
    notes: Notes,
    chords: Sequence[tuple[float, str]] = (),
    *,
    tempo_bpm: float,
    metre: Metre = COMMON,
    bars: int | None = None,
    title: str | None = None,
) -> None:
    """Draws notes (N,) as a piano roll under chord names: 8 bars a row, 4 where chords change too fast for that.

    chords: (onset_s, symbol). bars: how many to draw; default: to the end of the last note or chord. Bar 1 begins at 0.

    SidemanError: matplotlib is missing, the path cannot be written, or there are more than 256 bars.
    """
    bar_s = metre.beats * 60.0 / tempo_bpm
    if bars is None:
        end_s = max([bar_s, *(float(end) for end in notes["offset_s"]), *(onset_s + 1e-3 for onset_s, _ in chords)])
        bars = math.ceil(round(end_s / bar_s, 3))
    check_plot(path, bars)
    from matplotlib.figure import Figure

    stop_s = bars * bar_s
    chords = sorted((chord for chord in chords if chord[0] < stop_s - _SOON * bar_s), key=lambda chord: chord[0])
    per_row = min(bars, BARS_PER_ROW if _chords_fit(chords, BARS_PER_ROW * bar_s, stop_s) else BARS_PER_DENSE_ROW)
    rows = math.ceil(bars / per_row)
    low, high = pitch_range(notes)

    row_in, head_in, foot_in = _ROW_HEIGHTS_IN.get(rows, 2.1), 0.45, 0.5
    height_in = rows * row_in + head_in + foot_in
    figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor=PAPER)
    for row in range(rows):
        bottom = 1 - (head_in + (row + 1) * row_in) / height_in
        axes = figure.add_axes((_LEFT, bottom + 0.12 / height_in, _RIGHT - _LEFT, (row_in - 0.5) / height_in))
        first_bar = row * per_row
        start_s, row_stop_s = first_bar * bar_s, (first_bar + per_row) * bar_s
        _draw_grid(axes, first_bar, min(per_row, bars - first_bar), bar_s, metre.beats, low, high)
        draw_notes(axes, notes, start_s, min(row_stop_s, stop_s))
        draw_chords(axes, chords, start_s, row_stop_s, _SOON * bar_s, high, _ROW_WIDTH_IN)
        axes.set_xlim(start_s, row_stop_s)
        axes.set_ylim(low - 0.5, high + 0.5)
    if title:
        figure.text(
            _LEFT, 1 - 0.3 / height_in, title, fontsize=15, fontweight="bold", color=INK, va="center", parse_math=False
        )
    detail = f"{tempo_bpm:g} bpm, {metre}, {bars} bar{'s' if bars > 1 else ''}, {len(notes)} notes"
    figure.text(_RIGHT, 1 - 0.3 / height_in, detail, fontsize=9, color=_FAINT, va="center", ha="right")
    _draw_key(figure, height_in)
    with atomic_write(path) as beside, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a title in a script that the font lacks is drawn as boxes
        figure.savefig(beside, format="png", facecolor=PAPER)


def pitch_range(notes: Notes) -> tuple[int, int]:
    """Returns the lowest and highest pitch to show: the notes and a margin, at least two octaves."""
    if len(notes) == 0:
        return 48, 84
    low, high = int(notes["pitch"].min()) - 2, int(notes["pitch"].max()) + 2
    grow = max(0, _MIN_SPAN - (high - low))
    return max(0, low - grow // 2), min(127, high + grow - grow // 2)


def _fitting_pt(symbol: str, room_s: float, row_s: float, row_in: float) -> float:
    """Returns the largest type size at which a name fits its room; a bold letter is 0.75 of its size wide."""
    room_pt = room_s / row_s * row_in * 72
    return (room_pt - 5) / (0.75 * max(1, len(symbol)))


def _chords_fit(chords: Sequence[tuple[float, str]], row_s: float, stop_s: float) -> bool:
    ends = [*(onset_s for onset_s, _ in chords[1:]), stop_s]
    return all(
        _fitting_pt(symbol, end_s - onset_s, row_s, _ROW_WIDTH_IN) >= _SMALL_CHORD_PT
        for (onset_s, symbol), end_s in zip(chords, ends, strict=False)
    )


def _draw_grid(axes: Axes, first_bar: int, bars: int, bar_s: float, beats_per_bar: int, low: int, high: int) -> None:
    """Draws keys, bar lines with their numbers, and beats."""
    start_s = first_bar * bar_s
    draw_keyboard(axes, start_s, start_s + bars * bar_s, low, high)
    for bar in range(bars + 1):
        at_s = start_s + bar * bar_s
        axes.plot([at_s, at_s], [low - 0.5, high + 0.5], color=_BAR, linewidth=1.0, zorder=2, clip_on=False)
        if bar == bars:
            break
        axes.annotate(
            str(first_bar + bar + 1), (at_s, low - 0.5), (2, -3), textcoords="offset points",
            fontsize=7, color=_FAINT, va="top", annotation_clip=False,
        )  # fmt: skip
        for beat in range(1, beats_per_bar):
            beat_s = at_s + beat * bar_s / beats_per_bar
            axes.plot([beat_s, beat_s], [low - 0.5, high + 0.5], color=_BEAT, linewidth=0.7, zorder=1)


def draw_keyboard(axes: Axes, start_s: float, stop_s: float, low: int, high: int) -> None:
    """Draws stripes of black and white keys from pitch `low` to `high`, octaves named at the left, no frame."""
    from matplotlib.collections import PolyCollection

    stripes = [
        [(start_s, pitch - 0.5), (stop_s, pitch - 0.5), (stop_s, pitch + 0.5), (start_s, pitch + 0.5)]
        for pitch in range(low, high + 1)
        if pitch % 12 in _BLACK_KEYS
    ]
    axes.add_collection(PolyCollection(stripes, facecolors=_BLACK_KEY, linewidths=0, zorder=0))
    octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    for pitch in octaves:
        axes.plot([start_s, stop_s], [pitch - 0.5] * 2, color=_OCTAVE, linewidth=0.8, zorder=1)
    axes.set_yticks(octaves, [f"{PITCH_NAMES[0]}{pitch // 12 - 1}" for pitch in octaves], fontsize=8, color=_FAINT)
    axes.set_xticks([])
    axes.tick_params(length=0, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)


def velocity_colours() -> tuple[Any, Any]:
    """Returns matplotlib's colour map from soft to loud, and the scale from a velocity onto it."""
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    return LinearSegmentedColormap.from_list("velocity", _SOFT_TO_LOUD), Normalize(*_VELOCITIES)


def draw_notes(axes: Axes, notes: Notes, start_s: float, stop_s: float) -> None:
    """Draws the notes that sound in [start_s, stop_s), cut at its borders; louder notes lie on top."""
    from matplotlib.collections import PolyCollection

    colours, scale = velocity_colours()
    shown = notes[(notes["offset_s"] > start_s) & (notes["onset_s"] < stop_s)]
    shown = shown[np.argsort(shown["velocity"], kind="stable")]
    left = np.maximum(shown["onset_s"], start_s)
    right = np.minimum(np.maximum(shown["offset_s"], left), stop_s)
    pitch = shown["pitch"].astype(np.float64)
    corners = [(left, pitch - 0.42), (right, pitch - 0.42), (right, pitch + 0.42), (left, pitch + 0.42)]
    boxes = np.stack([np.stack(corner, axis=1) for corner in corners], axis=1)  # (N, 4, 2)
    faces = colours(scale(shown["velocity"]))
    axes.add_collection(PolyCollection(list(boxes), facecolors=faces, edgecolors=PAPER, linewidths=0.4, zorder=3))


def draw_chords(
    axes: Axes,
    chords: Sequence[tuple[float, str]],
    start_s: float,
    stop_s: float,
    soon_s: float,
    high: int,
    width_in: float,
) -> None:
    """Draws chord names above a row of that width; a change at most soon_s before the row counts as its first.

    One that goes on from the row above is named again, faintly.
    """
    before = [symbol for onset_s, symbol in chords if onset_s < start_s - soon_s]
    here = [(max(onset_s, start_s), symbol, INK) for onset_s, symbol in chords if onset_s >= start_s - soon_s]
    here = [chord for chord in here if chord[0] < stop_s - soon_s]
    if before and (not here or here[0][0] > start_s + soon_s):
        here.insert(0, (start_s, before[-1], _FAINT))
    for i, (onset_s, symbol, colour) in enumerate(here):
        room_s = (here[i + 1][0] if i + 1 < len(here) else stop_s) - onset_s
        # Names shrink where changes come fast, so that neighbours never overlap.
        size = min(_CHORD_PT, max(_MIN_CHORD_PT, _fitting_pt(symbol, room_s, stop_s - start_s, width_in)))
        text = symbol.replace("#", "♯").replace("b", "♭") if symbol != "N.C." else symbol
        axes.annotate(
            text, (onset_s, high + 0.5), (2, 4), textcoords="offset points", fontsize=size, color=colour,
            fontweight="bold", va="bottom", annotation_clip=False,
        )  # fmt: skip


def _draw_key(figure: Any, height_in: float) -> None:
    """Draws the velocity scale, bottom right."""
    axes = figure.add_axes((0.83, 0.2 / height_in, 0.12, 0.09 / height_in))
    axes.imshow(np.linspace(0, 1, 128)[None, :], aspect="auto", cmap=velocity_colours()[0])
    axes.set_axis_off()
    for x, text, align in ((0.825, f"velocity {_VELOCITIES[0]}", "right"), (0.955, str(_VELOCITIES[1]), "left")):
        figure.text(x, 0.245 / height_in, text, fontsize=8, color=_FAINT, va="center", ha=align)
