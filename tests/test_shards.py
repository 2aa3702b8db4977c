"""Shards come back as they were saved, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.data.shards import DEFAULT_AUGMENT, PieceArrays, Shard, load_shard, save_shard, token_steps
from engine.errors import DataError
from tests.study_corpus import random_piece

NO_BEATS = replace(random_piece(3), beat_steps=np.zeros(0), beat_in_bar=np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(
    "pieces", [[], [random_piece(0)], [random_piece(0), NO_BEATS, random_piece(2, 40, collection=1)], [NO_BEATS]]
)
def test_a_shard_comes_back_as_it_was_saved(pieces: list[PieceArrays], tmp_path: Path) -> None:
    save_shard(tmp_path / "x.safetensors", Shard(pieces, ["jazz", "ragtime"], augment=5))
    loaded = load_shard(tmp_path / "x.safetensors")
    assert (loaded.collections, loaded.augment) == (["jazz", "ragtime"], 5)
    for before, after in zip(pieces, loaded.pieces, strict=True):
        for field in fields(PieceArrays):
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_the_longest_bar_that_midi_knows_fits(tmp_path: Path) -> None:
    piece = replace(NO_BEATS, beat_steps=np.arange(255.0), beat_in_bar=np.arange(255))
    save_shard(tmp_path / "x", Shard([piece], ["a"]))
    np.testing.assert_array_equal(load_shard(tmp_path / "x").pieces[0].beat_in_bar, np.arange(255))


def test_a_shard_that_says_nothing_of_keys_is_heard_in_all_twelve(tmp_path: Path) -> None:
    save_shard(tmp_path / "x", Shard([NO_BEATS], ["a"]))
    without("augment")(tmp_path / "x")
    assert load_shard(tmp_path / "x").augment == DEFAULT_AUGMENT == 12


def test_time_moves_after_a_shift_only() -> None:
    tokens = np.array([389, 356, 60, 256, 188, 355, 300, 390], dtype=np.uint16)
    assert list(token_steps(tokens)) == [0, 0, 0, 1, 1, 101, 146, 146]


def column(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        tensors = load_file(path)
        save_file({**tensors, name: np.asarray(edit(tensors[name]))}, path, metadata={"collections": "a"})

    return damage


def without(name: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        tensors = load_file(path)
        save_file({n: t for n, t in tensors.items() if n != name}, path, metadata={"collections": "a"})

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"\x80\x04 a pickle is no shard"),
        lambda path: save_file(load_file(path), path),
        column("augment", lambda x: x * 0),
        column("augment", lambda x: x + 1),
        column("augment", lambda x: np.array([12, 12])),
        without("tokens"),
        without("collection"),
        without("beat_in_bar.lengths"),
        column("tokens", lambda x: x[:-1]),
        column("tokens", lambda x: x + np.uint16(300)),
        column("tokens.lengths", lambda x: x + 1),
        column("tokens.lengths", lambda x: x * 0),
        column("collection", lambda x: x + 1),
        column("collection", lambda x: x[:-1]),
        column("chord_steps", lambda x: x + 1),
        column("beat_in_bar", lambda x: x[:-1]),
    ],
)  # fmt: skip
def test_a_broken_shard_is_refused_in_one_line(damage: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "train.safetensors"
    save_shard(path, Shard([random_piece(0), random_piece(1)], ["a"]))
    damage(path)
    with pytest.raises(DataError, match=r"train\.safetensors: not a shard .*: run `sideman prepare` again$"):
        load_shard(path)


def test_a_missing_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such shard"):
        load_shard(tmp_path / "train.safetensors")
