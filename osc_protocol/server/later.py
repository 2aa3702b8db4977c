"""Runs acts in the order of their times on one thread: due bundles, values held back."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

__all__ = ["Later"]


class Later:
    """at(): any thread. The acts run on this object's own thread once started, else in step(). They must not raise.

    clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()  # acts of one time run in the order they came
        self._wake = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def at(self, due_s: float, act: Callable[[], None]) -> None:
        """Runs act() at that time of the clock, or as soon as it can after it."""
        with self._wake:
            heapq.heappush(self._heap, (due_s, next(self._order), act))
            self._wake.notify()

    def step(self) -> float | None:
        """Runs what is due. Returns the seconds until the next act is; None if none waits."""
        while True:
            with self._wake:
                if not self._heap:
                    return None
                wait_s = self._heap[0][0] - self._clock()
                if wait_s > 0:
                    return wait_s
                act = heapq.heappop(self._heap)[2]
            act()

    def start(self) -> None:
        """Starts the thread."""
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="sideman-osc-later", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; what still waits is never run. May be called twice."""
        with self._wake:
            self._closing = True
            self._heap.clear()
            self._wake.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        while not self._closing:
            self.step()
            with self._wake:
                if self._heap:
                    self._wake.wait(max(0.0, self._heap[0][0] - self._clock()))
                else:
                    self._wake.wait_for(lambda: self._heap or self._closing)
