"""Reading the order of a chart's bars costs as much as it has bars."""

from __future__ import annotations

from typing import Any

import pytest

from engine.chords.charts.bars import Bar
from engine.chords.charts.repeats import in_order


class Counted(list[Bar]):
    """Bars that count how often one is looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        self.looks += 1
        return super().__getitem__(at)


def test_each_bar_of_a_long_chart_is_looked_at_a_few_times() -> None:
    bars = Counted(Bar(words=[], at=0) for _ in range(4000))
    assert in_order(bars, pytest.fail) == list(range(4000))
    assert bars.looks < 10 * len(bars)
