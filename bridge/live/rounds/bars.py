"""Bars named in words: `5-8`, `1-4 7`, nothing for all of them. Bars count from 1."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from bridge.errors import ModeError

__all__ = ["MOST_BARS", "bars_text", "chosen_bars", "parse_bars"]

MOST_BARS: Final = 1024  # of a chart; a slip of the finger names no more
_RANGE: Final = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


def parse_bars(text: str) -> tuple[int, ...]:
    """The bars that a text names, ascending; () where it is empty, which means all. ModeError: it names none."""
    bars: set[int] = set()
    for part in text.replace(",", " ").split():
        found = _RANGE.fullmatch(part)
        first, last = (0, 0) if found is None else (int(found[1]), int(found[2] or found[1]))
        if not 1 <= first <= last <= MOST_BARS:
            raise ModeError(f"{part[:20]!r} names no bars: write 5-8, or 1-4 7, counting from 1, or nothing for all")
        bars.update(range(first, last + 1))
    return tuple(sorted(bars))


def chosen_bars(bars: Collection[int], chart_bars: int, every: Iterable[int] | None = None) -> set[int]:
    """Returns bars of a chart of so many, counted from 0; none named: every one, or all of `every`.

    ModeError: the chart has not got them.
    """
    if beyond := [bar for bar in bars if bar > chart_bars]:
        raise ModeError(f"{bars_text(beyond)} cannot be had: the chart ends with bar {chart_bars}")
    return {bar - 1 for bar in bars} or set(range(chart_bars) if every is None else every)


def bars_text(bars: Collection[int]) -> str:
    """`bar 7`, `bars 1-4 7`."""
    ranges: list[list[int]] = []
    for bar in sorted(bars):
        if ranges and ranges[-1][1] == bar - 1:
            ranges[-1][1] = bar
        else:
            ranges.append([bar, bar])
    named = " ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"bar {named}" if len(bars) == 1 else f"bars {named}"
