"""Writes a shard piece by piece: memory does not grow with the corpus."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shards import COLUMNS, FORMAT, PieceArrays, Shard, step_index

__all__ = ["ShardWriter", "save_shard"]

_WIDTHS = {"I64": 8, "I32": 4, "F32": 4, "U16": 2, "U8": 1}
_NUMPY = {"I64": "<i8", "I32": "<i4", "F32": "<f4", "U16": "<u2", "U8": "u1"}


class ShardWriter:
    """A context manager: `add` pieces, then leave it; `path` then holds them. OSError if it cannot be written.

    Each column grows in a file of its own beside `path`; at the end they are put together behind their header. On an
    error nothing is put together (the caller writes into a folder that appears whole or not at all).
    """

    def __init__(self, path: Path, collections: Sequence[str], augmentation: Augmentation) -> None:
        self._path, self._collections, self._augmentation = path, list(collections), augmentation
        self._parts = {name: path.with_name(f"{path.name}.{name}.part") for name in COLUMNS}
        self._files = {name: part.open("wb") for name, part in self._parts.items()}
        self._ends = {"tokens.offsets": 0, "chords.offsets": 0, "beats.offsets": 0}
        for name in self._ends:
            self._put(name, np.zeros(1, dtype=np.int64))
        self._labels: list[dict[str, str]] = [{}]

    def add(self, piece: PieceArrays) -> None:
        """Appends one piece."""
        columns: dict[str, npt.ArrayLike] = {
            "tokens": piece.tokens,
            "step_index": step_index(piece.tokens),
            "chord_ids": piece.chord_ids,
            "chord_steps": piece.chord_steps,
            "beat_steps": piece.beat_steps,
            "beat_in_bar": piece.beat_in_bar,
            "collection": [piece.collection],
            "labels": [self._number_of(dict(piece.labels))],
        }
        for name, values in columns.items():
            self._put(name, np.asarray(values))
        for name, length in (
            ("tokens.offsets", len(piece.tokens)),
            ("chords.offsets", len(piece.chord_ids)),
            ("beats.offsets", len(piece.beat_steps)),
        ):
            self._ends[name] += length
            self._put(name, np.array([self._ends[name]]))

    def _number_of(self, labels: dict[str, str]) -> int:
        """Where these labels stand in the metadata's list."""
        if labels not in self._labels:
            self._labels.append(labels)
        return self._labels.index(labels)

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()
        if kind is None:
            self._assemble()
        for part in self._parts.values():
            part.unlink(missing_ok=True)

    def _put(self, name: str, values: npt.NDArray[Any]) -> None:
        self._files[name].write(values.astype(_NUMPY[COLUMNS[name][0]]).tobytes())

    def _assemble(self) -> None:
        """The safetensors layout: size of the header, header, columns. Written here since its library takes arrays."""
        metadata = {
            "format": FORMAT,
            "collections": json.dumps(self._collections),
            "labels": json.dumps(self._labels),
            "augmentation": self._augmentation.to_json(),
        }
        header: dict[str, object] = {"__metadata__": metadata}
        end = 0
        for name, (dtype, _) in COLUMNS.items():
            size = self._parts[name].stat().st_size
            header[name] = {"dtype": dtype, "shape": [size // _WIDTHS[dtype]], "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)  # the columns begin at a multiple of eight
        with self._path.open("wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for name in COLUMNS:
                with self._parts[name].open("rb") as part:
                    shutil.copyfileobj(part, out, 1 << 20)


def save_shard(path: Path, shard: Shard) -> None:
    """Writes all pieces of a shard into one file."""
    with ShardWriter(path, shard.collections, shard.augmentation) as writer:
        for piece in shard.pieces:
            writer.add(piece)
