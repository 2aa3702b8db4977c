"""Onsets as events, a chord as one, and how much each sounds like a beat."""

from __future__ import annotations

import numpy as np

from engine.arrays import F64
from engine.notes import Notes

__all__ = ["onset_events"]

CHORD_S = 0.035  # onsets this close together are one
# What makes an onset sound like a beat, by logistic regression on half of POP909 and half of the Mutopia scores: how
# far its lowest note lies below its neighbours' (octaves) and below middle C (two octaves), how much louder it is (16
# steps of velocity), how many more notes it has (octaves), how long the gap after it and before it is (octaves), how
# much longer its notes are (octaves); and the intercept.
_SALIENCE = np.array([-0.09, 1.21, 0.56, 0.70, 0.30, 0.10, 0.69, -0.65])
_NEIGHBOURS = 9


def onset_events(notes: Notes) -> tuple[F64, F64]:
    """Returns (E,) times of onsets, a chord as one, and (E,) log odds that each lies on some beat."""
    onset_s = notes["onset_s"]
    if len(onset_s) == 0:
        return np.zeros(0), np.zeros(0)
    # A new event starts where the gap to the note before is more than a chord's spread.
    first = np.flatnonzero(np.concatenate([[True], np.diff(onset_s) > CHORD_S]))
    velocity = notes["velocity"].astype(np.float64)
    time_s = np.add.reduceat(velocity * onset_s, first) / np.add.reduceat(velocity, first)
    count = np.log2(np.diff(first, append=len(onset_s)))
    loud = np.maximum.reduceat(velocity, first)
    low = np.minimum.reduceat(notes["pitch"].astype(np.float64), first)
    length = np.log2(np.maximum(np.maximum.reduceat(notes["offset_s"] - onset_s, first), 0.03))
    after_s = np.diff(time_s, append=time_s[-1] + 1.0)
    before_s = np.diff(time_s, prepend=time_s[0] - 1.0)
    usual_s = _local_mean(np.minimum(after_s, 1.5)) + 1e-3
    features = (
        np.clip((_local_mean(low) - low) / 12, -2, 2),
        np.clip((60 - low) / 24, 0, 1.5),
        np.clip((loud - _local_mean(loud)) / 16, -2, 2),
        np.clip(count - _local_mean(count), -2, 2),
        np.clip(np.log2(np.maximum(after_s, 0.02) / usual_s), -2, 2),
        np.clip(np.log2(np.maximum(before_s, 0.02) / usual_s), -2, 2),
        np.clip(length - _local_mean(length), -3, 3),
    )
    salience: F64 = np.stack(features, axis=1) @ _SALIENCE[:-1] + _SALIENCE[-1]
    return time_s, salience


def _local_mean(values: F64) -> F64:
    """Returns the mean of each event and its neighbours, four to either side."""
    reach = _NEIGHBOURS // 2
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(values))
    mean: F64 = (total[high] - total[low]) / (high - low)
    return mean
