"""The panel's own thread: takes what the session has done off the tap, and tells every page the changes.

A page that falls behind is not waited for: it is told the whole state anew.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from bridge.panel.health import Health
from bridge.panel.plan import Change
from bridge.panel.score import Score
from bridge.panel.tap import LOST, Tap

__all__ = ["Hub", "Reader"]

WATCHED_S: Final = 0.012  # between two looks while a page is open: less than a frame
ALONE_S: Final = 0.25  # the same while none is
KEPT: Final = 256  # messages that a page may lie behind: some seconds


class Hub:
    """open(), reader(), close(): any thread."""

    def __init__(self, tap: Tap, clock: Callable[[], int], on_trouble: Callable[[str], None]) -> None:
        """clock: monotonic microseconds, the session's own. on_trouble(text): called on the hub's thread."""
        self._tap, self._clock, self._on_trouble = tap, clock, on_trouble
        self._lock = threading.Lock()  # of what follows; the session's threads never take it
        self._score = Score(Health())
        self._news: deque[str] = deque(maxlen=KEPT)
        self._told = 0  # messages so far
        self._readers: set[Reader] = set()
        self._closing = threading.Event()
        self._someone = threading.Event()  # a page has come
        self._thread = threading.Thread(target=self._run, name="sideman-panel", daemon=True)

    def open(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._closing.set()
        self._someone.set()
        if self._thread.ident is not None:
            self._thread.join()

    def reader(self, wake: Callable[[], None]) -> Reader:
        """What a page reads from; its first news is the whole state. wake(): called when there is more."""
        reader = Reader(self, wake)
        with self._lock:
            self._readers.add(reader)
        self._someone.set()
        return reader

    def step(self) -> None:
        """One look at the tap."""
        with self._lock:
            entries, now_us = self._tap.take(), self._clock()
            changes: list[Change] = []
            for entry in entries:
                changes += self._score.lost(now_us) if entry == LOST else self._score.take(entry)
            changes += self._score.look(now_us)
            if changes:
                self._told += 1
                self._news.append(_message(self._told, now_us, {"changes": changes}))
            readers = tuple(self._readers) if changes else ()
        for reader in readers:
            reader.wake()
        if LOST in entries:
            self._on_trouble("the panel fell far behind: what was played meanwhile is missing in it")

    def news_since(self, number: int | None) -> tuple[int, list[str]]:
        """The messages after that one, or the whole state; and the number of the last."""
        with self._lock:
            if number is not None and self._told - number <= len(self._news):
                missing = self._told - number
                return self._told, list(self._news)[len(self._news) - missing :]
            return self._told, [_message(self._told, self._clock(), {"whole": self._score.whole()})]

    def leave(self, reader: Reader) -> None:
        """The page has gone."""
        with self._lock:
            self._readers.discard(reader)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.step()
            except Exception as error:  # the page must not end the music, nor be lost with it
                with self._lock:
                    self._score, self._told = Score(Health()), self._told + KEPT + 1  # which nobody has read
                    self._news.clear()
                self._on_trouble(f"the panel failed and begins anew: {type(error).__name__}: {error}")
            if self._readers:
                time.sleep(WATCHED_S)
            else:
                self._someone.clear()
                self._someone.wait(ALONE_S)


class Reader:
    """One page's place in the news. One thread; wake() is the hub's."""

    def __init__(self, hub: Hub, wake: Callable[[], None]) -> None:
        self._hub, self.wake = hub, wake
        self._number: int | None = None

    def news(self) -> list[str]:
        """The messages since the last call, as JSON."""
        self._number, messages = self._hub.news_since(self._number)
        return messages

    def close(self) -> None:
        """Hears no more."""
        self._hub.leave(self)


def _message(number: int, now_us: int, content: dict[str, Any]) -> str:
    return json.dumps({"n": number, "now": now_us, **content}, separators=(",", ":"), allow_nan=False)
