"""Shifts notes of a window off the beat and back, so that a model learns to find back to it.

A model that has only heard players who keep time takes the time from what it hears: when it plays, its own small errors
become the past that it goes by, and it drifts off the beat. Here the past is off the beat now and then, while the beat
that the model is told is right; only what returns to the player's own time is to be learnt (the idea of noise on the
inputs against exposure bias, as in scheduled sampling, Bengio et al. 2015).
"""

from __future__ import annotations

import numpy as np

from engine.arrays import I64
from engine.vocabulary import NUM_SHIFTS, TIME_SHIFT

__all__ = ["stray"]

LEAVES = 0.12  # of the waits: what follows is early or late
RETURNS = 0.4  # of the waits while astray: what follows is where the player had it
FARTHEST_STEPS = 12


def stray(tokens: I64, rng: np.random.Generator) -> tuple[I64, I64]:
    """Returns (T,) ids with some events early or late, and (T,) ones for those that no player has chosen so.

    Those are waits that end astray; a wait that leads back is what the model should have chosen there. Waits of more
    than one token stay as they are, and with them how far astray the music is.
    """
    is_shift = (tokens >= TIME_SHIFT) & (tokens < TIME_SHIFT + NUM_SHIFTS)
    alone = is_shift.copy()
    alone[1:] &= ~is_shift[:-1]
    alone[:-1] &= ~is_shift[1:]
    alone &= tokens < TIME_SHIFT + NUM_SHIFTS - 1  # a full wait may be the first part of a longer one
    strayed, astray = tokens.copy(), np.zeros(len(tokens), dtype=np.int64)
    offset = 0
    for at in np.flatnonzero(is_shift):
        if alone[at]:
            aim = offset
            if offset and rng.random() < RETURNS:
                aim = 0
            elif not offset and rng.random() < LEAVES:
                aim = int(rng.integers(1, FARTHEST_STEPS + 1)) * (1 if rng.random() < 0.5 else -1)
            wait = tokens[at] - TIME_SHIFT + 1 + aim - offset
            if 1 <= wait < NUM_SHIFTS:
                strayed[at], offset = TIME_SHIFT + wait - 1, aim
        astray[at] = int(offset != 0)
    return strayed, astray
