"""Bars in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ModeError
from bridge.live.rounds.bars import MOST_BARS, bars_text, parse_bars


@pytest.mark.parametrize(
    ("text", "bars"),
    [("", ()), (" ", ()), ("7", (7,)), ("5-8", (5, 6, 7, 8)), ("1-2, 7", (1, 2, 7)), ("3 2 2-3", (2, 3))],
)
def test_bars_are_read(text: str, bars: tuple[int, ...]) -> None:
    assert parse_bars(text) == bars


@pytest.mark.parametrize("text", ["0", "8-5", "five", "1-", "-3", "1-2-3", "1.5", "99999", f"{MOST_BARS + 1}"])
def test_what_names_no_bars_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ModeError, match=r"write 5-8, or 1-4 7") as refused:
        parse_bars(text)
    assert "\n" not in str(refused.value)


@given(st.sets(st.integers(1, MOST_BARS), min_size=1))
def test_what_is_said_of_bars_reads_back(bars: set[int]) -> None:
    assert parse_bars(bars_text(bars).split(maxsplit=1)[1]) == tuple(sorted(bars))
