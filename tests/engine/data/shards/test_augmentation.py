"""Transposed, stretched and louder tokens play the notes that they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import native
from engine.data.shards.augmentation import (
    Augmentation,
    jitter_velocity,
    keys,
    stretch_tokens,
    transpose_chords,
    transpose_tokens,
)
from engine.data.shards.shards import token_steps
from engine.errors import DataError
from engine.vocabulary import LAYOUT, NO_CHORD, chord_id, chord_parts
from tests.support.study_corpus import random_piece


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


def played(tokens: np.ndarray) -> tuple[np.ndarray, ...]:
    return native.decode(LAYOUT, tokens.astype(np.uint16))[:4]


@given(st.integers(0, 60), st.floats(0.5, 2.0), st.integers(0, 5000))
def test_stretched_onsets_are_the_scaled_ones_however_long_the_piece(seed: int, factor: float, before: int) -> None:
    tokens = random_piece(seed, 400).tokens[1:-1].astype(np.int64)
    own, there = played(tokens), played(stretch_tokens(tokens, before, factor))
    np.testing.assert_array_equal(there[2], own[2])
    np.testing.assert_array_equal(there[3], own[3])
    start = round(before * factor)
    for moment, scaled in ((own[0], there[0]), (own[1], there[1])):
        # Half a step of rounding, and a step or two where neighbours must stay apart; no more after 400 tokens.
        assert np.abs(scaled + start - (moment + before) * factor).max() <= 2.5


def test_stretching_keeps_neighbours_apart_and_long_waits_whole() -> None:
    tokens = np.array([370, 60, 256, 188, 61, 256, 189, 355, 355, 305, 62])  # steps of 1, 1 and 250
    there = stretch_tokens(tokens, 0, 0.5)
    assert list(there) == [370, 60, 256, 188, 61, 256, 189, 355, 279, 62]  # 1, 1, then 124: 252 / 2 = 126 in all
    assert list(stretch_tokens(tokens, 0, 1.0)) == list(tokens)
    assert token_steps(stretch_tokens(tokens, 0, 2.0))[-1] == 504


@given(st.integers(0, 30), st.integers(0, 300))
def test_a_factor_of_one_changes_nothing_from_wherever_it_starts(seed: int, start: int) -> None:
    piece = random_piece(seed)
    tokens = piece.tokens[start:].astype(np.int64)
    np.testing.assert_array_equal(stretch_tokens(tokens, piece.step_before(start), 1.0), tokens)


@given(st.integers(0, 30), st.floats(0.5, 1.5))
def test_louder_tokens_play_the_same_notes_louder(seed: int, factor: float) -> None:
    tokens = random_piece(seed, 100).tokens.astype(np.int64)
    own, there = played(tokens), played(jitter_velocity(tokens, factor))
    for i in range(3):
        np.testing.assert_array_equal(there[i], own[i])
    assert np.abs(there[3] - np.clip(own[3] * factor, 2, 126)).max() <= 2.51
    loudness = jitter_velocity(tokens, factor)
    loudness = loudness[(loudness >= 356) & (loudness < 388)]
    assert (np.diff(loudness) != 0).all()  # a velocity is said only where it changes, as in the files


@pytest.mark.parametrize(
    ("keys", "stretch", "jitter", "words"),
    [
        (0, (1.0,), 0.0, "--augment 0"),
        (13, (1.0,), 0.0, "--augment 13"),
        (12, (), 0.0, "--tempo-stretch : give"),
        (12, (0.9, 3.0), 0.0, "--tempo-stretch 0.9,3: give factors from 0.5 to 2"),
        (12, (float("nan"),), 0.0, "--tempo-stretch nan"),
        (12, (1.0, 1.0), 0.0, "names a factor twice"),
        (12, (1.0,), 0.6, "--velocity-jitter 0.6"),
        (12, (1.0,), -0.1, "--velocity-jitter -0.1"),
    ],
)
def test_settings_out_of_range_are_refused(keys: int, stretch: tuple[float, ...], jitter: float, words: str) -> None:
    with pytest.raises(DataError) as refusal:
        Augmentation(keys, stretch, jitter)
    assert words in str(refusal.value)


def test_settings_come_back_from_their_line() -> None:
    settings = Augmentation(7, (0.9, 1.0, 1.1), 0.1)
    assert Augmentation.from_json(settings.to_json()) == settings
    assert settings.variants == 21
