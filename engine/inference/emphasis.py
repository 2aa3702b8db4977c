"""Makes a base heed some controls more: their rows are moved away from the row for "unknown".

A row tells the model what the music to come is like. In training it agreed with the notes before it and with the other
controls; in play it has to outweigh them: asked for the fewest notes, the shipped base still played two or three a
second, as a solo has. Moved away from "unknown" by a factor, the same rows are heeded, and nothing changes where
nothing is asked (docs/LOG.md has the figures). Training and fine-tuning use the rows as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.model.checkpoint import Checkpoint
from engine.model.stored_weights import ABSMAX, StoredWeights

__all__ = ["EMPHASIS", "emphasised"]

EMPHASIS = {"left_hand": 2.0, "density": 1.5, "register": 2.0}
"""Factor by control. The rows of the other controls are heeded as they are, or no better when moved."""

ROWS = "control_emb.weight"


def emphasised(checkpoint: Checkpoint) -> Checkpoint:
    """Returns the base with its rows moved. It shares everything else with the given one, its name and sum too."""
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
    kind = checkpoint.stored[ROWS].dtype
    stored: dict[str, npt.NDArray[Any]] = {**checkpoint.stored, ROWS: rows.astype(kind if kind.kind == "f" else "f4")}
    stored.pop(ROWS + ABSMAX, None)  # of codes, which what was moved no longer is
    return replace(checkpoint, weights=StoredWeights(stored), stored=stored)
