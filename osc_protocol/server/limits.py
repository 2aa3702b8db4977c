"""Limits how much one peer may ask for: a token bucket, and one for each sender."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

__all__ = ["MAX_SENDERS", "RateLimit", "SenderLimits"]

MAX_SENDERS: Final = 64  # whose rate is remembered; the one heard first is forgotten for a new one


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


class SenderLimits:
    """One RateLimit for each sender. One thread."""

    def __init__(self, rate_per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s, self._clock = rate_per_s, clock
        self._rates: OrderedDict[Hashable, RateLimit] = OrderedDict()
        self._told_s: dict[Hashable, float] = {}

    def __len__(self) -> int:
        return len(self._rates)

    def allow(self, sender: Hashable) -> bool:
        """Whether one more of this sender may pass now; if so it counts."""
        rate = self._rates.get(sender)
        if rate is None:
            rate = self._rates[sender] = RateLimit(self._rate_per_s, self._clock)
            if len(self._rates) > MAX_SENDERS:
                self._told_s.pop(self._rates.popitem(last=False)[0], None)
        return rate.allow()

    def should_tell(self, sender: Hashable) -> bool:
        """Whether a sender that went beyond is to be told so: once a second."""
        now_s = self._clock()
        if now_s - self._told_s.get(sender, -1e9) < 1.0:
            return False
        self._told_s[sender] = now_s
        return True
