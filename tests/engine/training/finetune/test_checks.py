"""Laws of figures that are measured before and after on as many windows as there is time for."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.training.finetune.checks import spread


@pytest.mark.parametrize("count", [1, 2, 3, 8, 16, 23])
def test_every_beginning_is_spread_over_the_whole(count: int) -> None:
    order = spread(count)
    assert sorted(order) == list(range(count))
    for taken in range(2, count + 1):
        gaps = np.diff([-1, *sorted(order[:taken]), count])
        assert gaps.max() <= 4 * count / taken + 1
