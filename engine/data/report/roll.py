"""Draws a passage of a piece as a piano roll under its chord symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.chords import Chord
from engine.data.report.facts import Example
from engine.data.report.picture import FAINT, picture, pitch_name
from engine.output.html_page import Picture
from engine.output.plot import draw_chords, draw_keyboard, draw_notes, pitch_range
from engine.tokens import decode_notes
from engine.vocabulary import STEP_S

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ROLL_IN", "roll"]

ROLL_IN = (9.0, 2.3)
ROLL_BOX = (0.05, 0.12, 0.94, 0.73)  # of the picture; measuring the labels would take as long as drawing them
ROLL_S = 16.0  # of a piece without beats; eight bars of one with beats, where they last 8 s to 30 s
ROLL_BARS = 8


def roll(example: Example, seed: int = 0) -> tuple[Picture, float, float]:
    """Draws a passage of the piece; returns the picture and the seconds at which the passage begins and ends."""
    piece, notes = example.piece, decode_notes(example.piece.tokens)
    start_s, stop_s = _passage(example, float(notes["offset_s"].max(initial=1.0)), np.random.default_rng(seed))
    shown = notes[(notes["offset_s"] > start_s) & (notes["onset_s"] < stop_s)]
    chords = _chord_names(example, stop_s)
    low, high = pitch_range(shown)
    beats_s = piece.beat_steps * STEP_S
    downbeat = np.asarray(piece.beat_in_bar) == 0

    def draw(axes: Axes) -> None:
        draw_keyboard(axes, start_s, stop_s, low, high)
        for at_s, first in zip(beats_s, downbeat, strict=True):
            if start_s <= at_s <= stop_s:
                axes.axvline(at_s, color="#9aa2b1" if first else "#dfe3ea", linewidth=1.0 if first else 0.7, zorder=1)
        draw_notes(axes, shown, start_s, stop_s)
        draw_chords(axes, chords, start_s, stop_s, 0.05, high, ROLL_IN[0] * ROLL_BOX[2])
        axes.set_xlim(start_s, stop_s)
        axes.set_ylim(low - 0.5, high + 0.5)
        seconds = np.arange(np.ceil(start_s / 2) * 2, stop_s, 2)
        axes.set_xticks(seconds, [f"{int(s) // 60}:{int(s) % 60:02}" for s in seconds], fontsize=8, color=FAINT)

    named = [name for onset_s, name in chords if onset_s >= start_s - 0.05]
    harmony = f" under the chords {', '.join(named[:12])}{' …' if len(named) > 12 else ''}" if named else ""
    alt = f"Piano roll: {len(shown)} notes from {pitch_name(low)} to {pitch_name(high)}{harmony}"
    return picture("roll", draw, alt, ROLL_IN, ROLL_BOX), start_s, stop_s


def _passage(example: Example, end_s: float, rng: np.random.Generator) -> tuple[float, float]:
    """Chooses the start and stop of what to draw: eight bars from some bar line, or ROLL_S from anywhere."""
    bars_s = example.piece.beat_steps[np.asarray(example.piece.beat_in_bar) == 0] * STEP_S
    if len(bars_s) > ROLL_BARS:
        first = int(rng.integers(0, len(bars_s) - ROLL_BARS))
        if 8.0 <= bars_s[first + ROLL_BARS] - bars_s[first] <= 30.0 and bars_s[first] < end_s:
            return float(bars_s[first]), float(bars_s[first + ROLL_BARS])
    start_s = round(float(rng.uniform(0, max(0.0, end_s - ROLL_S))), 1)
    return start_s, start_s + min(ROLL_S, max(1.0, end_s))


def _chord_names(example: Example, stop_s: float) -> list[tuple[float, str]]:
    """Returns (onset_s, name) of the piece's chords before stop_s, without the N.C. that every piece starts with."""
    piece = example.piece
    ids = [int(i) for i in piece.chord_ids[1:]]
    onsets_s = [float(step) * STEP_S for step in piece.chord_steps[1:]]
    chords = [(onset_s, Chord.from_id(i)) for onset_s, i in zip(onsets_s, ids, strict=True) if onset_s < stop_s]
    return [(onset_s, "N.C." if chord is None else chord.name) for onset_s, chord in chords]
