"""The clock of every deadline."""

from __future__ import annotations

import time
from functools import partial

__all__ = ["now_us"]

# steady_clock goes on while a Mac sleeps; time.monotonic_ns() does not. Only there CLOCK_UPTIME_RAW exists.
_now_ns = (
    partial(time.clock_gettime_ns, time.CLOCK_MONOTONIC_RAW) if hasattr(time, "CLOCK_UPTIME_RAW") else time.monotonic_ns
)


def now_us() -> int:
    """Microseconds on the monotonic clock; on Linux the CLOCK_MONOTONIC of time.monotonic_ns()."""
    return _now_ns() // 1000
