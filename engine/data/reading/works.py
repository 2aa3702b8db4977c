"""Finds files that are performances of one musical work, from the notes alone, in any key, tempo and edition.

A piece's sketch is a sample of the runs in its upper line: the top notes of its chords, each run nine of them, as
intervals. Two works share runs by chance, or by a common figure; two performances of one work share many, in the same
order and all transposed alike, and only those count. The sample takes the runs whose hash is small (FracMinHash, Irber
et al. 2022), so that both pieces keep the same ones, and so that a part is found in the whole.

On 2,759 files whose works an index names: 359 pairs are found, 349 of them one work to the index too (0.97), and
seven of the other ten are works that it has missed. Of its pairs in works of two or three files 0.61 are joined; most
of the others are movements of one sonata or pieces of one opus: different music, which only a title could join.
"""

from __future__ import annotations

import os
import re
import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from engine.notes import Notes

__all__ = ["Sketch", "Sketches", "join_works", "same_work_pairs", "sketch_of", "take_of"]

CHORD_GAP_S = 0.05  # notes closer than this are one chord; rolls and people spread them so far
RUN = 8  # intervals of a run
MIN_DISTINCT = 5  # different ones: scales, trills and repeated figures belong to nobody
KEPT = 1 << 30  # of the 2^32 hashes: a quarter
KEPT_AT_LEAST = 64  # runs of a short piece
MAX_SHARED = 8  # pieces that share a run and are compared each with each; of more, each with its next neighbours
NEIGHBOURS = 2
AT_ONCE = 1 << 19  # entries in memory
MIN_SHARED = 8  # runs in common, in order and in one transposition
MIN_SHARE = 0.12  # of the smaller sketch
MANY_SHARED = 16  # enough in themselves, where a part is compared with a whole of another edition


_ENTRY = np.dtype([("hashes", "<u4"), ("places", "<u4"), ("pitches", "u1")])


_CLIPS = (
    re.compile(r"(?P<take>.*?)[ _.-]*(?:clip|part|pt|segment|seg|chunk|excerpt|slice)[ _.-]*\d+", re.IGNORECASE),
    re.compile(r"(?P<take>.*[^\W_].*?)[ _-]+\d+(?:\.\d+)?s?[_-]\d+(?:\.\d+)?s", re.IGNORECASE),  # NAME_30-60s
    re.compile(r"(?P<take>\d{4,})_\d+"),  # a recording's number and the clip's
)


class Sketch(NamedTuple):
    """(S,) each, by rising hash: a run's hash, where in the piece it lies, its first pitch."""

    hashes: npt.NDArray[np.uint32]
    places: npt.NDArray[np.uint32]
    pitches: npt.NDArray[np.uint8]


def sketch_of(notes: Notes) -> Sketch:
    """Makes the sketch of (N,) notes as they were struck."""
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


def take_of(name: str) -> str | None:
    """The performance that a file is a clip of, if its name says that it is one: what stands before the clip's number.

    name: the path below the corpus. Clips of one performance may share no note and still are one take of one work. Of
    clips that are only numbered the folder is the take.
    """
    path = PurePosixPath(name)
    for pattern in _CLIPS:
        found = pattern.fullmatch(path.stem)
        if found is not None:
            take = path.parent / found["take"].casefold()
            return None if take == PurePosixPath(".") else str(take)
    return None


class Sketches(Sequence[Sketch]):
    """Sketches on disk, in a file that vanishes with its process: in memory is where each one lies."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as this)
        self._first, self._count = array("q"), array("l")  # entries

    def close(self) -> None:
        """Frees the space on disk."""
        self._file.close()

    def arrange(self, order: Sequence[int]) -> None:
        """Reorders the sketches: sketch i becomes what sketch order[i] was."""
        self._first = array("q", [self._first[i] for i in order])
        self._count = array("l", [self._count[i] for i in order])

    def append(self, sketch: Sketch) -> None:
        """Adds a sketch at the end."""
        entries = np.zeros(len(sketch.hashes), dtype=_ENTRY)
        for name, values in zip(Sketch._fields, sketch, strict=True):
            entries[name] = values
        self._first.append(self._file.seek(0, os.SEEK_END) // _ENTRY.itemsize)
        self._count.append(len(entries))
        self._file.write(entries.tobytes())

    def __len__(self) -> int:
        return len(self._count)

    @overload
    def __getitem__(self, index: int) -> Sketch: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sketch]: ...
    def __getitem__(self, index: int | slice) -> Sketch | list[Sketch]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        self._file.seek(self._first[index] * _ENTRY.itemsize)
        entries = np.frombuffer(self._file.read(self._count[index] * _ENTRY.itemsize), dtype=_ENTRY)
        return Sketch(entries["hashes"].copy(), entries["places"].copy(), entries["pitches"].copy())


def same_work_pairs(sketches: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Pairs (i < j) of pieces that are the same work, or one of them part of the other's.

    Time grows with the sum of the sketches, some 140 entries a piece; memory with the pairs that share runs.
    """
    return [(i, j) for i, j in _candidates(sketches) if _alike(sketches[i], sketches[j])]


def join_works(count: int, groups: Iterable[Sequence[int]]) -> list[int]:
    """Returns (count,) the smallest member of each one's work, where all members of a group belong to one work."""
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
    """Hashes (R, RUN) intervals to (R,) well mixed 32 bits."""
    mixed = np.zeros(len(runs), dtype=np.uint64)
    for column in range(runs.shape[1]):
        mixed = (mixed ^ (runs[:, column] + 128).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    hashes: npt.NDArray[np.uint32] = (mixed >> np.uint64(16)).astype(np.uint32)
    return hashes


def _candidates(sketches: Sequence[Sketch]) -> list[tuple[int, int]]:
    """Returns the pairs that share MIN_SHARED runs.

    A hundred performances of one work are a chain of neighbours, not five thousand pairs; a figure that a whole style
    shares joins neighbours at random, and so hardly ever the same ones eight times.
    """
    pairs, times = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    sizes = sum(len(sketch.hashes) for sketch in sketches)
    # Hashes are handled range by range, so that few are in memory at once.
    edges = [*np.linspace(0, KEPT, sizes // AT_ONCE + 1, endpoint=False), KEPT, 1 << 32]
    for low, high in pairwise(edges):
        hashes, owner = [np.zeros(0, np.uint32)], [np.zeros(0, np.int64)]
        for number, sketch in enumerate(sketches):
            first, last = np.searchsorted(sketch.hashes, [low, high])
            hashes.append(sketch.hashes[first:last])
            owner.append(np.full(last - first, number))
        codes = _sharing(np.concatenate(hashes), np.concatenate(owner), len(sketches))
        pairs, place = np.unique(np.concatenate([pairs, codes]), return_inverse=True)
        times = np.bincount(place, np.concatenate([times, np.ones(len(codes))]), len(pairs)).astype(np.int64)
    return [divmod(int(pair), len(sketches)) for pair in pairs[times >= MIN_SHARED]]


def _sharing(hashes: npt.NDArray[np.uint32], owner: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """(E,) hashes and whose they are -> i * count + j for every pair and every hash that it shares."""
    order = np.argsort(hashes, kind="stable")
    owner = owner[order]
    starts = np.flatnonzero(np.diff(hashes[order].astype(np.int64), prepend=-1))
    sharers = np.diff(np.append(starts, len(owner)))
    codes = [np.zeros(0, dtype=np.int64)]
    for some in range(2, MAX_SHARED + 1):
        members = owner[starts[sharers == some][:, None] + np.arange(some)]  # (runs, some), rising
        codes += [members[:, i] * count + members[:, j] for i in range(some) for j in range(i + 1, some)]
    crowded = np.repeat(sharers > MAX_SHARED, sharers)
    run = np.repeat(np.arange(len(starts)), sharers)
    for step in range(1, NEIGHBOURS + 1):
        at = np.flatnonzero(crowded[:-step] & (run[:-step] == run[step:]))
        codes.append(owner[at] * count + owner[at + step])
    return np.concatenate(codes)


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
