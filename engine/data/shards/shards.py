"""Prepared pieces as flat columns in one safetensors file for each side of the split, mapped into memory.

A column holds one thing of all pieces, end to end; `NAME.offsets` (pieces + 1,) says where each piece begins:

    tokens u16 (tokens.offsets)    chord_ids u16, chord_steps i32 (chords.offsets)
    step_index i32                 beat_steps f32, beat_in_bar u8 (beats.offsets)    collection u16, labels u16

step_index is the time at every 256th token of every piece, so that a window needs no sum from the piece's start.
collection and labels point into lists of the metadata: the names of the collections, and what pieces are by name
(control -> label, empty for most).
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from engine.arrays import F64, I64
from engine.data.shards.augmentation import DEFAULT_AUGMENT, Augmentation
from engine.errors import DataError
from engine.vocabulary import NUM_EVENT_IDS, NUM_SHIFTS, STEP_S, TIME_SHIFT

__all__ = [
    "COLUMNS", "DEFAULT_AUGMENT", "FORMAT", "INDEX_EVERY", "SPLITS", "PieceArrays", "Pieces", "Shard", "load_shard",
    "step_index", "steps_of", "token_steps",
]  # fmt: skip

SPLITS = ("train", "valid", "test")
FORMAT = "sideman shard 3"
INDEX_EVERY = 256  # tokens between two entries of step_index
CHECK_BYTES = 1 << 22  # tokens are checked in pieces of this size: mapped pages that were read count as memory in use

COLUMNS: dict[str, tuple[str, str | None]] = {
    "tokens.offsets": ("I64", None),
    "chords.offsets": ("I64", None),
    "beats.offsets": ("I64", None),
    "step_index": ("I32", None),
    "chord_steps": ("I32", "chords.offsets"),
    "beat_steps": ("F32", "beats.offsets"),
    "tokens": ("U16", "tokens.offsets"),
    "chord_ids": ("U16", "chords.offsets"),
    "collection": ("U16", None),
    "labels": ("U16", None),
    "beat_in_bar": ("U8", "beats.offsets"),
}
"""Column -> type and offsets, wide types first: every column then lies at a multiple of its width."""

_DTYPES = {"I64": np.int64, "I32": np.int32, "F32": np.float32, "U16": np.uint16, "U8": np.uint8}


@dataclass(frozen=True)
class PieceArrays:
    """One piece. Steps are 10 ms grid steps from the piece's start.

    tokens: (T,) event ids; chord_ids, chord_steps: (C,) id and onset, the first is NO_CHORD at 0; beat_steps,
    beat_in_bar: (B,), empty where the beat is unknown; collection: index into the shard's names; step_index:
    (ceil(T / 256),) the time before every 256th token, None where it was not kept; labels: what the piece is by name,
    control -> label (engine/model/controls).
    """

    tokens: npt.NDArray[np.uint16]
    chord_ids: npt.NDArray[Any]
    chord_steps: npt.NDArray[Any]
    beat_steps: npt.NDArray[Any]
    beat_in_bar: npt.NDArray[Any]
    collection: int
    step_index: npt.NDArray[np.int32] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def step_before(self, token: int) -> int:
        """Returns the time in steps before a token."""
        if self.step_index is None:
            return int(_shifts(self.tokens[:token]).sum())
        entry = min(token // INDEX_EVERY, len(self.step_index) - 1)
        return int(self.step_index[entry]) + int(_shifts(self.tokens[entry * INDEX_EVERY : token]).sum())


class _Columns(NamedTuple):
    arrays: dict[str, npt.NDArray[Any]]
    index_offsets: I64
    labels: Sequence[Mapping[str, str]]

    def piece(self, i: int) -> PieceArrays:
        arrays = self.arrays

        def part(name: str, offsets: str) -> npt.NDArray[Any]:
            return arrays[name][arrays[offsets][i] : arrays[offsets][i + 1]]

        return PieceArrays(
            part("tokens", "tokens.offsets"),
            part("chord_ids", "chords.offsets"),
            part("chord_steps", "chords.offsets"),
            part("beat_steps", "beats.offsets"),
            part("beat_in_bar", "beats.offsets"),
            int(arrays["collection"][i]),
            arrays["step_index"][self.index_offsets[i] : self.index_offsets[i + 1]],
            self.labels[int(arrays["labels"][i])],
        )


class Pieces(Sequence[PieceArrays]):
    """The pieces of a mapped file, made on demand as views, not copies."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]], labels: Sequence[Mapping[str, str]]) -> None:
        self.lengths: I64 = np.diff(arrays["tokens.offsets"])  # (P,) tokens of each piece
        self.collection: npt.NDArray[np.uint16] = arrays["collection"]  # (P,)
        entries = -(-self.lengths // INDEX_EVERY)
        self._columns = _Columns(arrays, np.concatenate([[0], np.cumsum(entries)]), labels)

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> PieceArrays: ...
    @overload
    def __getitem__(self, index: slice) -> list[PieceArrays]: ...
    def __getitem__(self, index: int | slice) -> PieceArrays | list[PieceArrays]:
        if isinstance(index, slice):
            return [self._columns.piece(i) for i in range(*index.indices(len(self)))]
        return self._columns.piece(range(len(self))[index])


@dataclass(frozen=True)
class Shard:
    """The pieces of one side of the split, the names of their collections, and how training shall vary them."""

    pieces: Sequence[PieceArrays]
    collections: list[str]
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def augment(self) -> int:
        """The number of keys in which training uses every piece."""
        return self.augmentation.keys


def steps_of(seconds: npt.ArrayLike) -> F64:
    """Converts seconds to fractional grid steps."""
    return np.asarray(seconds, dtype=np.float64) / STEP_S


def token_steps(tokens: npt.NDArray[np.integer[Any]]) -> I64:
    """Returns (T,) times in steps after each of (T,) ids."""
    return np.cumsum(_shifts(tokens))


def step_index(tokens: npt.NDArray[np.uint16]) -> npt.NDArray[np.int32]:
    """Returns (ceil(T / 256),) times in steps before every 256th of (T,) ids."""
    before = np.concatenate([[0], token_steps(tokens)])
    return before[: len(tokens) : INDEX_EVERY].astype(np.int32)


def _shifts(tokens: npt.NDArray[np.integer[Any]]) -> I64:
    ids = tokens.astype(np.int64)
    return np.where((ids >= TIME_SHIFT) & (ids < TIME_SHIFT + NUM_SHIFTS), ids - TIME_SHIFT + 1, 0)


def load_shard(path: Path) -> Shard:
    """Maps what ShardWriter wrote, copying nothing. DataError if the file is missing, broken or of an older version."""
    if not path.is_file():
        raise DataError(f"{path}: no such shard: give a folder that `sideman prepare -o` wrote")
    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        header_size = int.from_bytes(mapped[:8], "little")
        if header_size > min(len(mapped) - 8, 1 << 26):
            raise ValueError("its header is cut off")
        header = json.loads(bytes(mapped[8 : 8 + header_size]))
        metadata = header["__metadata__"]
        if metadata.get("format") != FORMAT:
            raise ValueError("it was written by another version")
        arrays = {name: _column(mapped[8 + header_size :], header[name], dtype) for name, (dtype, _) in COLUMNS.items()}
        collections, labels = json.loads(metadata["collections"]), json.loads(metadata["labels"])
        _check(arrays, collections, labels)
        _check_tokens(path, len(mapped), 8 + header_size + header["tokens"]["data_offsets"][0], arrays["tokens"].size)
        return Shard(Pieces(arrays, labels), collections, Augmentation.from_json(metadata["augmentation"]))
    except (OSError, KeyError, TypeError, ValueError, AttributeError, DataError) as error:
        raise DataError(f"{path}: not a shard ({error}): run `sideman prepare` again") from None


def _column(body: memoryview, entry: dict[str, Any], dtype: str) -> npt.NDArray[Any]:
    """Returns a view of one column. ValueError if it is not where the header says."""
    first, last = entry["data_offsets"]
    if entry["dtype"] != dtype or not 0 <= first <= last <= len(body):
        raise ValueError("a column lies outside the file")
    array: npt.NDArray[Any] = np.frombuffer(body[first:last], dtype=_DTYPES[dtype])
    if entry["shape"] != [len(array)]:
        raise ValueError("a column has another length than its header says")
    return array


def _check(arrays: dict[str, npt.NDArray[Any]], collections: list[str], labels: list[dict[str, str]]) -> None:
    """Raises ValueError if the columns hold something that training cannot use."""
    pieces = len(arrays["collection"])
    for name, (_, offsets) in COLUMNS.items():
        if offsets is None:
            continue
        at = arrays[offsets]
        if len(at) != pieces + 1 or at[0] != 0 or (np.diff(at) < 0).any() or at[-1] != len(arrays[name]):
            raise ValueError(f"{offsets} does not divide {name} among {pieces} pieces")
    lengths, chords = np.diff(arrays["tokens.offsets"]), arrays["chords.offsets"]
    if (lengths < 2).any():
        raise ValueError("a piece must hold two or more tokens")
    if len(arrays["step_index"]) != (-(-lengths // INDEX_EVERY)).sum():
        raise ValueError("step_index has another length than the tokens ask for")
    if (np.diff(chords) < 1).any() or (arrays["chord_steps"][chords[:-1]] != 0).any():
        raise ValueError("the chords of a piece must start at step 0")
    if pieces and int(arrays["collection"].max()) >= len(collections):
        raise ValueError(f"collection {int(arrays['collection'].max())} has no name")
    if len(arrays["labels"]) != pieces or (pieces and int(arrays["labels"].max()) >= len(labels)):
        raise ValueError("labels do not name what every piece is")
    if not all(isinstance(row, dict) and all(isinstance(label, str) for label in row.values()) for row in labels):
        raise ValueError("labels are no names")


def _check_tokens(path: Path, size: int, first: int, count: int) -> None:
    """Raises ValueError for a token that is no event."""
    with path.open("rb") as file:
        file.seek(first)
        while count > 0:
            tokens = np.frombuffer(file.read(min(2 * count, CHECK_BYTES)), dtype=np.uint16)
            if len(tokens) == 0:
                raise ValueError(f"it was cut off at {size} bytes")
            if tokens.max() >= NUM_EVENT_IDS:
                raise ValueError(f"a token lies outside 0..{NUM_EVENT_IDS - 1}")
            count -= len(tokens)
