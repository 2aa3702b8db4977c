"""What a take is like around a gap, in what a base can be asked: density, loudness, register, thickness, bass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from engine.data.controls import measure
from engine.inference.fill.gap import Gap, Struck
from engine.model.controls import Control
from engine.notes import Notes, make_notes
from engine.tokens import encode_notes
from engine.vocabulary import STEP_S, middle_velocity

__all__ = ["like_the_take"]

NEAR_STEPS = round(12 / STEP_S)  # what lies farther away is another part


def like_the_take(gap: Gap, controls: Sequence[Control]) -> dict[str, str | float]:
    """Returns values for Session.set_auto that make the gap like its surroundings or, without any, its old notes."""
    left = [note for note in gap.left if note.step >= gap.begin - NEAR_STEPS]
    right = [note for note in gap.right if note.step < gap.end + NEAR_STEPS]
    sides = [side for side in (left, right) if len(side) >= 4] or [side for side in (list(gap.removed),) if side]
    values: dict[str, list[float]] = {}
    for side in sides:
        tokens, _ = encode_notes(_notes(side))
        for name, quantity in measure(tokens.astype(np.int64)).items():
            if np.isfinite(quantity[0]):
                values.setdefault(name, []).append(float(quantity[0]))
    return {
        control.name: control.level(float(np.mean(values[control.name]))) / (control.levels - 1)
        for control in controls
        if control.edges and control.name in values
    }


def _notes(notes: Iterable[Struck]) -> Notes:
    rows = np.array([tuple(note) for note in notes], dtype=np.float64)
    return make_notes(rows[:, 0] * STEP_S, rows[:, 1] * STEP_S, rows[:, 2], middle_velocity(rows[:, 3]))
