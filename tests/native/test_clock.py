"""The clock's twin reads the clock that the compiled part reads."""

from __future__ import annotations

import importlib
import time

import pytest

from native.twins import clock
from tests.support.native_variants import compiled, needs_compiled


@needs_compiled
def test_both_are_one_clock() -> None:
    before, between, after = clock.now_us(), compiled.now_us(), clock.now_us()
    assert before <= between <= after


def test_on_a_mac_it_goes_on_in_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time.monotonic() stands still and CLOCK_MONOTONIC_RAW, which steady_clock is there, does not."""
    monkeypatch.setattr(time, "CLOCK_UPTIME_RAW", 8, raising=False)
    monkeypatch.setattr(time, "CLOCK_MONOTONIC_RAW", 4, raising=False)
    monkeypatch.setattr(time, "clock_gettime_ns", {4: 5_000_000}.__getitem__, raising=False)
    try:
        assert importlib.reload(clock).now_us() == 5_000
    finally:
        monkeypatch.undo()
        importlib.reload(clock)
