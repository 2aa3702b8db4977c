"""The time that a run may take, held by the clock on the wall even where the process gets little processor time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Budget"]

CLOSING = 1.25  # the end takes so much longer than its parts took at the start, for safety ...
MOST_FOR_CLOSING = 0.4  # ... but of the time allowed at most so much is set aside: updates come first
RECENT = 8  # updates from which the share of the processor is told that the process gets now


class Budget:
    """The time that a whole run may take, from its start to the last measurement. One thread owns it.

    Parts that come again at the end are timed as they are done first, on the wall and in processor time. Where the
    process has come to get less of the processor since, the time set aside for them grows with it.
    """

    def __init__(self, started: float, minutes: float) -> None:
        """started: of time.monotonic()."""
        self._started, self.length_s = started, 60 * minutes
        self._closing_s = self._closing_cpu_s = 0.0
        self._marks: deque[tuple[float, float]] = deque([_now()], maxlen=RECENT + 1)

    @property
    def used_s(self) -> float:
        """The seconds since the start."""
        return time.monotonic() - self._started

    @property
    def over(self) -> bool:
        """Whether no time is left at all."""
        return self.used_s >= self.length_s

    @contextmanager
    def comes_again(self, times: float = 1.0) -> Iterator[None]:
        """Times what is done inside, and sets time aside to do it so many times after the updates."""
        wall_s, cpu_s = _now()
        yield
        now_s, cpu_now_s = _now()
        self._closing_s += times * (now_s - wall_s)
        self._closing_cpu_s += times * (cpu_now_s - cpu_s)

    @property
    def closing_s(self) -> float:
        """The seconds set aside for what follows the updates, at most MOST_FOR_CLOSING of all."""
        (wall_s, cpu_s), (now_s, cpu_now_s) = self._marks[0], self._marks[-1]
        slow_s = self._closing_cpu_s * (now_s - wall_s) / max(1e-3, cpu_now_s - cpu_s)
        return min(CLOSING * max(self._closing_s, slow_s), MOST_FOR_CLOSING * self.length_s)

    @property
    def left_s(self) -> float:
        """The seconds left for updates."""
        return self.length_s - self.closing_s - self.used_s

    def updated(self) -> None:
        """Hears that an update was made."""
        self._marks.append(_now())

    def share(self, begun_s: float) -> float:
        """Returns the used share of the time for updates since begun_s: 1 or more when it is over."""
        return (self.used_s - begun_s) / max(1e-6, self.length_s - self.closing_s - begun_s)


def _now() -> tuple[float, float]:
    return time.monotonic(), time.process_time()
