"""Events that leave the player's time and come back to it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.shards.shards import token_steps
from engine.data.straying import FARTHEST_STEPS, stray
from engine.vocabulary import NUM_SHIFTS, TIME_SHIFT
from tests.support.study_corpus import random_piece

FULL = TIME_SHIFT + NUM_SHIFTS - 1


def strayed(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids of a piece, the same astray, and what is no target."""
    tokens = random_piece(seed, 3000).tokens.astype(np.int64)
    return tokens, *stray(tokens, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_only_waits_change_and_no_moment_moves_further_than_stated(seed: int) -> None:
    tokens, moved, astray = strayed(seed)
    is_shift = (tokens >= TIME_SHIFT) & (tokens <= FULL)
    assert np.array_equal(tokens[~is_shift], moved[~is_shift])
    assert ((moved[is_shift] >= TIME_SHIFT) & (moved[is_shift] <= FULL)).all()
    offset = token_steps(moved) - token_steps(tokens)
    assert 0 < np.abs(offset).max() <= FARTHEST_STEPS
    assert np.array_equal(astray == 1, is_shift & (offset != 0))


@pytest.mark.parametrize("seed", range(5))
def test_the_music_comes_back_and_the_way_back_is_a_target(seed: int) -> None:
    tokens, moved, astray = strayed(seed)
    offset = token_steps(moved) - token_steps(tokens)
    back = np.flatnonzero((offset[1:] == 0) & (offset[:-1] != 0)) + 1
    assert len(back) > 20
    assert not astray[back].any()
    assert 0.05 < (offset != 0).mean() < 0.5


def test_waits_of_several_tokens_stay_whole() -> None:
    tokens = np.array([60, FULL, TIME_SHIFT + 20, 61, FULL, 62] * 200)
    moved, astray = stray(tokens, np.random.default_rng(0))
    assert np.array_equal(moved, tokens)
    assert not astray.any()
