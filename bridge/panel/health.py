"""Measures how well the playing goes: how soon a chord is answered, how late notes are sent, how much is ready."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any, Final

from bridge.midi.numbers import NOTE_ON
from bridge.panel.plan import Plan
from bridge.panel.tap import Entry

__all__ = ["Health"]

TOLD_US: Final = 500_000  # from one look to the next
KEPT: Final = 512  # notes whose lateness is remembered
CHORD_US: Final = 2_000_000  # a first note later than this answers something else


class Health:
    """One thread. It sees every entry of the tap before the plan does."""

    def __init__(self) -> None:
        self._late_us: deque[int] = deque(maxlen=KEPT)
        self._next_us = 0
        self._cpu_s, self._looked_s = time.process_time(), time.monotonic()
        self._key_us: int | None = None  # the player's last strike
        self._asked_us: int | None = None  # the strike that made the chord which nothing has answered yet
        self._chord_ms: float | None = None
        self._follows_keys = True  # a chart's chords answer nobody
        self._sent = 0

    def take(self, entry: Entry, plan: Plan) -> None:
        """Takes one entry of the tap."""
        kind = entry[0]
        if kind == "heard" and entry[2][0] & 0xF0 == NOTE_ON and entry[2][2]:
            self._key_us = entry[1]
        elif kind == "form":
            self._follows_keys = entry[1] is None
        elif kind == "marked" and self._follows_keys and self._key_us is not None:
            if 0 <= entry[1] - self._key_us < CHORD_US:
                self._asked_us = self._key_us
            self._key_us = None
        elif kind == "sent" and entry[2][0] & 0xF0 == NOTE_ON and entry[2][2]:
            self._sent += 1
            self._note_sent(entry[1], (entry[2][0] & 0x0F, entry[2][1]), plan)

    def look(self, now_us: int, plan: Plan) -> dict[str, Any] | None:
        """Returns the figures if it is time for them again, else None."""
        if now_us < self._next_us:
            return None
        self._next_us = now_us + TOLD_US
        cpu_s, looked_s = time.process_time(), time.monotonic()
        load = (cpu_s - self._cpu_s) / max(looked_s - self._looked_s, 1e-3)
        self._cpu_s, self._looked_s = cpu_s, looked_s
        late_ms = sorted(late_us / 1000 for late_us in self._late_us)
        return {
            "chordMs": self._chord_ms,
            "lateMs": None if not late_ms else [_at(late_ms, 0.5), _at(late_ms, 0.99)],
            "sent": self._sent,
            "readyMs": round(plan.until_us / 1000 - now_us / 1000) if plan.until_us else None,
            "load": round(load, 2),
        }

    def _note_sent(self, time_us: int, key: tuple[int, int], plan: Plan) -> None:
        due_us = plan.due_us(key)
        if due_us is not None:
            self._late_us.append(max(time_us - due_us, 0))
        if self._asked_us is not None:
            answered_us = time_us - self._asked_us
            self._asked_us = None
            if answered_us < CHORD_US:
                self._chord_ms = round(answered_us / 1000, 1)


def _at(ordered: list[float], share: float) -> float:
    return round(ordered[min(math.floor(len(ordered) * share), len(ordered) - 1)], 2)
