"""How much one peer may ask for: a token bucket."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["RateLimit"]


class RateLimit:
    """Allows rate_per_s on average, and as many at once after a second of rest. One thread at a time.

    clock: monotonic seconds.
    """

    def __init__(self, rate_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s, self._clock = rate_per_s, clock
        self._tokens = rate_per_s
        self._last_s = clock()

    def allow(self) -> bool:
        """Whether one more may pass now; if so it counts."""
        now_s = self._clock()
        self._tokens = min(self._rate_per_s, self._tokens + (now_s - self._last_s) * self._rate_per_s)
        self._last_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
