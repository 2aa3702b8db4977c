"""Leans the waits towards those places in the beat where pianists strike.

The model follows what was played more than the beat it is told, because the players in its training music kept time by
themselves. Its own small errors then become that past, and after some bars it drifts off the beat. So each wait is
weighed by how often music strikes the place of the beat that it ends at (a product of experts, Hinton 2002), tempered,
without changing how likely a wait is at all. This is the specification of native/src/stream/leaning.cpp.

Under a swung groove the session turns this off: the shares below come mostly from even music and would make the eighths
even, too; and a model that has learnt the groove keeps time in it by itself.
"""

from __future__ import annotations

import math

import numpy as np

from engine.arrays import F32
from engine.model.shapes import BEAT_BINS
from engine.vocabulary import NUM_SHIFTS, STEP_S, TIME_SHIFT

__all__ = ["LEANING", "SWUNG", "lean"]

_STRUCK = (
    11.515, 0.91, 0.113, 0.086, 0.14, 0.033, 0.887, 0.056, 0.564, 0.121, 0.045, 0.159,
    4.826, 0.467, 0.277, 0.412, 1.031, 0.189, 1.328, 0.111, 0.163, 0.154, 0.073, 0.339,
)  # fmt: skip
"""How many notes of the training music fall into each 24th of a beat, relative to an even spread; mean of six
collections."""
SWUNG = frozenset({"swing", "up", "blues", "stride", "modal", "waltz"})
"""Grooves whose off-beats come late, for which nothing leans."""
_RAREST = 0.05  # no place is out of bounds
_STRENGTH = 0.5  # at 1 the solo is more on the beat than pianists are

LEANING: F32 = (_STRENGTH * np.log(np.maximum(_STRUCK, _RAREST))).astype(np.float32)
"""(24,) added to the logit of a wait, by the place of the beat that it ends in."""
assert len(LEANING) == BEAT_BINS


def lean(logits: F32, step: int, bpm: float, origin_s: float) -> F32:
    """Returns (400,) logits at a step with leaning waits; a beat lies at origin_s seconds."""
    waits = logits[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS]
    beat = (np.arange(step + 1, step + 1 + NUM_SHIFTS) * STEP_S - origin_s) * bpm / 60
    place = np.floor((beat - np.floor(beat)) * BEAT_BINS + 0.5).astype(np.int64) % BEAT_BINS
    leaned = waits + LEANING[place]
    correction = np.float32(_log_sum(waits) - _log_sum(leaned))
    if not np.isfinite(correction):
        return logits  # the logits were no numbers to begin with: the sampler raises the error
    result: F32 = logits.copy()
    result[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS] = leaned + correction
    return result


def _log_sum(x: F32) -> float:
    top = float(x.max())
    return top + math.log(float(np.exp(x.astype(np.float64) - top).sum())) if math.isfinite(top) else top
