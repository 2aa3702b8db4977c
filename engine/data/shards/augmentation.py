"""Varies pieces for training: keys, tempos, loudness. Shards keep pieces as they were played; windows are varied."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from engine.arrays import I64
from engine.errors import DataError
from engine.vocabulary import CHORD, NOTE_OFF, NUM_CHORDS, NUM_SHIFTS, NUM_VELOCITIES, QUALITIES, TIME_SHIFT, VELOCITY

__all__ = [
    "DEFAULT_AUGMENT", "Augmentation", "jitter_velocity", "keys", "stretch_tokens", "transpose_chords",
    "transpose_tokens",
]  # fmt: skip

DEFAULT_AUGMENT = 12  # every key
STRETCH_RANGE = (0.5, 2.0)
VELOCITY_WIDTH = 128 // NUM_VELOCITIES


@dataclass(frozen=True)
class Augmentation:
    """How training is to vary the pieces of a shard."""

    keys: int = DEFAULT_AUGMENT  # transpositions around the own key
    tempo_stretch: tuple[float, ...] = (1.0,)  # factors of every time, one drawn for each window: 0.9 plays faster
    velocity_jitter: float = 0.0  # a window's loudness is multiplied by a factor within 1 +- this

    def __post_init__(self) -> None:
        low, high = STRETCH_RANGE
        if not 1 <= self.keys <= DEFAULT_AUGMENT:
            raise DataError(f"--augment {self.keys}: give the number of keys, 1 (as played) to {DEFAULT_AUGMENT} (all)")
        if not self.tempo_stretch or not all(low <= factor <= high for factor in self.tempo_stretch):
            given = ",".join(f"{factor:g}" for factor in self.tempo_stretch)
            raise DataError(f"--tempo-stretch {given}: give factors from {low:g} to {high:g}, as in 0.9,1.0,1.1")
        if len(set(self.tempo_stretch)) != len(self.tempo_stretch):
            raise DataError("--tempo-stretch names a factor twice: give each once")
        if not 0 <= self.velocity_jitter <= 0.5:
            raise DataError(f"--velocity-jitter {self.velocity_jitter:g}: give a share from 0 to 0.5, as in 0.1")

    @property
    def variants(self) -> int:
        """The number of variants of a piece that training counts: keys x tempos. Velocity jitter is not counted."""
        return self.keys * len(self.tempo_stretch)

    def to_json(self) -> str:
        """One line, the same for equal settings."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Augmentation:
        """Reads what to_json() wrote. ValueError, KeyError, TypeError or DataError for anything else."""
        row = json.loads(text)
        return Augmentation(int(row["keys"]), tuple(map(float, row["tempo_stretch"])), float(row["velocity_jitter"]))


def keys(augment: int) -> range:
    """Returns the semitones of so many transpositions around the piece's own key: 12 -> -5..6, 1 -> 0."""
    low = -((augment - 1) // 2)
    return range(low, low + augment)


def transpose_tokens(tokens: I64, semitones: int) -> I64:
    """Returns event ids with their pitches moved. ValueError if one leaves 0..127."""
    is_pitch = tokens < NOTE_OFF + 128
    pitch = np.where(is_pitch, tokens % 128, 60) + semitones
    if pitch.min() < 0 or pitch.max() > 127:
        raise ValueError(f"transposing by {semitones} leaves 0..127")
    return np.where(is_pitch, tokens + semitones, tokens)


def transpose_chords(ids: I64, semitones: int) -> I64:
    """Returns chord ids with their roots moved; NO_CHORD stays."""
    return np.where(ids >= CHORD, CHORD + (ids - CHORD + semitones * len(QUALITIES)) % NUM_CHORDS, ids)


def stretch_tokens(tokens: I64, before: int, factor: float) -> I64:
    """Multiplies every time by a factor: (T,) ids of a cut that begins at step `before` become (T',) ids.

    Each event's time since the piece's start is scaled and rounded to the grid by itself, so nothing drifts. Moments
    that differ still do: a note that would end where it begins, and so vanish, is given its one step.
    """
    is_shift = (tokens >= TIME_SHIFT) & (tokens < TIME_SHIFT + NUM_SHIFTS)
    after = before + np.cumsum(np.where(is_shift, tokens - TIME_SHIFT + 1, 0))
    events, at = tokens[~is_shift], after[~is_shift]
    moments = np.unique(np.concatenate([[before], after[is_shift][-1:], at]))  # (M,) rising, the first is `before`
    rank = np.arange(len(moments))
    scaled = np.maximum.accumulate(np.rint(moments * factor).astype(np.int64) - rank) + rank
    wait = np.diff(scaled, prepend=scaled[0])  # (M,) steps before each moment
    count = -(-wait // NUM_SHIFTS)  # shifts that it takes: full ones, then the remainder
    shifts = np.full(int(count.sum()), TIME_SHIFT + NUM_SHIFTS - 1)
    waits = count > 0
    shifts[np.cumsum(count)[waits] - 1] = TIME_SHIFT + (wait[waits] - 1) % NUM_SHIFTS
    order = np.concatenate([2 * np.repeat(rank, count), 2 * np.searchsorted(moments, at) + 1])
    ids: I64 = np.concatenate([shifts, events])[np.argsort(order, kind="stable")]
    return ids


def jitter_velocity(tokens: I64, factor: float) -> I64:
    """Returns (T',) ids played louder or softer by one factor, without a VELOCITY that repeats the last one."""
    at = np.flatnonzero((tokens >= VELOCITY) & (tokens < VELOCITY + NUM_VELOCITIES))
    centre = (tokens[at] - VELOCITY) * VELOCITY_WIDTH + VELOCITY_WIDTH // 2
    loudness = np.clip(np.rint(centre * factor), 1, 127).astype(np.int64)
    louder = tokens.copy()
    louder[at] = VELOCITY + loudness // VELOCITY_WIDTH
    repeats = at[1:][np.diff(louder[at]) == 0]
    return np.delete(louder, repeats)
