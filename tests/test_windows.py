"""Windows show the model what it will see live, and score every target once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch

import native
from engine.beats import beat_bins
from engine.data.shards import PieceArrays, token_steps
from engine.data.windows import (
    WindowSampler,
    collate,
    cut_eval_windows,
    cut_window,
    eval_windows,
    keys,
    transpose_chords,
    transpose_tokens,
)
from engine.errors import DataError
from engine.vocabulary import BOS, LAYOUT, NO_CHORD, PAD, chord_id, chord_parts
from tests.study_corpus import random_piece

LENGTH = 64


@pytest.mark.parametrize("augment", [1, 2, 3, 7, 12])
def test_keys_lie_around_the_own_key(augment: int) -> None:
    semitones = list(keys(augment))
    assert len(semitones) == augment
    assert 0 in semitones
    assert semitones == list(range(semitones[0], semitones[0] + augment))
    assert abs(semitones[0] + semitones[-1]) <= 1
    if augment == 12:
        assert semitones == [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6]


@given(st.integers(-24, 24), st.integers(0, 50))
def test_transposed_tokens_play_the_transposed_notes(semitones: int, seed: int) -> None:
    tokens = random_piece(seed, 80).tokens.astype(np.int64)
    before = native.decode(LAYOUT, tokens[1:-1].astype(np.uint16))
    after = native.decode(LAYOUT, transpose_tokens(tokens, semitones)[1:-1].astype(np.uint16))
    np.testing.assert_array_equal(after[2].astype(int), before[2].astype(int) + semitones)
    for i in (0, 1, 3):
        np.testing.assert_array_equal(after[i], before[i])


@pytest.mark.parametrize("semitones", [-41, 48])
def test_a_pitch_never_leaves_the_keyboard(semitones: int) -> None:
    with pytest.raises(ValueError, match="leaves"):
        transpose_tokens(np.array([389, 40, 80, 168]), semitones)


@pytest.mark.parametrize("semitones", range(-11, 12))
def test_transposed_chords_keep_their_quality_and_move_their_root(semitones: int) -> None:
    ids = np.arange(400, 689)
    moved = transpose_chords(ids, semitones)
    assert moved[0] == NO_CHORD
    for before, after in zip(ids[1:], moved[1:], strict=True):
        root, quality = chord_parts(int(before)) or (0, "")
        assert after == chord_id((root + semitones) % 12, quality)


@pytest.mark.parametrize("start", [0, 1, 57, 200, 298])
def test_chords_and_beats_are_those_of_the_moment_after_each_token(start: int) -> None:
    piece = random_piece(4)
    steps = token_steps(piece.tokens)
    window = cut_window(piece, steps, start, LENGTH)
    now = 0
    for token in piece.tokens[:start]:
        now += int(token) - 255 if 256 <= token < 356 else 0
    for position, token in enumerate(piece.tokens[start : start + LENGTH][: len(window["beat"])]):
        now += int(token) - 255 if 256 <= token < 356 else 0
        sounding = [i for i, onset in enumerate(piece.chord_steps) if onset <= now][-1]
        assert window["chords"][window["chord_now"][position]] == piece.chord_ids[sounding]
        beat, bar = beat_bins([now], piece.beat_steps, piece.beat_in_bar)
        assert (window["beat"][position], window["bar"][position]) == (beat[0], bar[0])
    np.testing.assert_array_equal(window["tokens"], piece.tokens[start : start + LENGTH + 1])
    assert len(window["tokens"]) == len(window["beat"]) + 1


def test_fifty_five_chords_before_and_eight_after_are_in_reach() -> None:
    piece = random_piece(0, 2000)
    piece = replace(piece, chord_steps=np.arange(len(piece.chord_steps)) * 50)  # one every half second
    steps = token_steps(piece.tokens)
    window = cut_window(piece, steps, 1000, 50)
    first, last = steps[1000] // 50, steps[1049] // 50
    np.testing.assert_array_equal(window["chords"], piece.chord_ids[first - 55 : last + 9])
    assert window["chord_now"][0] == 55


@pytest.mark.parametrize("length", [1, 2, 7, 63, 64, 298, 299, 300])
@pytest.mark.parametrize("lengths", [[2], [300], [65, 66, 3], [299, 129, 64]])
def test_every_target_is_scored_once(length: int, lengths: list[int]) -> None:
    pieces = [random_piece(i, n) for i, n in enumerate(lengths)]
    seen = [np.zeros(len(piece.tokens), dtype=int) for piece in pieces]
    windows = eval_windows(pieces, length)
    for window, contents in zip(windows, cut_eval_windows(windows, length), strict=True):
        at = next(i for i, piece in enumerate(pieces) if piece is window.piece)
        seen[at][window.targets] += 1
        scored = contents["tokens"][1:][window.first : window.stop]
        np.testing.assert_array_equal(scored, window.piece.tokens[window.targets])
        if window.start:
            assert window.first >= length // 2  # of past
    for counts in seen:
        assert counts[0] == 0
        assert (counts[1:] == 1).all()


def test_a_sample_of_windows_is_spread_over_all_pieces() -> None:
    pieces = [random_piece(i, 500) for i in range(6)]
    sample = eval_windows(pieces, LENGTH, max_windows=12)
    assert len(sample) == 12
    assert {id(window.piece) for window in sample} == {id(piece) for piece in pieces}
    assert len(eval_windows(pieces, LENGTH, max_windows=10_000)) == len(eval_windows(pieces, LENGTH))


def test_padding_is_never_a_target() -> None:
    piece = random_piece(0, 20)
    inputs, targets = collate([cut_window(piece, token_steps(piece.tokens), 0, LENGTH)], LENGTH)
    assert (targets[0, 19:] == PAD).all()
    assert (targets[0, :19] != PAD).all()
    assert inputs.tokens.shape == inputs.beat.shape == inputs.bar.shape == inputs.chord_now.shape == (1, LENGTH)
    assert (inputs.beat[0, 19:] == 24).all()
    assert (inputs.bar[0, 19:] == 8).all()
    assert (inputs.chord_now < inputs.num_chords[:, None]).all()


def batches(seed: int, numbers: range, augment: int = 12) -> list[tuple[torch.Tensor, ...]]:
    sampler = WindowSampler([random_piece(i) for i in range(3)], LENGTH, 4, seed, augment)
    return [(*vars(inputs).values(), targets) for inputs, targets in map(sampler.batch, numbers)]


def same(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_batch_depends_on_seed_and_number_alone() -> None:
    there, back = batches(7, range(5)), batches(7, range(4, -1, -1))
    assert all(same(a, b) for a, b in zip(there, reversed(back), strict=True))
    assert not same(there[0], there[1])
    assert not same(there[0], batches(8, range(1))[0])


def draw_many(piece: PieceArrays, count: int, augment: int = 12, length: int = LENGTH) -> list[dict[str, np.ndarray]]:
    sampler = WindowSampler([piece], length, 1, 0, augment)
    rng = np.random.default_rng(0)
    return [sampler._draw(rng) for _ in range(count)]


def shifts_of(piece: PieceArrays, window: dict[str, np.ndarray]) -> set[int]:
    """Semitones by which some cut of the piece would be this window."""
    body = window["tokens"][1:]
    places = np.lib.stride_tricks.sliding_window_view(piece.tokens.astype(np.int64), len(body))
    fixed = body >= 256
    found = set()
    for place in places:
        if (place[fixed] == body[fixed]).all() and len(moves := set((body - place)[~fixed])) == 1:
            found |= moves
    return found


@pytest.mark.parametrize("augment", [1, 4, 12])
def test_training_hears_a_piece_in_the_keys_asked_for_with_its_chords(augment: int) -> None:
    piece = random_piece(1, 200)
    heard = set()
    for window in draw_many(piece, 150, augment):
        (semitones,) = shifts_of(piece, window)
        heard.add(semitones)
        if len(window["chords"]) > 1:
            own = set(transpose_chords(piece.chord_ids, semitones))
            assert set(window["chords"]) <= own
    assert heard == set(keys(augment))


def test_at_the_edge_of_the_keyboard_a_piece_keeps_its_key() -> None:
    tokens = np.array([389, *[370, 127, 300, 255] * 40, *[370, 0, 300, 128] * 40, 390], dtype=np.uint16)
    piece = replace(random_piece(1), tokens=tokens)
    for window in draw_many(piece, 20, length=321):
        assert set(window["tokens"]) <= set(tokens)


def test_a_cold_start_begins_with_a_velocity() -> None:
    piece = random_piece(2, 2000)
    cold = [
        w for w in draw_many(piece, 300) if w["tokens"][0] == BOS and not np.array_equal(w["tokens"], piece.tokens[:65])
    ]
    assert 40 < len(cold) < 120  # a quarter
    assert all(356 <= window["tokens"][1] < 388 for window in cold)


def test_chords_beats_and_the_future_are_hidden_as_often_as_stated() -> None:
    windows = draw_many(random_piece(2, 2000), 1500)
    no_chords = np.mean([len(w["chords"]) == 1 and w["chords"][0] == NO_CHORD for w in windows])
    no_beat = np.mean([(w["beat"] == 24).all() and (w["bar"] == 8).all() for w in windows])
    blind = np.mean([int(w["chords_ahead"]) == 0 for w in windows])
    np.testing.assert_allclose([no_chords, no_beat, blind], [0.12, 0.25, 0.5], atol=0.04)
    assert {int(w["chords_ahead"]) for w in windows} == set(range(9))


def test_pieces_too_short_to_teach_are_left_out() -> None:
    with pytest.raises(DataError, match="no piece"):
        WindowSampler([random_piece(0, 8)], LENGTH, 1, 0)
