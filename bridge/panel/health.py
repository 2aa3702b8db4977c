"""Measures how well the playing goes: how soon a chord is answered, how late notes are sent, how much is ready, and how
much has to be.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any, Final

from bridge.midi.numbers import NOTE_ON
from bridge.midi.sounding import is_strike
from bridge.panel.plan import Plan
from bridge.panel.tap import Entry

__all__ = ["Health"]

TOLD_US: Final = 500_000  # from one look to the next
KEPT: Final = 512  # notes whose lateness is remembered
CHORD_US: Final = 2_000_000  # a first note later than this answers something else
SETTLES_US: Final = 2_500_000  # after a change, which takes back what was ready, until it is ready again
LEAST_PUSHES: Final = 32  # from which on it is known how evenly music is made
SPARE_MS: Final = 50  # beyond the longest pause: the way of a note through scheduler and port


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
        self._changed_us: int | None = None  # when music was made anew
        self._ahead_us: deque[int] = deque(maxlen=KEPT)  # how early notes were made, of late, while nothing changed

    def take(self, entry: Entry, plan: Plan) -> None:
        """Takes one entry of the tap."""
        kind = entry[0]
        if kind == "heard" and is_strike(entry[2]):
            self._key_us = entry[1]
        elif kind == "push":
            self._note_made(entry[1], entry[2] & 0xF0 == NOTE_ON and entry[4] > 0, entry[5])
        elif kind in ("cancel", "silence"):
            self._changed_us = None
        elif entry[:2] == ("state", "look_ahead"):
            self._changed_us = None
            self._ahead_us.clear()
        elif kind == "form":
            self._follows_keys = entry[1] is None
        elif kind == "marked" and self._follows_keys and self._key_us is not None:
            if 0 <= entry[1] - self._key_us < CHORD_US:
                self._asked_us = self._key_us
            self._key_us = None
        elif kind == "sent" and is_strike(entry[2]):
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
            "needsMs": self._needs_ms(),
            "sent": self._sent,
            "readyMs": round(plan.until_us / 1000 - now_us / 1000) if plan.until_us else None,
            "load": round(load, 2),
        }

    def _note_made(self, due_us: int, is_strike: bool, now_us: int) -> None:
        if self._changed_us is None:
            self._changed_us = now_us
        elif is_strike and now_us - self._changed_us > SETTLES_US:
            self._ahead_us.append(due_us - now_us)

    def _needs_ms(self) -> int | None:
        """The look-ahead that this machine needs: as long as music was ever made later than at best, and some more."""
        if len(self._ahead_us) < LEAST_PUSHES:
            return None
        return max(round((max(self._ahead_us) - min(self._ahead_us)) / 10_000) * 10 + SPARE_MS, SPARE_MS)

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
