"""Keeps bundles that wait for their time tags: an NTP time of the sender's clock, compared with ours on arrival."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from osc_protocol.errors import ParameterError
from osc_protocol.server.later import Later

__all__ = ["MAX_AHEAD_S", "MAX_WAITING", "WaitingBundles"]

MAX_AHEAD_S: Final = 60.0  # of a bundle's time tag
MAX_WAITING: Final = 1024  # messages of bundles that are not due yet


class WaitingBundles:
    """Not thread-safe: put() and forget() in the server's lock, and act() of the caller takes it, too.

    wall_clock: Unix seconds, which time tags are held against as they arrive; from then on a monotonic clock counts.
    """

    def __init__(self, later: Later, wall_clock: Callable[[], float]) -> None:
        self._later, self._wall_clock = later, wall_clock
        self._count = 0

    def put(self, due_s: float | None, messages: int, act: Callable[[], None]) -> bool:
        """Lets act() wait for its time; False if that is now or past. ParameterError for one that cannot wait.

        due_s: Unix seconds; None for at once. messages: how many of them act() is for.
        """
        wait_s = 0.0 if due_s is None else due_s - self._wall_clock()
        if wait_s <= 0:
            return False
        if wait_s > MAX_AHEAD_S:
            raise ParameterError(
                f"the bundle is due in {wait_s:.0f} s, legal is 0..{MAX_AHEAD_S:.0f}: is the sender's clock right?"
            )
        if self._count + messages > MAX_WAITING:
            raise ParameterError(
                f"{self._count} messages wait for their time already, legal is 0..{MAX_WAITING}: send them later"
            )
        self._count += messages
        self._later.at(time.monotonic() + wait_s, act)
        return True

    def done(self, messages: int) -> None:
        """Takes that so many messages wait no longer."""
        self._count -= messages

    def forget(self) -> None:
        """Forgets all that wait, because Later was closed."""
        self._count = 0
