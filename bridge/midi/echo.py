"""Passes the player's own playing through to the output port, so that one synth plays both.

It goes on a channel of its own, because a key that both strike would be ended by whoever lets go of it first.
"""

from __future__ import annotations

from typing import Final

from bridge.midi.numbers import SYSTEM
from native import MidiRing

__all__ = ["Echo"]

RING_CAPACITY: Final = 1024  # messages: more come only in a flood, and then the newest are lost


class Echo:
    """The MIDI-in callback calls put(); the deadline thread, which alone sends, calls take()."""

    def __init__(self, channel: int) -> None:
        """channel: 0..15, on which it sounds."""
        self._channel = channel
        self._ring = MidiRing(RING_CAPACITY)

    def put(self, message: bytes) -> None:
        """Takes one whole message: notes, controllers, bends and key pressure are passed through. It never waits."""
        if len(message) == 3 and message[0] < SYSTEM:
            self._ring.push(0, bytes((message[0] & 0xF0 | self._channel, message[1], message[2])))

    def take(self) -> list[tuple[int, int, int]]:
        """Returns what was played since the last call."""
        return [(message[0], message[1], message[2]) for _, message in self._ring.pop_all()]
