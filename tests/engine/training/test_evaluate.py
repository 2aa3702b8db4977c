"""How far a figure spreads over works: what windows of one work say is said once."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.training.evaluate import Score


def of_works(nats_per_token: list[float], tokens: int, windows: int = 1) -> Score:
    score = Score()
    for number, nats in enumerate(nats_per_token):
        for _ in range(windows):
            score.add(str(number), nats * tokens, tokens, 1, 1.0)
    return score


def test_one_work_says_nothing_of_others() -> None:
    assert Score().spread is None
    assert of_works([1.0], 100, windows=50).spread is None


def test_equal_works_have_no_spread_and_it_lies_around_the_figure() -> None:
    assert of_works([1.5] * 5, 100).spread == pytest.approx((1.5, 1.5))
    draw = np.random.default_rng(1)
    nats = draw.normal(1.2, 0.3, 20)
    score = of_works(list(nats), 100)
    assert score.spread is not None
    low, high = score.spread
    assert low < score.nats_per_token < high
    assert high - low == pytest.approx(2 * 1.96 * nats.std() / np.sqrt(20), rel=0.1), "1.96 standard errors each way"


def test_more_windows_of_the_same_works_make_it_no_surer_but_more_works_do() -> None:
    draw = np.random.default_rng(2)
    nats = list(draw.normal(1.2, 0.3, 40))
    few, many = of_works(nats[:10], 100).spread, of_works(nats[:10], 100, windows=30).spread
    more = of_works(nats, 100).spread
    assert few is not None
    assert many == pytest.approx(few)
    assert more is not None
    assert more[1] - more[0] < few[1] - few[0]


def test_two_sets_drawn_alike_overlap_as_often_as_said() -> None:
    """Of 200 sets of 25 works from one population about 95 in 100 hold its mean; the bootstrap holds a few less."""
    draw, held = np.random.default_rng(3), 0
    for _ in range(200):
        spread = of_works(list(draw.normal(1.0, 0.2, 25)), 100).spread
        assert spread is not None
        held += spread[0] <= 1.0 <= spread[1]
    assert 175 <= held <= 199
