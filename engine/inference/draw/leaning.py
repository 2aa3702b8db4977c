"""The beat's pull: waits lean towards the places of a beat where pianists strike.

The model goes by the past more than by the beat it is told, as players in its training music keep time by themselves.
Its own small errors then become that past, and after some bars it floats. So its waits are weighed by how often music
strikes the place of the beat they end at (a product of experts, Hinton 2002), tempered, and without changing how likely
it is that anything is waited for. The specification of native/src/stream/leaning.cpp.

A session that is asked for a swung groove leaves them as they are: the shares below are mostly those of even music, and
would make its eighths even, too; and a model that has learnt the groove keeps time in it by itself.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from engine.model.shapes import BEAT_BINS
from engine.vocabulary import NUM_SHIFTS, STEP_S, TIME_SHIFT

__all__ = ["LEANING", "SWUNG", "lean"]

F32 = npt.NDArray[np.float32]

_STRUCK = (
    11.515, 0.91, 0.113, 0.086, 0.14, 0.033, 0.887, 0.056, 0.564, 0.121, 0.045, 0.159,
    4.826, 0.467, 0.277, 0.412, 1.031, 0.189, 1.328, 0.111, 0.163, 0.154, 0.073, 0.339,
)  # fmt: skip
"""Notes of the training music in each 24th of a beat, 1 where none is preferred: mean of six collections' shares."""
SWUNG = frozenset({"swing", "up", "blues", "stride", "modal", "waltz"})
"""Grooves whose off-beats come late."""
_RAREST = 0.05  # no place is out of bounds
_STRENGTH = 0.5  # at 1 the solo is more on the beat than pianists are

LEANING: F32 = (_STRENGTH * np.log(np.maximum(_STRUCK, _RAREST))).astype(np.float32)
"""(24,) what is added to the logit of a wait that ends in that place."""
assert len(LEANING) == BEAT_BINS


def lean(logits: F32, step: int, bpm: float, origin_s: float) -> F32:
    """(400,) logits at a step -> the same with leaning waits; a beat lies at origin_s."""
    waits = logits[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS]
    beat = (np.arange(step + 1, step + 1 + NUM_SHIFTS) * STEP_S - origin_s) * bpm / 60
    place = np.floor((beat - np.floor(beat)) * BEAT_BINS + 0.5).astype(np.int64) % BEAT_BINS
    leaned = waits + LEANING[place]
    correction = np.float32(_log_sum(waits) - _log_sum(leaned))
    if not np.isfinite(correction):
        return logits  # no numbers to begin with: the sampler says so
    result: F32 = logits.copy()
    result[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS] = leaned + correction
    return result


def _log_sum(x: F32) -> float:
    top = float(x.max())
    return top + math.log(float(np.exp(x.astype(np.float64) - top).sum())) if math.isfinite(top) else top
