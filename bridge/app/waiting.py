"""What the main thread waits for while the music plays: reports, workers that died, and the time to leave."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Final

from bridge.app.workers import Workers
from bridge.errors import LiveFailure

__all__ = ["Waiting"]

DIED: Final = "died"  # a worker, with the reason


class Waiting:
    """report(), died() and leave() are for any thread and any signal handler, wait() is for the main thread.

    workers: all but the session, which has its own.
    """

    def __init__(self) -> None:
        self.workers = Workers()
        self._inbox: queue.SimpleQueue[tuple[str, str] | int | BaseException] = queue.SimpleQueue()

    def report(self, what: str, text: str) -> None:
        """Has the main thread tell what the session did."""
        self._inbox.put((what, text))

    def died(self, name: str, error: BaseException) -> None:
        """Has the main thread start a worker again, and tell what becomes of it."""
        self._inbox.put((DIED, f"{name}: {type(error).__name__}: {error}"))

    def leave(self, why: int | BaseException) -> None:
        """Ends wait()."""
        self._inbox.put(why)

    def wait(self, tell: Callable[[str, str], None], look: Callable[[], None]) -> int | BaseException:
        """Tells what is reported until it is time to leave, and returns why. look: called twice a second or more."""
        while True:
            look()
            try:
                # A timeout, because on Windows a wait without one cannot be interrupted.
                item = self._inbox.get(timeout=0.5)
            except queue.Empty:
                continue
            if not isinstance(item, tuple):
                return item
            what, text = item
            tell(*(("error", self._revive(text)) if what == DIED else item))

    def _revive(self, text: str) -> str:
        """Starts the worker again if it can be, and returns what there is to say of it."""
        said = self.workers.revive(text.split(":", maxsplit=1)[0])
        if said is None:
            said = "too often within a minute: it gives up, every note ended"
            self.leave(LiveFailure(f"{text}: {said}"))
        return f"{text}: {said}"
