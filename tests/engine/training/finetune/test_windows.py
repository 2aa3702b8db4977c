"""What a style learns from: starts, full flow, and returns from its own playing whose own notes are no target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from engine.data.shards.shards import PieceArrays, Shard, token_steps
from engine.errors import DataError
from engine.model.checkpoint import Checkpoint
from engine.model.controls import Control
from engine.model.shapes import BEAT_BINS
from engine.styles.style import Style
from engine.tokens import decode_notes
from engine.training.finetune.own_playing import Return, play_returns
from engine.training.finetune.windows import FRESH, START_TOKENS, StyleWindows, practice_windows, with_other_chords
from engine.vocabulary import BOS, PAD, STEP_S
from tests.engine.training.finetune.test_countings import piece
from tests.support.style_folders import random_style, write_base


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return write_base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="module")
def style(base: Checkpoint) -> Style:
    return random_style(base, size=0.05)


@pytest.fixture(scope="module")
def returns(base: Checkpoint, style: Style) -> list[Return]:
    return play_returns(base, style, [piece(120.0, beats=121, beats_per_bar=4)], 6, np.random.default_rng(3))


def test_after_its_own_playing_comes_the_piece(returns: list[Return]) -> None:
    """From the turn on every note is the piece's, in one key, on the piece's beat."""
    assert returns
    for there in returns:
        steps = token_steps(there.piece.tokens.astype(np.int64))
        turn_s = float(steps[there.first]) * STEP_S
        notes = decode_notes(there.piece.tokens[1:])
        after = notes[notes["onset_s"] >= turn_s - 1e-6]
        assert 0 < there.first < len(there.piece.tokens)
        assert len(np.unique(after["pitch"])) == 1  # the piece repeats one note
        beat = np.interp(after["onset_s"] / STEP_S, there.piece.beat_steps, np.arange(len(there.piece.beat_steps)))
        np.testing.assert_allclose(beat, np.rint(beat), atol=0.05)
        assert there.piece.tokens[0] == BOS
        assert there.piece.chord_steps[0] == 0
        assert (np.diff(there.piece.chord_steps) >= 0).all()


def test_the_same_chance_plays_the_same(base: Checkpoint, style: Style) -> None:
    pieces = [piece(120.0, beats=121)]
    one, other = (play_returns(base, style, pieces, 2, np.random.default_rng(1)) for _ in range(2))
    assert [there.first for there in one] == [there.first for there in other]
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first.piece.tokens, second.piece.tokens)


def test_pieces_without_beats_give_no_returns(base: Checkpoint, style: Style) -> None:
    assert play_returns(base, style, [piece(0.0)], 3, np.random.default_rng(0)) == []


def test_own_playing_is_no_target_and_the_piece_is(returns: list[Return], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.training.finetune.windows.RETURNS", 1.0)
    there = returns[0]

    def play(pieces: list[PieceArrays], count: int, rng: np.random.Generator) -> list[Return]:
        return [there]

    windows = StyleWindows(Shard([piece()], ["songs"]), 64, 256, 0, play)  # type: ignore[arg-type]
    for number in range(5):
        inputs, targets = windows.batch(number)
        for heard, wanted in zip(inputs.tokens.numpy(), targets.numpy(), strict=True):
            first = int(np.argmax(wanted != PAD))
            assert first > 0
            np.testing.assert_array_equal(heard[: first + 1], there.piece.tokens[there.first - first - 1 : there.first])
            after = wanted[wanted != PAD]
            np.testing.assert_array_equal(after, there.piece.tokens[there.first : there.first + len(after)])


def test_own_playing_is_renewed_as_the_model_learns() -> None:
    asked = []

    def play(pieces: list[PieceArrays], count: int, rng: np.random.Generator) -> list[Return]:
        asked.append(len(pieces))
        return []

    windows = StyleWindows(Shard([piece(), piece(100.0)], ["songs"]), 64, 128, 0, play)  # type: ignore[arg-type]
    for number in range(3 * FRESH):
        windows.batch(number)
    assert asked == [2, 2, 2]


def test_starts_begin_in_the_middle_with_the_beat_known() -> None:
    windows = StyleWindows(Shard([piece(beats=400)], ["songs"]), 256, 512, 0)
    starts = flows = 0
    for number in range(40):
        inputs, targets = windows.batch(number)
        assert inputs.tokens.numel() == 512
        assert (targets != PAD).any()
        if inputs.tokens.shape[1] == START_TOKENS:
            starts += 1
            assert (inputs.tokens[:, 0] == BOS).all()
            assert (inputs.beat[:, 1:] != BEAT_BINS).any()
        else:
            flows += 1
    assert starts
    assert flows > starts


def test_a_batch_depends_on_its_number_alone() -> None:
    one, other = (StyleWindows(Shard([piece(beats=400)], ["songs"]), 128, 256, 7) for _ in range(2))
    other.batch(3)
    for first, second in zip(one.batch(5), other.batch(5), strict=True):
        tokens, others = (part if hasattr(part, "numel") else part.tokens for part in (first, second))
        assert tokens.equal(others)


def test_nothing_to_learn_from_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no piece"):
        StyleWindows(Shard([], ["songs"]), 64, 128, 0)


def test_every_window_of_a_style_is_told_what_it_is_like(
    returns: list[Return], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Starts, flows and returns; a return's own playing is told what the piece after it is like."""
    controls = (Control("manner", labels=("rolls", "jazz")), Control("density", edges=(1.0, 3.0)))
    for share in (0.0, 1.0):
        monkeypatch.setattr("engine.training.finetune.windows.RETURNS", share)
        windows = StyleWindows(
            Shard([piece(beats=400)], ["songs"]), 64, 256, 0, lambda *_: returns, controls, {"manner": "rolls"}
        )
        told = []
        for number in range(12):
            inputs, _ = windows.batch(number)
            assert inputs.levels is not None
            assert inputs.levels.shape == (*inputs.tokens.shape, 2)
            told += [row for row in inputs.levels.numpy() if row.max() >= 0]
        assert {float(row[:, 0].max()) for row in told} == {-1.0, 0.0}
        assert any((row[:, 1] >= 0).any() for row in told)
        assert all(len(np.unique(row[: np.argmax(row[:, 0] >= 0), 0])) <= 1 for row in told)


def test_other_chords_are_the_same_ones_in_another_order() -> None:
    windows = StyleWindows(Shard([piece(beats=400)], ["songs"]), 64, 256, 0)
    inputs, _ = windows.batch(0)
    chords = torch.tensor([[400, 410, 420, 430, 440, 400], [400, 410, 400, 400, 400, 400]]).repeat(2, 1)
    inputs = replace(inputs, chords=chords, num_chords=torch.tensor([5, 2, 5, 2]))
    both, rows = with_other_chords(inputs, np.random.default_rng(0), 0.5)
    assert rows == [0, 2]
    assert len(both.tokens) == 6
    torch.testing.assert_close(both.tokens[4:], inputs.tokens[[0, 2]])
    torch.testing.assert_close(both.chords[:4], chords)
    for row in both.chords[4:]:
        assert (int(row[0]), int(row[5])) == (400, 400)
        assert sorted(row.tolist()) == sorted(chords[0].tolist())
    assert with_other_chords(replace(inputs, num_chords=torch.ones(4)), np.random.default_rng(0), 0.5)[1] == []


def test_practice_windows_know_their_chords_and_labels() -> None:
    controls = (Control("manner", labels=("rolls", "jazz")), Control("role", labels=("solo", "comping")))
    inputs, targets = practice_windows(64, 256, 0, controls).batch(0)
    assert inputs.tokens.shape == (4, 64)
    assert inputs.levels is not None
    assert set(inputs.levels[..., 0].flatten().tolist()) <= {-1.0, 1.0}
    assert (inputs.num_chords > 1).any()
    assert (targets != PAD).any()
