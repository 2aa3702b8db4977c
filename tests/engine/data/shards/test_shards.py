"""Shards come back as they were saved, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import INDEX_EVERY, PieceArrays, Shard, load_shard, token_steps
from engine.errors import DataError
from tests.support.study_corpus import random_piece

LABELLED = replace(random_piece(4), labels={"manner": "jazz", "role": "solo"})
NO_BEATS = replace(random_piece(3), beat_steps=np.zeros(0), beat_in_bar=np.zeros(0, dtype=np.int64))


@pytest.mark.parametrize(
    "pieces", [[], [random_piece(0)], [LABELLED, NO_BEATS, LABELLED, random_piece(2, 40, collection=1)], [NO_BEATS]]
)
def test_a_shard_comes_back_as_it_was_saved(pieces: list[PieceArrays], tmp_path: Path) -> None:
    save_shard(tmp_path / "x.safetensors", Shard(pieces, ["jazz", "ragtime"], Augmentation(5, (0.9, 1.0), 0.1)))
    loaded = load_shard(tmp_path / "x.safetensors")
    assert (loaded.collections, loaded.augment) == (["jazz", "ragtime"], 5)
    assert loaded.augmentation == Augmentation(5, (0.9, 1.0), 0.1)
    assert len(loaded.pieces) == len(pieces)
    for before, after in zip(pieces, loaded.pieces, strict=True):
        assert before.labels == after.labels
        for field in fields(PieceArrays)[:-2]:  # the columns; step_index only a file has
            np.testing.assert_array_equal(getattr(before, field.name), getattr(after, field.name))


def test_the_longest_bar_that_midi_knows_fits(tmp_path: Path) -> None:
    piece = replace(NO_BEATS, beat_steps=np.arange(255.0), beat_in_bar=np.arange(255))
    save_shard(tmp_path / "x", Shard([piece], ["a"]))
    np.testing.assert_array_equal(load_shard(tmp_path / "x").pieces[0].beat_in_bar, np.arange(255))


def test_the_official_library_reads_the_file(tmp_path: Path) -> None:
    pieces = [random_piece(0), NO_BEATS]
    save_shard(tmp_path / "x.safetensors", Shard(pieces, ["a"]))
    tensors = load_file(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(tensors["tokens"], np.concatenate([piece.tokens for piece in pieces]))
    assert tensors["tokens"].dtype == np.uint16
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]  # no parts are left


def test_tokens_are_mapped_and_not_copied(tmp_path: Path) -> None:
    save_shard(tmp_path / "x", Shard([random_piece(0), random_piece(1)], ["a"]))
    first, second = load_shard(tmp_path / "x").pieces
    assert not first.tokens.flags.owndata
    assert not first.tokens.flags.writeable
    one, other = (piece.tokens.__array_interface__["data"][0] for piece in (first, second))
    assert other - one == first.tokens.nbytes  # two views of one mapping


@pytest.mark.parametrize("length", [2, INDEX_EVERY, INDEX_EVERY + 1, 1000, 3 * INDEX_EVERY])
def test_the_time_before_any_token_is_found_from_the_index(length: int, tmp_path: Path) -> None:
    piece = random_piece(5, length)
    save_shard(tmp_path / "x", Shard([random_piece(1), piece], ["a"]))
    mapped = load_shard(tmp_path / "x").pieces[1]
    expected = [0, *token_steps(piece.tokens)]
    assert [mapped.step_before(i) for i in range(length + 1)] == expected
    assert [piece.step_before(i) for i in range(length + 1)] == expected


def test_time_moves_after_a_shift_only() -> None:
    tokens = np.array([389, 356, 60, 256, 188, 355, 300, 390], dtype=np.uint16)
    assert list(token_steps(tokens)) == [0, 0, 0, 1, 1, 101, 146, 146]


def rewritten(path: Path, edit: Callable[[dict[str, np.ndarray]], object]) -> None:
    """The file with other columns under its own metadata."""
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    edit(tensors)
    save_file(tensors, path, metadata=metadata)


def column(name: str, edit: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    return lambda path: rewritten(path, lambda tensors: tensors.update({name: np.asarray(edit(tensors[name]))}))


def without(name: str) -> Callable[[Path], None]:
    return lambda path: rewritten(path, lambda tensors: tensors.pop(name))


def metadata(**changed: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        with safe_open(path, framework="numpy") as file:
            before = file.metadata()
        save_file(load_file(path), path, metadata={**before, **changed})

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b"\x80\x04 a pickle is no shard"),
        lambda path: save_file(load_file(path), path),
        lambda path: path.write_bytes((10**12).to_bytes(8, "little") + b"{}"),
        metadata(format="sideman shard 2"),
        metadata(augmentation="{}"),
        metadata(augmentation='{"keys": 13, "tempo_stretch": [1.0], "velocity_jitter": 0}'),
        metadata(collections="[]"),
        without("tokens"),
        without("collection"),
        without("beats.offsets"),
        column("tokens", lambda x: x[:-1]),
        column("tokens", lambda x: x + np.uint16(300)),
        column("tokens", lambda x: x.astype(np.int32)),
        column("tokens.offsets", lambda x: x + 1),
        column("tokens.offsets", lambda x: x * 0),
        column("tokens.offsets", lambda x: x[:-1]),
        column("step_index", lambda x: x[:-1]),
        column("collection", lambda x: x + 1),
        column("collection", lambda x: x[:-1]),
        column("labels", lambda x: x + 2),
        column("labels", lambda x: x[:-1]),
        metadata(labels="[]"),
        metadata(labels='[{"role": 1}]'),
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
