"""How much of what a model plays stands in its training music: runs of notes that are the same, in any key.

Music is read as the sequence of its pitches by (onset, pitch); a run of n notes is known by its n - 1 intervals, so
that a transposed copy is a copy.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from engine.notes import Notes

__all__ = ["NGRAM_NOTES", "Memorisation"]

NGRAM_NOTES = 12
_LONGEST = 512  # notes: a run as long as that is a copy, whatever comes after
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, of Fibonacci hashing

U64 = npt.NDArray[np.uint64]


class Memorisation:
    """The runs of a training set. Memory: two bytes a note, and eight for every length asked for."""

    def __init__(self, training: Iterable[npt.NDArray[np.integer]]) -> None:
        """training: the pitches of each piece, by (onset, pitch)."""
        self._intervals = [_intervals(pitch) for pitch in training]
        self._known: dict[int, U64] = {}

    def known_share(self, notes: Notes) -> float:
        """Share of the runs of 12 notes that the training set holds too; 0 for fewer notes."""
        runs = _hashes(_intervals(notes["pitch"]), NGRAM_NOTES)
        return float(self._is_known(runs, NGRAM_NOTES).mean()) if len(runs) else 0.0

    def longest_match(self, notes: Notes) -> int:
        """Length in notes of the longest run that the training set holds too (at most 512)."""
        intervals = _intervals(notes["pitch"])
        limit = min(len(intervals) + 1, _LONGEST)

        def known(length: int) -> bool:
            return length <= limit and bool(self._is_known(_hashes(intervals, length), length).any())

        # If a run of n notes is known, so are its first n - 1: double the length while it is, then halve the gap.
        low = 1
        while known(2 * low):
            low *= 2
        high = 2 * low  # not known
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if known(middle) else (low, middle)
        return low

    def _is_known(self, hashes: U64, notes: int) -> npt.NDArray[np.bool_]:
        table = self._runs(notes)
        if not len(table):
            return np.zeros(len(hashes), dtype=bool)
        found: npt.NDArray[np.bool_] = table[np.minimum(np.searchsorted(table, hashes), len(table) - 1)] == hashes
        return found

    def _runs(self, notes: int) -> U64:
        if notes not in self._known:
            parts = [_hashes(intervals, notes) for intervals in self._intervals]
            self._known[notes] = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *parts]))
        return self._known[notes]


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
