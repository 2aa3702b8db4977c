"""What holds from a moment of the stream on, such as another role from a bar line on.

A stream knows no dates: what it is told holds from its next token. So the one who generates stops at each date, and
where the stream goes back before one, what held until then is told again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from bridge.live.playing.timeline import EPSILON_S

__all__ = ["Turns"]

KEPT: Final = 16  # more than are made within what the stream remembers

Tell = Callable[[], None]
"""Tells the stream what holds now; may be called again."""


class Turns:
    """Keeps what is to hold from when on. Times are stream seconds. The session thread owns it."""

    def __init__(self) -> None:
        self._dated: list[tuple[float, Tell]] = []
        self._done = 0  # so many of them have been told
        self._marks: list[tuple[float, Tell]] = []  # what is told where the stream comes by, and nothing else
        self._passed = 0  # so many of them it has come by

    @property
    def next_s(self) -> float:
        """When the next one is due; infinity where none is."""
        turn_s = self._dated[self._done][0] if self._done < len(self._dated) else math.inf
        return min(turn_s, self._marks[self._passed][0] if self._passed < len(self._marks) else math.inf)

    def begin(self, tell: Tell) -> None:
        """Says what holds now and before, as at a start; whatever was to come is off."""
        self._dated, self._done = [(-math.inf, tell)], 1
        self._marks, self._passed = [], 0
        tell()

    def mark(self, at_s: float, tell: Tell) -> None:
        """Has something told whenever the stream comes by a second ahead of it, before it goes on from there."""
        coming = sorted([*self._marks[self._passed :], (at_s, tell)], key=lambda mark: mark[0])
        self._marks = [*self._marks[: self._passed][-KEPT:], *coming]
        self._passed = len(self._marks) - len(coming)

    def tell_again(self) -> None:
        """Tells what holds now, to a stream that does not know."""
        if self._done:
            self._dated[self._done - 1][1]()

    def plan(self, at_s: float, tell: Tell) -> None:
        """Says what holds from at_s on, instead of all that was to come. The stream must not lie beyond at_s."""
        self._dated = [*(dated for dated in self._dated[: self._done] if dated[0] < at_s), (at_s, tell)][-KEPT:]
        self._done = len(self._dated) - 1

    def reach(self, time_s: float) -> None:
        """Tells what is due: the stream is at time_s, and goes on."""
        while self._done < len(self._dated) and self._dated[self._done][0] <= time_s + EPSILON_S:
            self._dated[self._done][1]()
            self._done += 1
        while self._passed < len(self._marks) and self._marks[self._passed][0] <= time_s + EPSILON_S:
            self._marks[self._passed][1]()
            self._passed += 1

    def go_back(self, time_s: float) -> None:
        """Tells again what held at time_s: the stream has forgotten what came after it."""
        self._passed = min(self._passed, sum(at_s <= time_s + EPSILON_S for at_s, _ in self._marks))
        held = sum(at_s <= time_s + EPSILON_S for at_s, _ in self._dated[: self._done])
        if held < self._done:
            self._done = held
            if held:
                self._dated[held - 1][1]()
