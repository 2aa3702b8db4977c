"""What a base is fed: its sources' shares and names, practice pieces that never repeat, and batches that every number
of processes makes alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.data.diet import Diet, TrainingWindows  # noqa: E402
from engine.data.feed import Feed  # noqa: E402
from engine.data.practice import practice_piece  # noqa: E402
from engine.data.reading.corpus import Piece  # noqa: E402
from engine.data.shards.shard_writer import save_shard  # noqa: E402
from engine.data.shards.shards import Shard, load_shard  # noqa: E402
from engine.data.sources import match_sources  # noqa: E402
from engine.errors import DataError  # noqa: E402
from engine.model.config import SourceConfig  # noqa: E402
from engine.model.config_file import load_config  # noqa: E402
from engine.model.controls import UNKNOWN  # noqa: E402
from engine.model.perceiver import Inputs  # noqa: E402
from engine.vocabulary import EOS, PAD, SEAM  # noqa: E402
from tests.support.study_corpus import random_piece  # noqa: E402

CONTROLS = load_config("base").model.controls
COLUMN = {control.name: column for column, control in enumerate(CONTROLS)}
LENGTH, BATCH = 96, 8


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diet") / "train.safetensors"
    made = replace(random_piece(7, 900, 1), labels={"manner": "jazz", "role": "left", "groove": "bossa"})
    save_shard(path, Shard([random_piece(1, 900), random_piece(2, 700), made], ["Rolls of old", "made"]))
    return path


def diet(shard: Path, **changed: object) -> Diet:
    return replace(Diet(shard, LENGTH, BATCH, 3, {}, {"Rolls of old": "rolls"}, 0.4, CONTROLS), **changed)  # type: ignore[arg-type]


def same(one: tuple[Inputs, torch.Tensor], other: tuple[Inputs, torch.Tensor]) -> bool:
    columns = zip(vars(one[0]).values(), vars(other[0]).values(), strict=True)
    return torch.equal(one[1], other[1]) and all(torch.equal(a, b) for a, b in columns)


@pytest.mark.parametrize(("workers", "gaps"), [(0, 0.0), (1, 0.0), (2, 0.0), (0, 0.3), (2, 0.3)])
def test_batches_are_the_same_for_any_number_of_processes(workers: int, gaps: float, shard: Path) -> None:
    fed = diet(shard, gaps=gaps, length=96 if gaps == 0 else 512)
    windows = fed.open()
    feed = Feed(fed, first=5, stride=2, workers=workers)
    for number in range(5, 19, 2):
        assert same(feed.batch(number), windows.batch(number)), number


def test_a_batch_depends_on_its_number_alone(shard: Path) -> None:
    one, other = diet(shard).open(), diet(shard).open()
    one.batch(0)
    assert same(one.batch(4), other.batch(4))
    assert not same(one.batch(4), other.batch(5))
    assert not same(one.batch(4), diet(shard, seed=4).open().batch(4))


def test_windows_of_practice_come_as_often_as_the_share_says_and_never_twice(shard: Path) -> None:
    """Random pieces know nothing of jazz: what is told to be jazz beside the made piece is practice."""
    windows = diet(shard, practice=0.5, weights={"made": 0.0}).open()
    jazz, seen, total = CONTROLS[COLUMN["manner"]].labels.index("jazz"), set(), 0
    told = rolls = 0
    for number in range(24):
        inputs, _ = windows.batch(number)
        manner = inputs.levels[:, 0, COLUMN["manner"]]  # type: ignore[index]
        told += int((manner == jazz).sum())
        rolls += int((manner == 0).sum())
        seen |= {tuple(row.tolist()) for row in inputs.tokens}
        total += BATCH
    assert len(seen) == total
    assert 0.4 < told / (told + rolls) < 0.6
    assert 0.5 < (told + rolls) / total < 0.78  # 0.85 x 0.75 of the windows know their manner


@pytest.mark.parametrize(("edition", "whole"), [(1, (0.0, 0.0)), (2, (1.0, 1.0)), (0, (0.25, 0.75))])
def test_practice_is_of_the_edition_that_is_asked_or_of_both(
    edition: int, whole: tuple[float, float], shard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    composed, editions = practice_piece, list[int]()

    def watched(seed: int, number: int, edition: int) -> Piece:
        editions.append(edition)
        return composed(seed, number, edition)

    monkeypatch.setattr("engine.data.diet.practice_piece", watched)
    windows = diet(shard, practice=1.0, edition=edition).open()
    for number in range(12):
        windows.batch(number)
    assert whole[0] <= np.mean([edition == 2 for edition in editions]) <= whole[1]


@pytest.mark.parametrize("practice", [0.0, 0.5, 1.0])
def test_windows_of_gaps_come_as_often_as_the_share_says_from_people_and_practice_alike(
    practice: float, shard: Path
) -> None:
    windows = diet(shard, gaps=0.5, practice=practice, length=1500).open()
    gaps = [bool((row == SEAM).any()) for number in range(12) for row in windows.batch(number)[0].tokens]
    assert 0.3 < np.mean(gaps) < 0.65  # a few bars have no gap to be cut


def test_without_gaps_the_batches_are_what_they_always_were(shard: Path) -> None:
    """The sums of a batch's tokens, targets, chords and levels are those that it had before there were gaps."""
    inputs, targets = diet(shard, practice=1e-9).open().batch(0)
    assert inputs.levels is not None
    sums = [int(inputs.tokens.sum()), int(targets.sum()), int(inputs.chords.sum()), int(inputs.levels.sum())]
    assert sums == [172305, 173691, 177679, 7840]


def test_without_practice_windows_are_the_shards_own(shard: Path) -> None:
    tokens = {int(t) for piece in load_shard(shard).pieces for t in piece.tokens}
    inputs, _ = diet(shard, practice=0.0, controls=()).open().batch(1)
    assert inputs.levels is None
    assert set(inputs.tokens.unique().tolist()) - {PAD} <= tokens | set(range(256)) | set(range(256, 400))


def test_a_piece_of_the_shard_is_told_by_its_own_labels(shard: Path) -> None:
    windows = diet(shard, practice=0.0, weights={"Rolls of old": 0.0}).open()
    known = {name: set() for name in ("role", "groove", "manner", "left_hand")}
    for number in range(12):
        levels = windows.batch(number)[0].levels
        for name, values in known.items():
            values |= set(levels[..., COLUMN[name]].unique().tolist())  # type: ignore[index]
    assert known["left_hand"] == {UNKNOWN}
    for name, label in (("role", "left"), ("groove", "bossa"), ("manner", "jazz")):
        assert known[name] == {UNKNOWN, float(CONTROLS[COLUMN[name]].labels.index(label))}


def test_endings_are_heard(shard: Path) -> None:
    """Windows that hold a piece's end: one in fifty of a thousand-token piece's would, did they end within it."""
    windows = diet(shard, practice=0.0).open()
    ends = [bool((targets == EOS).any()) for n in range(40) for targets in windows.batch(n)[1]]
    assert 0.03 < np.mean(ends) < 0.25


def test_sources_are_matched_by_parts_of_names() -> None:
    sources = (SourceConfig("rolls", 0.5, "rolls"), SourceConfig("POP909", 0.0))
    weights, manners, absent = match_sources(sources, ["Rolls of old", "made"])
    assert (weights, manners, absent) == ({"Rolls of old": 0.5}, {"Rolls of old": "rolls"}, ["POP909"])
    with pytest.raises(DataError, match=r"source 'o': could be any of one, two: give more of its name"):
        match_sources((SourceConfig("o"),), ["one", "two"])
    with pytest.raises(DataError, match="one has a line already"):
        match_sources((SourceConfig("one"), SourceConfig("ne")), ["one", "two"])


def test_weights_that_leave_nothing_are_refused(shard: Path) -> None:
    with pytest.raises(DataError, match="leave no collection"):
        TrainingWindows(load_shard(shard), diet(shard, weights={"Rolls of old": 0.0, "made": 0.0}))
