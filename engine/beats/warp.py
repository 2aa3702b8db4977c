"""The warp of time that makes quantise and swing, and its inverse."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final

__all__ = ["STRAIGHT_GRID", "THIRD_GRID", "Grid", "grid_under", "warp", "warp_inverse"]

Grid = tuple[float, ...]
"""Where in a beat quantise puts an onset, from 0 to 1."""

STRAIGHT_GRID: Final = (0.0, 1 / 4, 1 / 2, 3 / 4, 1.0)  # of a beat; the grid under swing
GRID: Final = (0.0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1.0)  # sixteenths and eighth triplets together
THIRD_GRID: Final = (0.0, 1 / 2, 1.0)  # of a third of a dotted beat: the sixteenths of 6/8


def grid_under(swing: float) -> Grid:
    """Returns the grid of a beat that is not dotted."""
    return GRID if swing == 0.5 else STRAIGHT_GRID


def warp(beat: float, quantise: float, swing: float, grid: Grid) -> float:
    """Returns the beat at which an onset is played; it rises with the onset's. Swing moves onsets at half a beat."""
    whole = math.floor(beat)
    phase = beat - whole
    above = min(bisect_right(grid, phase), len(grid) - 1)
    low, high = grid[above - 1], grid[above]
    nearest = low if phase - low < high - phase else high
    return whole + _swung(phase + quantise * (nearest - phase), swing)


def warp_inverse(beat: float, quantise: float, swing: float, grid: Grid) -> float:
    """Returns the supremum of the beats that are warped to `beat` or before."""
    whole = math.floor(beat)
    phase = _straight(beat - whole, swing)
    above = min(bisect_right(grid, phase + 1e-9), len(grid) - 1)
    low, high = grid[above - 1], grid[above]
    middle = (low + high) / 2
    if quantise >= 1:
        return whole + (1 + grid[1] / 2 if phase > 1 - 1e-9 else middle)
    below, beyond = (phase - quantise * low) / (1 - quantise), (phase - quantise * high) / (1 - quantise)
    # Between what comes from under the middle and what comes from over it, nothing is ever played.
    return whole + max(min(below, middle), beyond)


def _swung(phase: float, swing: float) -> float:
    """Phase of a straight beat -> the same place where the off-beat eighth falls at `swing`."""
    return phase * swing * 2 if phase < 0.5 else swing + (phase - 0.5) * (1 - swing) * 2


def _straight(phase: float, swing: float) -> float:
    return phase / (swing * 2) if phase < swing else 0.5 + (phase - swing) / ((1 - swing) * 2)
