"""The clock of every deadline."""

from __future__ import annotations

import time

__all__ = ["now_us"]


def now_us() -> int:
    """Microseconds on the monotonic clock; on Linux the CLOCK_MONOTONIC of time.monotonic_ns()."""
    return time.monotonic_ns() // 1000
