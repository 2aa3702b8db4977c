"""Computes the beat phase: where a moment lies in its beat and bar, in the bins that the model is conditioned on."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.model.shapes import BAR_BINS, BEAT_BINS

__all__ = ["UNKNOWN_IN_BAR", "beat_bins"]

UNKNOWN_IN_BAR = 255
"""The beat_in_bar of a beat whose bar is unknown: it fits the byte that shards give it."""


def beat_bins(time: npt.ArrayLike, beats: npt.ArrayLike, beat_in_bar: npt.ArrayLike | None) -> tuple[I64, I64]:
    """Returns (N,) position bins 0..23 and (N,) bar bins 0..7 of (N,) moments among (B,) rising beats, in one unit.

    A moment belongs to the nearest bin, so one that the 10 ms grid puts just before its beat still counts as on it.
    Moments outside the beats get the null bins (24 and 8); so does the bar where beat_in_bar is None, UNKNOWN_IN_BAR or
    negative.
    """
    time, beats = np.asarray(time, dtype=np.float64), np.asarray(beats, dtype=np.float64)
    in_bar = np.full(beats.shape, UNKNOWN_IN_BAR) if beat_in_bar is None else np.asarray(beat_in_bar, dtype=np.int64)
    beat_bin = np.full(time.shape, BEAT_BINS, dtype=np.int64)
    bar_bin = np.full(time.shape, BAR_BINS, dtype=np.int64)
    if len(beats) >= 2:
        position = np.interp(time, beats, np.arange(len(beats)), left=-1.0, right=-1.0) + 0.5 / BEAT_BINS
        known = position >= 0
        index = np.minimum(np.floor(position[known]).astype(np.int64), len(beats) - 1)
        beat_bin[known] = np.minimum((position[known] - index) * BEAT_BINS, BEAT_BINS - 1).astype(np.int64)
        place = in_bar[index]
        bar_bin[known] = np.where((place < 0) | (place == UNKNOWN_IN_BAR), BAR_BINS, np.minimum(place, BAR_BINS - 1))
    return beat_bin, bar_bin
