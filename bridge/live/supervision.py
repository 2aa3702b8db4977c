"""What keeps a session going: how often a worker may be started again, how lost time is noticed, what must not wait."""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["LOST_US", "RESTARTS", "RESTART_WINDOW_S", "RestartLimit", "undisturbed"]

SWITCH_INTERVAL_S: Final = 0.0005  # how long a Python thread may keep another waiting; 0.005 by default
RESTARTS: Final = 3  # of one worker, within
RESTART_WINDOW_S: Final = 60.0
LOST_US: Final = 1_000_000  # a thread that wakes so late was not merely busy: the machine slept, or the process stood


class RestartLimit:
    """Counts restarts: a worker that fails again and again is beyond help. One thread uses it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: monotonic seconds."""
        self._clock = clock
        self._restarts: deque[float] = deque(maxlen=RESTARTS)

    def allows(self) -> bool:
        """Tells whether the worker may be started once more, now."""
        now_s = self._clock()
        if len(self._restarts) == RESTARTS and now_s - self._restarts[0] < RESTART_WINDOW_S:
            return False
        self._restarts.append(now_s)
        return True


@contextmanager
def undisturbed() -> Iterator[None]:
    """Has threads wait shortly for each other, and not at all for a collection of what is loaded by now."""
    gc.collect()
    gc.freeze()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(interval_s)
        gc.unfreeze()
