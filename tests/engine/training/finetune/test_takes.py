"""What is kept back from training: whole works, told by the manifest or by the notes, and never all of the music."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")

from engine.data.prepare import Settings, prepare
from engine.data.shards.shards import Shard
from engine.errors import DataError
from engine.midi_io.write import write_midi
from engine.training.finetune.takes import keep_back
from tests.support.study_corpus import random_piece, song


def data(folder: Path, works: list[str]) -> tuple[Path, Shard]:
    rows = [{"path": f"{i}.mid", "split": "train", "work": work} for i, work in enumerate(works)]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder, Shard([random_piece(i, 200, collection=i) for i in range(len(works))], ["songs"] * len(works))


@pytest.mark.parametrize(
    "works",
    [list("abcdefghijkl"), list("aabbccddeeff"), list("aaaaaaaaaabc"), list("aaaabbbbcccc"), list("ab"), list("abb")],
)
def test_clips_of_one_take_never_land_on_both_sides(works: list[str], tmp_path: Path) -> None:
    rest, unheard = keep_back(*data(tmp_path, works), 6)
    learnt, kept = ({works[piece.collection] for piece in side.pieces} for side in (rest, unheard))
    assert learnt
    assert kept
    assert not learnt & kept
    assert len(rest.pieces) + len(unheard.pieces) == len(works)
    assert len(rest.pieces) >= len(works) / 3


def test_of_one_take_alone_nothing_can_stay_unheard(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one work or one take"):
        keep_back(*data(tmp_path, ["a", "a", "a"]), 6)


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    folder, shard = data(tmp_path, ["a", "b"])
    (folder / "manifest.jsonl").write_text("[")
    with pytest.raises(DataError, match="sideman prepare"):
        keep_back(folder, shard, 6)


def test_prepare_keeps_the_clips_of_a_take_together(tmp_path: Path) -> None:
    """Different music, as different parts of one performance are, under names that say so."""
    (tmp_path / "midi").mkdir()
    for number in range(12):
        path = tmp_path / "midi" / f"night{number // 3}_clip{number % 3}.mid"
        write_midi(path, song(number), tempo_bpm=120)
    prepare(tmp_path / "midi", tmp_path / "data", Settings(split=(0.5, 0.25, 0.25), workers=1))
    sides: dict[str, set[str]] = {}
    for line in (tmp_path / "data" / "manifest.jsonl").read_text().splitlines():
        row = json.loads(line)
        sides.setdefault(row["path"].partition("_")[0], set()).add(row["split"])
    assert len(sides) == 4
    assert all(len(side) == 1 for side in sides.values())
    assert set().union(*sides.values()) == {"train", "valid", "test"}
