"""Waits lean towards the beat, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.data.practice.piece import STYLES
from engine.inference.draw.leaning import LEANING, SWUNG, lean
from engine.vocabulary import NUM_SHIFTS, TIME_SHIFT

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=400).astype(np.float32)
WAITS = slice(TIME_SHIFT, TIME_SHIFT + NUM_SHIFTS)


def shares(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64))
    return powers / powers.sum()


@pytest.mark.parametrize(("step", "bpm", "origin_s"), [(0, 120.0, 0.0), (777, 93.0, 0.31), (5, 10_000.0, -4.0)])
def test_only_waits_change_and_their_common_share_stays(step: int, bpm: float, origin_s: float) -> None:
    before, after = shares(LOGITS), shares(lean(LOGITS, step, bpm, origin_s))
    others = np.r_[0:TIME_SHIFT, TIME_SHIFT + NUM_SHIFTS : 400]
    np.testing.assert_allclose(after[others], before[others], rtol=1e-5)
    assert after[WAITS].sum() == pytest.approx(before[WAITS].sum(), rel=1e-5)


def test_a_wait_to_the_beat_gains_and_one_to_nowhere_loses() -> None:
    after = lean(np.zeros(400, dtype=np.float32), 30, 120.0, 0.0)[WAITS]  # beats at 50 and 100
    assert after[50 - 31] == after[100 - 31] == after.max()
    assert after[50 - 31] > after[75 - 31] > after[70 - 31]  # beat, eighth, no place at all
    assert LEANING.argmax() == 0
    assert LEANING[12] == np.sort(LEANING)[-2]


def test_the_grooves_left_alone_are_those_that_were_learnt_swung() -> None:
    assert {name for name, style in STYLES.items() if style.swung} == SWUNG


def test_numbers_that_are_none_pass_through() -> None:
    broken = LOGITS.copy()
    broken[WAITS] = np.nan
    assert np.isnan(lean(broken, 0, 120.0, 0.0)[WAITS]).all()
