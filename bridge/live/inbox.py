"""What reaches the session thread from outside: the player's messages, commands, the time, the news that there is more.

Nothing else decides what a session plays, so a log of what passed here plays it again
(bridge/recording/session_log.py).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from bridge.live.commands import Command
from bridge.midi.numbers import CLOCK
from native import MidiRing

__all__ = ["Inbox"]

RING_CAPACITY: Final = 4096  # messages


class Inbox:
    """Other threads put things in and never wait; the session thread takes them out."""

    def __init__(self, clock: Callable[[], int]) -> None:
        """clock: monotonic microseconds, the scheduler's own."""
        self._clock = clock
        self._ring = MidiRing(RING_CAPACITY)
        self._commands: deque[Command] = deque()
        self._wake = threading.Event()
        self._closed = threading.Event()

    # ---- any thread -------------------------------------------------------------------------------------------------

    def hear(self, message: bytes, time_us: int | None = None) -> None:
        """Takes one message from the player. One thread alone may call this, for the ring has one writer.

        time_us: when it came; None means now.
        """
        if 1 <= len(message) <= 3:
            self._ring.push(self._clock() if time_us is None else time_us, message)
            if message[0] != CLOCK:  # 48 a second and more: the next round is early enough for them
                self._wake.set()

    def post(self, command: Command) -> None:
        """Takes one command."""
        self._commands.append(command)
        self._wake.set()

    def clock_us(self) -> int:
        """Reads the monotonic clock, in microseconds, for what does not decide what is played."""
        return self._clock()

    def close(self) -> None:
        """Tells the session thread to end."""
        self._closed.set()
        self._wake.set()

    @property
    def closed(self) -> bool:
        """Whether the session thread was told to end."""
        return self._closed.is_set()

    @property
    def dropped(self) -> int:
        """How many messages of the player found the ring full."""
        return self._ring.dropped

    # ---- session thread ---------------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        """Call this before looking: what comes while we look wakes the next round."""
        self._wake.clear()

    def messages(self) -> list[tuple[int, bytes]]:
        """Returns (time_us, message) of what the player has done since the last call."""
        return self._ring.pop_all()

    def commands(self) -> Iterator[Command]:
        """Yields what has been asked for since the last call, also while the caller does it."""
        while self._commands:
            yield self._commands.popleft()

    def now_us(self) -> int:
        """Reads the monotonic clock, in microseconds. The session decides by these readings alone: a log has them."""
        return self._clock()

    def has_news(self) -> bool:
        """Tells whether something has come since the round began."""
        # The ring is looked at through the event that its writer sets: its own state belongs to both sides.
        return self._wake.is_set() or self._closed.is_set()

    def end_round(self, error: BaseException | None = None) -> None:
        """Ends the round. error is what it failed with."""

    def wait(self, timeout_s: float) -> None:
        """Waits until something comes, or the time is out."""
        self._wake.wait(timeout_s)
