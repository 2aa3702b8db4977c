"""Hears of worker threads that die, whichever they are: a thread that ends with an exception tells nobody by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

__all__ = ["OUR_THREADS", "Watchman"]

OUR_THREADS: Final = "sideman-"  # what their names begin with


class Watchman:
    """Watches from its making to close(); there is one at a time."""

    def __init__(self, on_death: Callable[[str, BaseException], None]) -> None:
        """on_death(name, error) is called on the dying thread, and must not raise."""
        self._on_death = on_death
        self._previous = threading.excepthook
        threading.excepthook = self._hear

    def close(self) -> None:
        """Puts the hook of before back."""
        threading.excepthook = self._previous

    def _hear(self, what: threading.ExceptHookArgs) -> None:
        name = "" if what.thread is None else what.thread.name
        if name.startswith(OUR_THREADS) and what.exc_value is not None:
            self._on_death(name, what.exc_value)
        else:
            self._previous(what)
