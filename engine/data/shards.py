"""Prepared pieces as flat arrays in safetensors, one file for each side of the split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from engine.errors import DataError
from engine.vocabulary import NUM_EVENT_IDS, NUM_SHIFTS, STEP_S, TIME_SHIFT

__all__ = ["DEFAULT_AUGMENT", "SPLITS", "PieceArrays", "Shard", "load_shard", "save_shard", "steps_of", "token_steps"]

SPLITS = ("train", "valid", "test")
DEFAULT_AUGMENT = 12  # every key

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PieceArrays:
    """One piece. Steps are 10 ms grid steps from the piece's start.

    tokens: (T,) event ids; chord_ids, chord_steps: (C,) id and onset, the first is NO_CHORD at 0; beat_steps,
    beat_in_bar: (B,), empty where the beat is unknown; collection: index into the shard's names.
    """

    tokens: npt.NDArray[np.uint16]
    chord_ids: I64
    chord_steps: I64
    beat_steps: npt.NDArray[np.float64]
    beat_in_bar: I64
    collection: int


@dataclass(frozen=True)
class Shard:
    """The pieces of one side of the split, the names of their collections, in how many keys training hears them."""

    pieces: list[PieceArrays]
    collections: list[str]
    augment: int = DEFAULT_AUGMENT


def steps_of(seconds: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Seconds -> fractional grid steps."""
    return np.asarray(seconds, dtype=np.float64) / STEP_S


def token_steps(tokens: npt.NDArray[np.uint16]) -> I64:
    """(T,) ids -> (T,) the time after each token, in steps."""
    ids = tokens.astype(np.int64)
    shift = np.where((ids >= TIME_SHIFT) & (ids < TIME_SHIFT + NUM_SHIFTS), ids - TIME_SHIFT + 1, 0)
    return np.cumsum(shift)


def save_shard(path: Path, shard: Shard) -> None:
    """Writes all pieces into one file."""
    columns: dict[str, tuple[type[np.generic], list[npt.NDArray[Any]]]] = {
        "tokens": (np.uint16, [p.tokens for p in shard.pieces]),
        "chord_ids": (np.int16, [p.chord_ids for p in shard.pieces]),
        "chord_steps": (np.int32, [p.chord_steps for p in shard.pieces]),
        "beat_steps": (np.float32, [p.beat_steps for p in shard.pieces]),
        "beat_in_bar": (np.uint8, [p.beat_in_bar for p in shard.pieces]),
    }
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "collection": np.array([p.collection for p in shard.pieces], dtype=np.int16)
    }
    for name, (dtype, parts) in columns.items():
        tensors[name] = np.concatenate([np.zeros(0, dtype), *(part.astype(dtype) for part in parts)])
        tensors[f"{name}.lengths"] = np.array([len(part) for part in parts], dtype=np.int64)
    # safetensors writes metadata in random order: a second key there, and equal shards were different files.
    tensors["augment"] = np.array(shard.augment, dtype=np.int16)
    save_file(tensors, path, metadata={"collections": "\n".join(shard.collections)})


def load_shard(path: Path) -> Shard:
    """Reads what save_shard wrote. DataError if the file is missing or broken."""
    if not path.is_file():
        raise DataError(f"{path}: no such shard: give a folder that `sideman prepare -o` wrote")
    try:
        with safe_open(path, framework="numpy") as file:
            collections = file.metadata()["collections"].split("\n")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        shard = Shard(_pieces(tensors), collections, int(tensors.get("augment", DEFAULT_AUGMENT)))
        _check(shard)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not a shard ({error}): run `sideman prepare` again") from None
    return shard


def _pieces(tensors: dict[str, npt.NDArray[Any]]) -> list[PieceArrays]:
    """The columns of a file cut into pieces. ValueError if their lengths disagree."""

    def parts(name: str) -> list[npt.NDArray[Any]]:
        lengths = tensors[f"{name}.lengths"]
        if lengths.sum() != len(tensors[name]) or (lengths < 0).any():
            raise ValueError(f"{name} holds {len(tensors[name])} values for lengths that add up to {lengths.sum()}")
        ends = np.cumsum(lengths)
        return [tensors[name][end - length : end] for end, length in zip(ends, lengths, strict=True)]

    columns = [parts(name) for name in ("tokens", "chord_ids", "chord_steps", "beat_steps", "beat_in_bar")]
    return [
        PieceArrays(
            tokens.astype(np.uint16),
            chord_ids.astype(np.int64),
            chord_steps.astype(np.int64),
            beat_steps.astype(np.float64),
            beat_in_bar.astype(np.int64),
            int(collection),
        )
        for tokens, chord_ids, chord_steps, beat_steps, beat_in_bar, collection in zip(
            *columns, tensors["collection"], strict=True
        )
    ]


def _check(shard: Shard) -> None:
    """ValueError where training would meet something it cannot use."""
    for piece in shard.pieces:
        if len(piece.tokens) < 2 or piece.tokens.max() >= NUM_EVENT_IDS:
            raise ValueError(f"a piece must hold two or more tokens below {NUM_EVENT_IDS}")
        if len(piece.chord_ids) != len(piece.chord_steps) or list(piece.chord_steps[:1]) != [0]:
            raise ValueError("the chords of a piece must start at step 0")
        if len(piece.beat_steps) != len(piece.beat_in_bar) or (piece.beat_in_bar < 0).any():
            raise ValueError("every beat of a piece must have its place in the bar")
        if not 0 <= piece.collection < len(shard.collections):
            raise ValueError(f"collection {piece.collection} has no name")
    if not 1 <= shard.augment <= DEFAULT_AUGMENT:
        raise ValueError(f"augment {shard.augment} lies outside 1..{DEFAULT_AUGMENT}")
