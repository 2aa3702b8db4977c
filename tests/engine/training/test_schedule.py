"""The learning rate's way and the lowest loss, which the training of a base and fine-tuning share."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.training.schedule import Lowest, rate_share


def test_the_rate_rises_in_a_line_to_its_peak_and_falls_to_a_tenth() -> None:
    shares = [rate_share(update, 4, 24) for update in range(25)]
    assert shares[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert all(later < earlier for earlier, later in pairwise(shares[4:]))
    assert shares[14] == pytest.approx(0.55)
    assert shares[24] == pytest.approx(0.1)


@given(st.integers(0, 200), st.floats(0, 1), st.floats(0, 1))
def test_time_that_is_gone_only_hastens_the_fall(update: int, used: float, more: float) -> None:
    assert 0.1 <= rate_share(update, 10, 100, max(used, more)) <= rate_share(update, 10, 100, min(used, more)) <= 1.0
    assert rate_share(update, 10, 100, 0.0) == rate_share(update, 10, 100)


@given(st.lists(st.floats(0, 9), min_size=1))
def test_since_counts_from_the_first_of_the_lowest(losses: list[float]) -> None:
    lowest = Lowest()
    lower = [lowest.measured(loss) for loss in losses]
    assert lowest.loss == min(losses)
    assert lowest.since == len(losses) - 1 - losses.index(min(losses))
    assert lower == [all(loss < before for before in losses[:i]) for i, loss in enumerate(losses)]
