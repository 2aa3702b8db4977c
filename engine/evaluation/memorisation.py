"""Measures how much of what a model plays is in its training music: equal runs of notes, in any key.

Music is read as the sequence of its pitches by (onset, pitch); a run of n notes is known by its n - 1 intervals, so
that a transposed copy is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from engine.notes import Notes

__all__ = ["NGRAM_NOTES", "Memorisation"]

NGRAM_NOTES = 12
_LONGEST = 512  # notes: a run as long as that is a copy, whatever comes after
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, of Fibonacci hashing

U64 = npt.NDArray[np.uint64]


class Memorisation:
    """The runs of a training set. Two bytes a note are kept; every question hashes all of it anew."""

    def __init__(self, training: Iterable[npt.NDArray[np.integer]]) -> None:
        """training: the pitches of each piece, by (onset, pitch)."""
        self._intervals = [_intervals(pitch) for pitch in training]

    def known_shares(self, clips: Sequence[Notes]) -> list[float]:
        """Of each clip: the share of its runs of 12 notes that the training set holds too; 0 for fewer notes."""
        runs = [_hashes(_intervals(notes["pitch"]), NGRAM_NOTES) for notes in clips]
        known = self._known(np.concatenate([*runs, np.zeros(0, np.uint64)]), NGRAM_NOTES)
        return [float(np.isin(part, known).mean()) if len(part) else 0.0 for part in runs]

    def longest_match(self, clips: Sequence[Notes]) -> int:
        """Length in notes of the longest run of any clip that the training set holds too (at most 512)."""
        intervals = [_intervals(notes["pitch"]) for notes in clips]
        limit = min(max((len(steps) + 1 for steps in intervals), default=1), _LONGEST)

        def known(length: int) -> bool:
            if length > limit:
                return False
            return len(self._known(np.concatenate([_hashes(steps, length) for steps in intervals]), length)) > 0

        # If a run of n notes is known, so are its first n - 1: double the length while it is, then halve the gap.
        low = 1
        while known(2 * low):
            low *= 2
        high = 2 * low  # not known
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if known(middle) else (low, middle)
        return low

    def _known(self, runs: U64, notes: int) -> U64:
        """The hashes among `runs` that the training set holds too, each once, sorted."""
        runs = np.unique(runs)
        found = np.zeros(len(runs), dtype=bool)
        if len(runs):
            for steps in self._intervals:
                hashes = _hashes(steps, notes)
                place = np.minimum(np.searchsorted(runs, hashes), len(runs) - 1)
                found[place[runs[place] == hashes]] = True
        return runs[found]


def _intervals(pitch: npt.NDArray[np.integer]) -> npt.NDArray[np.int16]:
    steps: npt.NDArray[np.int16] = pitch[1:].astype(np.int16) - pitch[:-1].astype(np.int16)
    return steps


def _hashes(intervals: npt.NDArray[np.int16], notes: int) -> U64:
    """(N,) -> (N - notes + 2,) a 64-bit polynomial hash of every run of `notes` notes."""
    size = notes - 1
    count = max(0, len(intervals) - size + 1)
    values = (intervals.astype(np.int64) + 256).astype(np.uint64)
    hashes = np.zeros(count, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for k in range(size):
            hashes = hashes * _BASE + values[k : k + count]
            hashes ^= hashes >> np.uint64(29)
    return hashes
