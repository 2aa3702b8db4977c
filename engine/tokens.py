"""Notes <-> event ids: what every part does to music before it shows it to a model, and after."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import native
from engine.notes import Notes, make_notes
from engine.vocabulary import LAYOUT, STEP_S

__all__ = ["decode_notes", "encode_notes"]

ON_THE_GRID = 1e-6  # of a step: 0.29 s / 0.01 s is 28.999999999999996 in floats, and step 29 all the same


def encode_notes(notes: Notes) -> tuple[npt.NDArray[np.uint16], float]:
    """(N,) notes, N > 0 -> (T,) ids, and the moment in seconds that their time 0 stands for: the first note's step."""
    begin_s = float(np.floor(notes["onset_s"].min() / STEP_S + ON_THE_GRID) * STEP_S)
    # A first note on the grid may lie some 1e-17 s before the step that it was floored to.
    onset_s, offset_s = (np.maximum(notes[name] - begin_s, 0.0) for name in ("onset_s", "offset_s"))
    ids = native.encode(LAYOUT, onset_s, offset_s, notes["pitch"], notes["velocity"])
    return ids, begin_s


def decode_notes(tokens: npt.ArrayLike) -> Notes:
    """(T,) ids -> the notes they say."""
    onset, offset, pitch, velocity, _, _ = native.decode(LAYOUT, tokens)
    return make_notes(onset * STEP_S, offset * STEP_S, pitch, velocity)
