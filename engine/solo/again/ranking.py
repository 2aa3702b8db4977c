"""How different several ways are: one number beside their scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from engine.inference.fill.gap import Struck

__all__ = ["diversity"]

NEAR_STEPS = 12  # strikes of one key so close are one and the same


def diversity(ways: Sequence[Sequence[Struck]]) -> float:
    """Mean share, over all pairs, of the strikes that only one of the two has: 0 the same, 1 nothing in common."""
    strikes = [{(note.step // NEAR_STEPS, note.pitch) for note in notes} for notes in ways]
    shares = [len(one ^ two) / max(1, len(one | two)) for one, two in combinations(strikes, 2)]
    return sum(shares) / len(shares) if shares else 0.0
