"""Waiting for what another thread or program does, with patience for a machine that does other work, too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

__all__ = ["PATIENCE_S", "until"]

PATIENCE_S: Final = 60.0
LOOK_S: Final = 0.002


def until(true: Callable[[], object], why: str = "it never came", patience_s: float = PATIENCE_S) -> None:
    """Waits until it is so. AssertionError: why it should have been, once patience is at its end."""
    give_up_s = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < give_up_s, why
        time.sleep(LOOK_S)
