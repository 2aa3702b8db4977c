"""A session's inbox and clock where a plug-in's host has the time.

While the host plays live, the clock stands where the host's next block begins, and runs on with the time on the wall
until the host says more. While it renders offline, it stands still but for the steps that the host allows: what is
played then hangs on nothing but what the host sends.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from bridge.live.commands import Command
from bridge.live.host_time import HostTime
from bridge.live.inbox import Inbox

__all__ = ["HostInbox"]

LONGEST_US, LONGEST_AT_REST_US = 250_000, 1_600_000  # the clock runs on without news: a host that stands says nothing
ALIVE_S, ALIVE_AT_REST_S = 0.4, 0.8  # between two signs of life
WAIT_S: Final = 0.1
IDLE_S: Final = 0.1  # what a session waits that has nothing to watch


class HostInbox(Inbox):
    """The connection's thread puts things in; the session's takes them out."""

    def __init__(
        self, host_time: HostTime, *, offline: bool, done: Callable[[int], None], alive: Callable[[], None]
    ) -> None:
        """done(serial): all that sounds before that moment has been sent. alive: rounds go on. Both are called on the
        session's thread.
        """
        self._time = host_time
        self._offline = offline
        self._rests = False  # the last round had nothing to watch
        self._told = (0.0, time.monotonic(), 0)  # the latest beat that the host has told, when, and its serial
        self._latest_us = host_time.wall_us(0.0)
        self._arrived: deque[tuple[float, bytes | Command]] = deque()  # (beat, what)
        self._heard: list[tuple[int, bytes]] = []  # due in this round
        self._asked: deque[Command] = deque()
        self._done, self._alive = done, alive
        self._done_serial = 0
        self._alive_at = -math.inf
        self.beat = 0.0  # of the frame that is being read: what is posted holds from there on
        super().__init__(self._read_clock)

    # ---- the connection's thread ------------------------------------------------------------------------------------

    def arrive(self, message: bytes) -> None:
        """Takes a channel message of the player, of this frame's beat."""
        self._arrived.append((self.beat, message))
        self._wake.set()

    def post(self, command: Command) -> None:
        """Takes a command, of this frame's beat."""
        self._arrived.append((self.beat, command))
        self._wake.set()

    def tell(self, beat: float, serial: int, *, offline: bool) -> None:
        """Hears that nothing before this beat can be changed any more."""
        self._told = (beat, time.monotonic(), serial)
        if offline or self._offline:  # live the next round is early enough
            self._offline = offline
            self._wake.set()

    # ---- the session's thread ---------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        """Takes what has come; offline, what its moment has come for."""
        super().begin_round()
        now_us = self.clock_us()  # no log needs it: what is taken by it is in there
        while self._arrived and (not self._offline or self._time.wall_us(self._arrived[0][0]) <= now_us):
            beat, what = self._arrived.popleft()
            if isinstance(what, bytes):
                self._heard.append((min(self._time.wall_us(beat), now_us), what))
            else:
                self._asked.append(what)

    def messages(self) -> list[tuple[int, bytes]]:
        heard, self._heard = self._heard, []
        return heard

    def commands(self) -> Iterator[Command]:
        while self._asked:
            yield self._asked.popleft()

    def has_news(self) -> bool:
        """See Inbox. Offline only the host's next step brings news."""
        return self.closed if self._offline else super().has_news()

    def end_round(self, error: BaseException | None = None) -> None:
        self._say_alive()

    def wait(self, timeout_s: float) -> None:
        """Waits in the host's time."""
        if not self._offline:
            self._rests = timeout_s >= IDLE_S
            super().wait(ALIVE_AT_REST_S if self._rests else timeout_s)  # at rest news alone matters, and they wake us
            return
        due_us = self._latest_us + round(timeout_s * 1e6)
        while self._offline and not self.closed:
            self._wake.clear()
            until, _, serial = self._told
            next_us = due_us
            if self._arrived:
                next_us = min(next_us, max(self._time.wall_us(self._arrived[0][0]), self._latest_us))
            if next_us <= self._time.wall_us(until):
                self._latest_us = next_us
                return
            if serial != self._done_serial:
                self._done_serial = serial
                self._done(serial)
            super().wait(WAIT_S)
            self._say_alive()

    def _say_alive(self) -> None:
        now_s = time.monotonic()
        if now_s - self._alive_at >= ALIVE_S:
            self._alive_at = now_s
            self._alive()

    def _read_clock(self) -> int:
        if not self._offline:
            beat, told_at, _ = self._told
            elapsed_us = round((time.monotonic() - told_at) * 1e6)
            longest_us = LONGEST_AT_REST_US if self._rests else LONGEST_US
            self._latest_us = max(self._latest_us, self._time.wall_us(beat) + min(elapsed_us, longest_us))
        return self._latest_us
