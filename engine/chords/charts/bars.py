"""The bars of a chart as they are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from engine.metre import Metre

__all__ = ["HOLDS", "Bar", "Refuse", "Word", "Written"]

HOLDS = frozenset("/.%")  # the chord before for one more share

Refuse = Callable[[int, int, str], NoReturn]
"""Raises a ChordError: number of the bar, index in the text, reason."""


class Word(NamedTuple):
    """text, and its index in the chart's text."""

    text: str
    at: int


@dataclass
class Bar:
    """One bar as it is written. words: chords and HOLDS, sharing the bar; none where the chord before is held."""

    words: list[Word]
    at: int
    sections: list[str] = field(default_factory=list)
    endings: frozenset[int] = frozenset()
    starts: bool = False  # a repeat begins before it
    ends: bool = False  # a repeat ends after it
    times: int = 0  # how often that is played; 0: not said
    back: int = 0  # it repeats the bar so many before it


@dataclass
class Written:
    """A chart as it is written; metre None where it says none."""

    bars: list[Bar]
    metre: Metre | None
