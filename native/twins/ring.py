"""The input ring: the MIDI-in callback pushes, the session thread pops."""

from __future__ import annotations

from collections import deque

__all__ = ["MidiRing"]


class MidiRing:
    """Bounded queue of short MIDI messages for one producer and one consumer thread.

    A full ring refuses the newest message and counts it; nothing is overwritten.
    """

    def __init__(self, capacity: int = 1024) -> None:
        if not 1 <= capacity <= 1 << 20:
            raise ValueError(f"capacity {capacity} lies outside 1..1048576")
        self._capacity = capacity
        self._queue: deque[tuple[int, bytes]] = deque()  # append and popleft are atomic
        self._dropped = 0  # Writer only

    def push(self, time_us: int, message: bytes) -> bool:
        """Producer: queue a message of 1..3 bytes; False (and counted) when full. ValueError for another length."""
        if not 1 <= len(message) <= 3:
            raise ValueError(f"a short MIDI message has 1..3 bytes, not {len(message)}: keep SysEx out of this ring")
        if len(self._queue) >= self._capacity:
            self._dropped += 1
            return False
        self._queue.append((time_us, bytes(message)))
        return True

    def pop_all(self) -> list[tuple[int, bytes]]:
        """Consumer: everything queued, oldest first."""
        return [self._queue.popleft() for _ in range(len(self._queue))]

    @property
    def dropped(self) -> int:
        """Messages refused so far because the ring was full. Any thread."""
        return self._dropped
