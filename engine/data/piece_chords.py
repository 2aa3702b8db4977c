"""A prepared piece's chords as labels, from some moment of it on."""

from __future__ import annotations

import numpy as np

from engine.chords import Chord
from engine.chords.chord import ChordLabels
from engine.data.shards.shards import PieceArrays
from engine.vocabulary import STEP_S

__all__ = ["chords_from"]


def chords_from(piece: PieceArrays, start_s: float) -> ChordLabels:
    """Returns the chord in force at start_s, with onset 0, and every later one; onsets in seconds from start_s."""
    onsets_s = np.asarray(piece.chord_steps) * STEP_S - start_s
    now = int(np.searchsorted(onsets_s, 0.0, side="right")) - 1
    return [
        (max(0.0, float(onset_s)), Chord.from_id(int(token)))
        for onset_s, token in zip(onsets_s[now:], piece.chord_ids[now:], strict=True)
    ]
