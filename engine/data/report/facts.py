"""What a prepared folder holds, counted in one pass: its manifest, and the notes and chords of its shards."""

from __future__ import annotations

import heapq
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import native
from engine.arrays import F64, I64
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.manifest import MANIFEST
from engine.data.shards.shards import SPLITS, PieceArrays, load_shard
from engine.errors import DataError
from engine.vocabulary import LAYOUT, NO_CHORD, NOTE_ON, NUM_CHORDS, NUM_SHIFTS, STEP_S, TIME_SHIFT

__all__ = ["GAP_EDGES", "LENGTH_EDGES_S", "Example", "Facts", "Part", "estimate_key", "gather"]

MAX_PIECES = 3000  # a larger folder's histograms are those of so many pieces drawn from it
MAX_REFUSED = 5000  # rows of the table: a page must stay a page

GAP_EDGES = np.unique(np.rint(np.geomspace(1, 1001, 32))).astype(np.int64)
"""Edges in 10 ms steps of the histograms of durations and inter-onset times; longer ones count in the last bin."""
LENGTH_EDGES_S = np.geomspace(5, 5 * 2.0**10, 31)
"""Edges of the histogram of piece lengths: thirds of a doubling, 5 s to 85 min; the ends take what lies outside."""

# How well each pitch class fits a key, from its tonic (Krumhansl and Kessler 1982).
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


@dataclass
class Part:
    """A share of the data: one side of the split, one collection or one licence."""

    pieces: int = 0
    seconds: float = 0.0
    notes: int = 0
    tokens: int = 0
    refused: int = 0
    licences: Counter[str] = field(default_factory=Counter)

    def add(self, seconds: float, notes: int, tokens: int) -> None:
        self.pieces += 1
        self.seconds += seconds
        self.notes += notes
        self.tokens += tokens


@dataclass(frozen=True)
class Example:
    """A piece to draw. row: what the manifest says of it, empty where that cannot be told."""

    split: str
    number: int  # in its shard, from 0
    piece: PieceArrays
    row: dict[str, object]


@dataclass
class Facts:
    """Counts of a folder. Histograms are those of `sampled` pieces, everything else is of all."""

    augmentation: Augmentation = field(default_factory=Augmentation)
    splits: dict[str, Part] = field(default_factory=dict)
    collections: dict[str, Part] = field(default_factory=dict)
    licences: dict[str, Part] = field(default_factory=dict)
    chord_sources: Counter[str] = field(default_factory=Counter)
    beat_sources: Counter[str] = field(default_factory=Counter)
    works: int = 0  # musical works, 0 where the manifest names none
    split_works: int = 0  # works with pieces on more than one side: there should be none
    refused_count: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)  # file, reason; MAX_REFUSED of them
    reasons: Counter[str] = field(default_factory=Counter)  # without what differs from file to file
    sampled: int = 0
    pitch: I64 = field(default_factory=lambda: np.zeros(128, dtype=np.int64))
    velocity: I64 = field(default_factory=lambda: np.zeros(128, dtype=np.int64))
    duration: I64 = field(default_factory=lambda: np.zeros(len(GAP_EDGES), dtype=np.int64))  # by GAP_EDGES
    gap: I64 = field(default_factory=lambda: np.zeros(len(GAP_EDGES), dtype=np.int64))  # onset to next later onset
    lengths: I64 = field(default_factory=lambda: np.zeros(len(LENGTH_EDGES_S) - 1, dtype=np.int64))
    keys: I64 = field(default_factory=lambda: np.zeros(24, dtype=np.int64))  # pieces: 12 major tonics, 12 minor
    chord_s: F64 = field(default_factory=lambda: np.zeros(NUM_CHORDS))  # seconds sounding, by id - CHORD
    no_chord_s: float = 0.0
    chord_changes: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def total(self) -> Part:
        """All sides together."""
        total = Part(refused=self.refused_count)
        for part in self.splits.values():
            total.pieces += part.pieces
            total.seconds += part.seconds
            total.notes += part.notes
            total.tokens += part.tokens
        return total


def gather(folder: Path, seed: int = 0, examples: int = 10) -> Facts:
    """Counts what `sideman prepare` wrote to a folder, and draws pieces to look at.

    Memory holds one shard at a time, whatever the number of pieces. DataError: a shard or the manifest is missing or
    broken.
    """
    facts = Facts()
    _read_manifest(folder, facts)
    rng = np.random.default_rng(seed)
    share = MAX_PIECES / max(MAX_PIECES, sum(facts.chord_sources.values()))
    drawn: list[tuple[float, str, int, PieceArrays]] = []  # a heap of the smallest numbers drawn, negated
    for split in SPLITS:
        shard = load_shard(folder / f"{split}.safetensors")
        facts.augmentation = shard.augmentation
        part = facts.splits.setdefault(split, Part())
        for number, piece in enumerate(shard.pieces):
            seconds, tokens = _end_step(piece.tokens) * STEP_S, len(piece.tokens)
            notes = int(np.count_nonzero(piece.tokens < NOTE_ON + 128))
            collection = shard.collections[piece.collection]
            for each in (part, facts.collections.setdefault(collection, Part())):
                each.add(seconds, notes, tokens)
            facts.lengths[np.clip(np.searchsorted(LENGTH_EDGES_S, seconds) - 1, 0, len(facts.lengths) - 1)] += 1
            if share >= 1 or rng.random() < share:
                _count_piece(facts, piece)
            heapq.heappush(drawn, (-rng.random(), split, number, piece))
            if len(drawn) > examples:
                heapq.heappop(drawn)
    if not facts.total.pieces:
        raise DataError(f"{folder}: holds no pieces: run `sideman prepare` again")
    chosen = sorted(drawn, key=lambda each: -each[0])
    rows = _rows_of(folder, {(split, number): piece for _, split, number, piece in chosen})
    facts.examples = [Example(s, n, piece, rows.get((s, n), {})) for _, s, n, piece in chosen]
    return facts


def estimate_key(weights: npt.NDArray[np.floating[Any]]) -> int:
    """(12,) time that each pitch class sounds -> 0..11 major key of that tonic, 12..23 minor.

    By correlation with the profiles of Krumhansl and Kessler 1982.
    """
    profiles = np.array([np.roll(p, tonic) for p in (MAJOR_PROFILE, MINOR_PROFILE) for tonic in range(12)])
    profiles -= profiles.mean(axis=1, keepdims=True)
    fit = profiles @ (weights - weights.mean()) / np.linalg.norm(profiles, axis=1)
    return int(np.argmax(fit))


def _count_piece(facts: Facts, piece: PieceArrays) -> None:
    facts.sampled += 1
    onset, offset, pitch, velocity, _, _ = native.decode(LAYOUT, piece.tokens)
    steps = offset - onset
    facts.pitch += np.bincount(pitch, minlength=128)
    facts.velocity += np.bincount(velocity, minlength=128)
    for counts, values in ((facts.duration, steps), (facts.gap, np.diff(np.unique(onset)))):
        counts += np.bincount(np.searchsorted(GAP_EDGES, values, side="right") - 1, minlength=len(counts))
    if len(pitch):
        facts.keys[estimate_key(np.bincount(pitch % 12, weights=steps, minlength=12).astype(np.float64))] += 1
    # The end of the notes may lie before the last chord of an annotation that goes on.
    held = np.diff(piece.chord_steps, append=max(_end_step(piece.tokens), int(piece.chord_steps[-1]))) * STEP_S
    by_id = np.bincount(piece.chord_ids.astype(np.int64) - NO_CHORD, weights=held, minlength=NUM_CHORDS + 1)
    facts.no_chord_s += float(by_id[0])
    facts.chord_s += by_id[1:]
    facts.chord_changes += int(np.count_nonzero(piece.chord_ids != NO_CHORD))


def _end_step(tokens: npt.NDArray[np.uint16]) -> int:
    """The time after the last token, in steps."""
    shifts = tokens[(tokens >= TIME_SHIFT) & (tokens < TIME_SHIFT + NUM_SHIFTS)]
    return int(shifts.sum(dtype=np.int64)) - (TIME_SHIFT - 1) * len(shifts)


def _rows(folder: Path) -> Iterator[dict[str, object]]:
    path = folder / MANIFEST
    number = 1
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    row = json.loads(line)
                    if not isinstance(row, dict):
                        raise ValueError("no object")
                    yield row
                number += 1
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: give a folder that `sideman prepare -o` wrote") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}): check the folder") from None
    except ValueError as error:  # broken JSON, broken UTF-8
        raise DataError(f"{path}, line {number}: not JSON ({error}): run `sideman prepare` again") from None


def _read_manifest(folder: Path, facts: Facts) -> None:
    """Sources, licences, works and refusals; a field that a row lacks counts as unknown."""
    sides: dict[int, str] = {}  # hash of a work -> its side
    torn: set[int] = set()
    for row in _rows(folder):
        collection, licence = (str(row.get(name) or "unknown") for name in ("collection", "licence"))
        if row.get("refused") is not None:
            reason = str(row["refused"])
            facts.refused_count += 1
            facts.collections.setdefault(collection, Part()).refused += 1
            facts.reasons[_kind_of(reason)] += 1
            if len(facts.refused) < MAX_REFUSED:
                facts.refused.append((str(row.get("path", "?")), reason))
            continue
        facts.collections.setdefault(collection, Part()).licences[licence] += 1
        numbers = (_number(row.get(name)) for name in ("seconds", "notes", "tokens"))
        seconds, notes, tokens = numbers
        facts.licences.setdefault(licence, Part()).add(seconds, int(notes), int(tokens))
        facts.chord_sources[str(row.get("chord_source") or "unknown")] += 1
        facts.beat_sources[str(row.get("beat_source") or "none")] += 1
        if row.get("work") is not None:
            work, side = hash(str(row["work"])), str(row.get("split"))
            if sides.setdefault(work, side) != side:
                torn.add(work)
    facts.works, facts.split_works = len(sides), len(torn)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _kind_of(reason: str) -> str:
    """A reason without what differs from file to file: brackets, quotations, names and all behind a colon."""
    kind = re.split(r"\s\(|[:;]\s", reason)[0]
    kind = re.sub(r"'[^']*'|\"[^\"]*\"", "…", kind)
    kind = re.sub(r"\S*(?:/\S*|\.midi?\b)", "…", kind)
    return " ".join(kind.split())[:80].strip() or "unknown"


def _rows_of(folder: Path, wanted: dict[tuple[str, int], PieceArrays]) -> dict[tuple[str, int], dict[str, object]]:
    """The manifest rows of pieces (side, number in its shard), as far as the number of tokens confirms them."""
    found: dict[tuple[str, int], dict[str, object]] = {}
    seen: Counter[str] = Counter()
    for row in _rows(folder):
        split = row.get("split")
        if row.get("refused") is not None or not isinstance(split, str):
            continue
        place = (split, seen[split])
        seen[split] += 1
        if place in wanted and row.get("tokens", len(wanted[place].tokens)) == len(wanted[place].tokens):
            found[place] = row
    return found
