"""What is asked is asked with emphasis: a control's rows, further from its row for unknown than training left them.

A row says what the music to come is like. A wish has to outweigh what the notes heard so far and the other controls
say, which as a rule agree with a row and here need not: asked for the fewest notes, the shipped base still played a
solo's two or three a second. Moved away from "unknown" by a factor, the same rows are heeded, and nothing changes where
nothing is asked (docs/LOG.md has the figures). Training and fine-tuning know the rows as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.model.checkpoint import Checkpoint
from engine.model.stored_weights import StoredWeights

__all__ = ["EMPHASIS", "emphasised"]

EMPHASIS = {"left_hand": 2.0, "density": 1.5, "register": 2.0}
"""Factor by control; the others' rows are heeded as they are, or not any better for it."""

ROWS = "control_emb.weight"


def emphasised(checkpoint: Checkpoint) -> Checkpoint:
    """The same base with its rows moved. Everything else is shared with it, and its name and sum stay."""
    if EMPHASIS.keys().isdisjoint(control.name for control in checkpoint.model.controls):
        return checkpoint
    rows = np.array(checkpoint.weights[ROWS], dtype=np.float32)
    first = 0
    for control in checkpoint.model.controls:
        unknown = first + control.levels
        rows[first:unknown] = rows[unknown] + EMPHASIS.get(control.name, 1.0) * (rows[first:unknown] - rows[unknown])
        first = unknown + 1
    if not checkpoint.stored:
        return replace(checkpoint, weights={**checkpoint.weights, ROWS: rows})
    stored: dict[str, npt.NDArray[Any]] = {**checkpoint.stored, ROWS: rows.astype(checkpoint.stored[ROWS].dtype)}
    return replace(checkpoint, weights=StoredWeights(stored), stored=stored)
