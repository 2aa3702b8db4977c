"""A training window of a gap: what a fill hears of a piece, and then the gap, which alone is to be learnt.

Tokens and their order are those of engine/inference/fill. Beat, bar and chord of every position are those of the music
that stands there, wherever in the window it stands.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.arrays import F64, I64
from engine.beats.phase import beat_bins
from engine.chords import Chord
from engine.data.shards.shards import PieceArrays
from engine.data.windows import Window
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap
from engine.inference.fill.told import told
from engine.model.chord_memory import ChordMemory
from engine.model.shapes import CHORDS_AHEAD
from engine.vocabulary import STEP_S

__all__ = ["GapWindow", "chords_around", "gap_window"]


class GapWindow(NamedTuple):
    """window: without levels. before: the step at which its tokens begin. places: (n,) the step of the piece, in the
    window's tempo, at each input. left_s: (n,) seconds to the gap's end, NaN before the gap.
    """

    window: Window
    before: int
    places: I64
    left_s: F64


def gap_window(
    piece: PieceArrays, gap: Gap, ahead: Foresight, length: int, stretch: float = 1.0, learnt: bool = True
) -> GapWindow:
    """Makes the window of a gap, (<= length + 1,) tokens; what is too much is cut off at the start.

    gap, ahead: of engine/data/gaps/places, in the piece's steps times `stretch`. learnt: with SEAM.
    """
    tokens, steps, first = told(gap, ahead, learnt)
    now = steps[:-1]
    places = np.where(now < ahead.behind, now + gap.end, now - ahead.shift)
    beat, bar = beat_bins(places, np.asarray(piece.beat_steps) * stretch, piece.beat_in_bar)
    memory = ChordMemory()
    memory.replace(
        ahead.chords(gap, chords_around(piece, gap.begin - ahead.before, gap.end + ahead.behind, stretch)), 0
    )
    chord_ids, chord_steps = memory.track()
    left_s = np.where(np.arange(len(now)) < first - 1, np.nan, (gap.end + ahead.shift - now) * STEP_S)
    over = max(0, len(now) - length)
    rows: Window = {
        "tokens": tokens,
        "given": (np.arange(len(tokens)) < first).astype(np.int64),
        "beat": beat,
        "bar": bar,
        "chord_now": np.searchsorted(chord_steps, now, side="right") - 1,
    }
    window = {name: row[over:] for name, row in rows.items()}
    window |= {"chords": chord_ids.astype(np.int64), "chords_ahead": np.array(CHORDS_AHEAD)}
    return GapWindow(window, int(steps[over - 1]) if over else 0, places[over:], left_s[over:])


def chords_around(piece: PieceArrays, begin: int, end: int, stretch: float = 1.0) -> list[tuple[float, Chord | None]]:
    """Returns (onset_s, chord) of a piece from the one in force at a step to as many as a model sees behind another."""
    steps = np.rint(np.asarray(piece.chord_steps) * stretch).astype(np.int64)
    first = int(np.searchsorted(steps, begin, side="right")) - 1
    last = int(np.searchsorted(steps, end, side="right")) + CHORDS_AHEAD
    return [
        (step * STEP_S, Chord.from_id(token))
        for step, token in zip(steps[first:last].tolist(), piece.chord_ids[first:last].tolist(), strict=True)
    ]
