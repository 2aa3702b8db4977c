"""The time that a run may take, held by the clock on the wall even where the process gets little processor time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Budget", "Part", "affordable"]

CLOSING = 1.25  # the end takes so much longer than its parts took at the start, for safety ...
MOST_FOR_CLOSING = 0.4  # ... but of the time allowed at most so much is set aside: updates come first
RECENT = 8  # updates from which the share of the processor is told that the process gets now


@dataclass
class Part:
    """What a part of the run took: seconds on the wall, and of processor time."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


class Budget:
    """The time that a whole run may take, from its start to the last measurement. One thread owns it.

    Parts that come again at the end are timed as they are done first, on the wall and in processor time. Where the
    process has come to get less of the processor since, the time set aside for them grows with it.
    """

    def __init__(self, started: float, minutes: float) -> None:
        """started: of time.monotonic()."""
        self._started, self.length_s = started, 60 * minutes
        self._closing: list[tuple[Part, float]] = []
        self._marks: deque[tuple[float, float]] = deque([_now()], maxlen=RECENT + 1)
        self._shortened: dict[str, None] = {}  # ordered, each once

    @property
    def used_s(self) -> float:
        """The seconds since the start."""
        return time.monotonic() - self._started

    @contextmanager
    def comes_again(self, times: float = 1.0) -> Iterator[Part]:
        """Times what is done inside, and sets time aside to do it so many times after the updates."""
        part = Part()
        wall_s, cpu_s = _now()
        yield part
        now_s, cpu_now_s = _now()
        part.wall_s, part.cpu_s = now_s - wall_s, cpu_now_s - cpu_s
        self._closing.append((part, times))

    def takes_s(self, part: Part) -> float:
        """The seconds that a part will take now, with the share of the processor that the last updates had."""
        (wall_s, cpu_s), (now_s, cpu_now_s) = self._marks[0], self._marks[-1]
        return max(part.wall_s, part.cpu_s * (now_s - wall_s) / max(1e-3, cpu_now_s - cpu_s))

    @property
    def closing_s(self) -> float:
        """The seconds set aside for what follows the updates, at most MOST_FOR_CLOSING of all."""
        all_s = sum(times * self.takes_s(part) for part, times in self._closing)
        return min(CLOSING * all_s, MOST_FOR_CLOSING * self.length_s)

    @property
    def left_s(self) -> float:
        """The seconds left for updates."""
        return self.length_s - self.closing_s - self.used_s

    def allow(self, share: float) -> Callable[[], float]:
        """Returns what tells the seconds left of a share of the time that is left now."""
        until_s = self.used_s + share * (self.length_s - self.used_s)
        return lambda: until_s - self.used_s

    def updated(self) -> None:
        """Hears that an update was made."""
        self._marks.append(_now())

    def share(self, begun_s: float) -> float:
        """Returns the used share of the time for updates since begun_s: 1 or more when it is over."""
        return (self.used_s - begun_s) / max(1e-6, self.length_s - self.closing_s - begun_s)

    def shorten(self, what: str) -> None:
        """Keeps in mind what was left out for want of time, in words."""
        self._shortened[what] = None

    def measured(self, windows: int, of: int, when: str) -> None:
        """Keeps in mind that only some windows were measured, if so."""
        if windows < of:
            self.shorten(f"{windows} of {of} windows were measured {when}")

    @property
    def shortened(self) -> tuple[str, ...]:
        """What was left out for want of time, in words, in order."""
        return tuple(self._shortened)


def affordable(left_s: float, spent_s: float, done: int) -> int:
    """Returns how many more of what took spent_s for `done` of them fit into the seconds left."""
    return max(0, int(left_s * done / max(1e-9, spent_s)))


def _now() -> tuple[float, float]:
    return time.monotonic(), time.process_time()
