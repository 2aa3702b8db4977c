"""What is counted of a clip before anything judges it: how long, how loud, how even, how dense, how high, how full.

No pitch is counted but as a register or an interval, and nothing that knows the place: the clips of one place differ
in how they are played, not in what was asked.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import F64, I64
from engine.evaluation.features import pitch_class_entropy, polyphony, restrikes
from engine.evaluation.metrics import longest_rest_s
from engine.notes import Notes

__all__ = ["NAMES", "counted"]

TOGETHER_S = 0.03  # onsets this close are one chord
ONSET_EDGES_S = np.array([0.005, 0.03, 0.06, 0.1, 0.15, 0.22, 0.32, 0.5, 0.8])
LENGTH_EDGES_S = np.array([0.08, 0.15, 0.25, 0.4, 0.7, 1.2, 2.0])
REGISTER_EDGES = np.array([40, 48, 55, 60, 65, 72, 79, 88])
STEP_EDGES = np.array([1, 3, 5, 8, 13])  # semitones of the top line: none, steps, thirds, leaps ...
LOUDNESS_EDGES = np.array([32, 44, 54, 64, 74, 86, 100])
SINGLE = (
    "notes/s", "chords/s", "notes a chord", "spread in a chord s", "thickness", "thickness spread", "silence",
    "longest rest", "velocity", "velocity spread", "velocity step", "velocity follows the last", "velocity of the top",
    "pitch spread", "pitch-class entropy", "restrikes", "evenness of onsets", "length spread", "same chord again",
)  # fmt: skip
NAMES = (
    *SINGLE,
    *(f"onset {i}" for i in range(len(ONSET_EDGES_S) + 1)),
    *(f"length {i}" for i in range(len(LENGTH_EDGES_S) + 1)),
    *(f"register {i}" for i in range(len(REGISTER_EDGES) + 1)),
    *(f"top line step {i}" for i in range(len(STEP_EDGES) + 1)),
    *(f"loudness {i}" for i in range(len(LOUDNESS_EDGES) + 1)),
)


def counted(notes: Notes, length_s: float) -> F64:
    """Returns (len(NAMES),) figures of a clip from 0 to length_s; zeros where it has hardly a note."""
    if len(notes) < 4:
        return np.zeros(len(NAMES))
    onset_s, length = notes["onset_s"], notes["offset_s"] - notes["onset_s"]
    pitch, velocity = notes["pitch"].astype(np.float64), notes["velocity"].astype(np.float64)
    first = np.flatnonzero(np.diff(onset_s, prepend=-1.0) > TOGETHER_S)
    size = np.diff(np.append(first, len(notes)))
    last = np.append(first[1:], len(notes)) - 1
    top = np.maximum.reduceat(pitch, first)
    strength = np.add.reduceat(velocity, first) / size
    gap_s = np.diff(onset_s[first])
    sounding = polyphony(notes, length_s)
    is_top = pitch == np.repeat(top, size)
    single = np.array([
        len(notes) / length_s, len(first) / length_s, size.mean(), (onset_s[last] - onset_s[first]).mean(),
        sounding.mean(), sounding.std(), (sounding == 0).mean(), longest_rest_s(notes, length_s) / length_s,
        velocity.mean(), velocity.std(), np.abs(np.diff(strength)).mean() if len(strength) > 1 else 0.0,
        _follows(strength), velocity[is_top].mean() - velocity.mean(), pitch.std(),
        pitch_class_entropy(notes), restrikes(notes), _follows(gap_s), np.log(np.maximum(length, 0.01)).std(),
        _repeats(top, size),
    ])  # fmt: skip
    all_of_it: F64 = np.concatenate([
        single,
        _shares(np.diff(onset_s), ONSET_EDGES_S), _shares(length, LENGTH_EDGES_S), _shares(pitch, REGISTER_EDGES),
        _shares(np.abs(np.diff(top)), STEP_EDGES), _shares(velocity, LOUDNESS_EDGES),
    ])  # fmt: skip
    return all_of_it


def _shares(values: F64, edges: F64) -> F64:
    """Returns (len(edges) + 1,) shares of the values between the edges."""
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
    shares: F64 = counts / max(1, counts.sum())
    return shares


def _follows(values: F64) -> float:
    """Returns the correlation of each value with the one before; 0 where nothing varies."""
    if len(values) < 4 or values[1:].std() < 1e-9 or values[:-1].std() < 1e-9:
        return 0.0
    return float(np.corrcoef(values[1:], values[:-1])[0, 1])


def _repeats(top: F64, size: I64) -> float:
    """Returns the share of chords with the same top note and size as the one before."""
    return float(((np.diff(top) == 0) & (np.diff(size) == 0)).mean()) if len(top) > 1 else 0.0
