"""Which files are performances of one musical work, from the notes alone: in any key, tempo and edition.

A piece's sketch is a sample of the runs in its upper line: the top notes of its chords, each run nine of them, as
intervals. Two works share runs by chance, or by a common figure; two performances of one work share many, in the same
order and all transposed alike, and only those count. The sample takes the runs whose hash is small (FracMinHash, Irber
et al. 2022), so that both pieces keep the same ones, and so that a part is found in the whole.

Against the works that the index of 2,804 piano files names, pieces of one opus counted as one work there: see
docs/DATA.md for the figures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.notes import Notes

__all__ = ["Sketch", "join_works", "same_work_pairs", "sketch_of"]

CHORD_GAP_S = 0.05  # notes closer than this are one chord; rolls and people spread them so far
RUN = 8  # intervals of a run
MIN_DISTINCT = 5  # different ones: scales, trills and repeated figures belong to nobody
KEPT = 1 << 30  # of the 2^32 hashes: a quarter
KEPT_AT_LEAST = 64  # runs of a short piece
MAX_SHARED = 8  # pieces that share a run and are compared each with each; of more, each with its next neighbours
NEIGHBOURS = 2
MIN_SHARED = 8  # runs in common, in order and in one transposition
MIN_SHARE = 0.12  # of the smaller sketch
MANY_SHARED = 16  # enough in themselves, where a part is compared with a whole of another edition


class Sketch(NamedTuple):
    """(S,) each, by rising hash: a run's hash, where in the piece it lies, its first pitch."""

    hashes: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    pitches: npt.NDArray[np.uint8]


def sketch_of(notes: Notes) -> Sketch:
    """The sketch of (N,) notes as they were struck."""
    starts = np.flatnonzero(np.diff(notes["onset_s"], prepend=-np.inf) > CHORD_GAP_S)
    top = np.maximum.reduceat(notes["pitch"], starts).astype(np.int64) if len(starts) else np.zeros(0, np.int64)
    if len(top) <= RUN:
        return Sketch(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.uint8))
    runs = np.lib.stride_tricks.sliding_window_view(np.diff(top), RUN)  # (R, RUN)
    distinct = (np.diff(np.sort(runs, axis=1), axis=1) != 0).sum(axis=1) + 1
    places = np.flatnonzero(distinct >= MIN_DISTINCT)
    hashes, first = np.unique(_hash(runs[places]), return_index=True)
    kept = max(int(np.searchsorted(hashes, KEPT)), min(KEPT_AT_LEAST, len(hashes)))
    places = places[first[:kept]]
    return Sketch(hashes[:kept], places.astype(np.uint32), top[places].astype(np.uint8))


def same_work_pairs(sketches: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Pairs (i < j) of pieces that are the same work, or one of them part of the other's.

    Time and memory grow with the sum of the sketches, some 130 entries of 9 bytes a piece.
    """
    return [(i, j) for i, j in _candidates([sketch.hashes for sketch in sketches]) if _alike(sketches[i], sketches[j])]


def join_works(count: int, groups: Iterable[Sequence[int]]) -> list[int]:
    """(count,) the smallest member of each one's work, when all members of a group belong to one work."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for group in groups:
        for other in group[1:]:
            first, second = sorted((root(group[0]), root(other)))
            parent[second] = first
    return [root(i) for i in range(count)]


def _hash(runs: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32]:
    """(R, RUN) intervals -> (R,) well mixed 32 bits."""
    mixed = np.zeros(len(runs), dtype=np.uint64)
    for column in range(runs.shape[1]):
        mixed = (mixed ^ (runs[:, column] + 128).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    hashes: npt.NDArray[np.uint32] = (mixed >> np.uint64(16)).astype(np.uint32)
    return hashes


def _candidates(hashes: list[npt.NDArray[np.uint32]]) -> list[tuple[int, int]]:
    """Pairs that share MIN_SHARED runs.

    A hundred performances of one work are a chain of neighbours, not five thousand pairs; a figure that a whole style
    shares joins neighbours at random, and so hardly ever the same ones eight times.
    """
    sizes = [len(some) for some in hashes]
    if sum(sizes) == 0:
        return []
    all_hashes = np.concatenate(hashes)
    order = np.argsort(all_hashes, kind="stable")
    owner = np.repeat(np.arange(len(hashes), dtype=np.int64), sizes)[order]
    starts = np.flatnonzero(np.diff(all_hashes[order].astype(np.int64), prepend=-1))
    count = np.diff(np.append(starts, len(owner)))
    codes = [np.zeros(0, dtype=np.int64)]
    for shared in range(2, MAX_SHARED + 1):
        members = owner[starts[count == shared][:, None] + np.arange(shared)]  # (runs, shared), rising
        codes += [members[:, i] * len(hashes) + members[:, j] for i in range(shared) for j in range(i + 1, shared)]
    crowded = np.repeat(count > MAX_SHARED, count)
    run = np.repeat(np.arange(len(starts)), count)
    for step in range(1, NEIGHBOURS + 1):
        at = np.flatnonzero(crowded[:-step] & (run[:-step] == run[step:]))
        codes.append(owner[at] * len(hashes) + owner[at + step])
    pairs, times = np.unique(np.concatenate(codes), return_counts=True)
    return [divmod(int(pair), len(hashes)) for pair in pairs[times >= MIN_SHARED]]


def _alike(one: Sketch, other: Sketch) -> bool:
    """Whether enough runs of both come in the same order and in one transposition."""
    _, here, there = np.intersect1d(one.hashes, other.hashes, assume_unique=True, return_indices=True)
    shift = (one.pitches[here].astype(np.int64) - other.pitches[there]) % 12
    alike = shift == np.bincount(shift).argmax()
    order = np.argsort(one.places[here[alike]], kind="stable")
    in_order = _longest_rise(other.places[there[alike]][order].tolist())
    # A short piece keeps hashes above KEPT, which a long one has dropped: they could not have matched.
    reach = min(int(one.hashes[-1]), int(other.hashes[-1]))
    comparable = min(int(np.searchsorted(some.hashes, reach, side="right")) for some in (one, other))
    return in_order >= MIN_SHARED and (in_order >= MIN_SHARE * comparable or in_order >= MANY_SHARED)


def _longest_rise(places: list[int]) -> int:
    """Length of the longest strictly rising subsequence."""
    ends: list[int] = []
    for place in places:
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
    return len(ends)
