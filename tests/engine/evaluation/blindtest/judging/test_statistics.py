"""Laws of counting: textbook values, symmetry, and what is known of strengths that answers were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.blindtest.judging.statistics import bradley_terry, coin_p, interval


@pytest.mark.parametrize(
    ("wins", "of", "p"),
    [
        (5, 10, 1.0),
        (8, 10, 0.109375),  # 2 (45 + 10 + 1) / 1024
        (10, 10, 2 / 1024),
        (0, 0, 1.0),
        (15, 20, 0.04138946533203125),
    ],
)
def test_the_exact_test_has_the_values_of_the_binomial(wins: int, of: int, p: float) -> None:
    assert coin_p(wins, of) == pytest.approx(p, rel=1e-9)
    assert coin_p(of - wins, of) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("wins", "of", "low", "high"),
    [(8, 10, 0.443905, 0.974789), (0, 10, 0.0, 0.308497), (10, 10, 0.691503, 1.0), (50, 100, 0.398321, 0.601679)],
)
def test_the_interval_is_that_of_clopper_and_pearson(wins: int, of: int, low: float, high: float) -> None:
    assert interval(wins, of) == pytest.approx((low, high), abs=1e-5)


def test_the_interval_holds_the_truth_at_least_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    for truth in (0.5, 0.7, 0.95):
        held = [low <= truth <= high for low, high in (interval(int(w), 24) for w in rng.binomial(24, truth, 400))]
        assert np.mean(held) > 0.93


def test_strengths_come_back_from_answers_that_were_drawn_from_them() -> None:
    rng = np.random.default_rng(0)
    truth = np.array([1.0, 0.2, -0.3, -0.9])
    odds = 1 / (1 + np.exp(truth[None, :] - truth[:, None]))
    wins = np.zeros((4, 4))
    for i in range(4):
        for j in range(i + 1, 4):
            wins[i, j] = rng.binomial(400, odds[i, j])
            wins[j, i] = 400 - wins[i, j]
    found = bradley_terry(wins)
    assert found.log_odds == pytest.approx(truth - truth.mean(), abs=0.2)
    assert (found.low < truth - truth.mean()).all()
    assert (truth - truth.mean() < found.high).all()


def test_one_who_always_wins_has_a_finite_strength_and_one_who_met_nobody_none() -> None:
    found = bradley_terry([[0, 9, 0], [0, 0, 0], [0, 0, 0]])
    assert 1 < found.log_odds[0] == pytest.approx(-found.log_odds[1])
    assert np.isfinite(found.high).all()
    assert found.log_odds[2] == 0
