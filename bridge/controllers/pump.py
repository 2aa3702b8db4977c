"""Paces the ticks that keep FL Studio's script going if FL never calls its OnIdle, as some builds of 2025 do not.

A script that is called is a script that can send. So a tick, two bytes of MIDI, goes to it twice a second in any case,
and as often as OnIdle would come while the script says that it needs them.
"""

from __future__ import annotations

import threading
from typing import Final

from osc_protocol.wire.codec import Message
from osc_protocol.wire.sysex import PUMP

__all__ = ["FAST_S", "SLOW_S", "Pump"]

SLOW_S: Final = 0.5
FAST_S: Final = 0.02
_LASTS_S: Final = 2.0  # a wish; the script repeats it


class Pump:
    """Decides when the next tick is due. now_s: seconds on any steady clock. Thread-safe."""

    def __init__(self, now_s: float) -> None:
        self._lock = threading.Lock()
        self._ticked_s = now_s
        self._asked_s: float | None = None

    def take(self, message: Message, now_s: float) -> bool:
        """Takes a message; returns whether it was a wish for ticks."""
        if message.address != PUMP:
            return False
        with self._lock:
            self._asked_s = now_s
        return True

    def wait_s(self, now_s: float) -> float:
        """Returns the seconds until the next tick, 0 if it is due."""
        with self._lock:
            asked = self._asked_s is not None and now_s - self._asked_s < _LASTS_S
            due_s = self._ticked_s + (FAST_S if asked else SLOW_S)
        return max(0.0, due_s - now_s)

    def ticked(self, now_s: float) -> None:
        """Takes that a tick was sent."""
        with self._lock:
            self._ticked_s = now_s
