"""Whether the player's right hand runs a line, told from chords by its fingers: key after key, above the rest.

The rules:

- A strike belongs to a line if no other key goes down within 60 ms of it, and if it lies at G3 or higher and at least
  three semitones above every key that has been held for 0.6 s, which are a chord's.
- Four of them within two seconds are a line, unless more than two of their keys are down: that is a broken chord.
- A line goes on until two seconds have passed without such a strike. While it runs, its keys are not the chord's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Final

from bridge.live.playing.keyboard import KeyEvent

__all__ = ["Line"]

APART_US: Final = 60_000  # keys that go down within so long of one another are one grasp of the hands
HELD_US: Final = 600_000  # a key held so long is a chord's; a line's are left for the next one
LOWEST: Final = 55  # G3
ABOVE: Final = 3  # semitones
STRIKES: Final = 4
STILL_DOWN: Final = 2  # the newest, and the one before it where the fingers are slow
MEMORY_US: Final = 2_000_000


class Line:
    """Tells a line from chords. The session thread owns it."""

    def __init__(self) -> None:
        self._struck_us: dict[int, int] = {}  # pitch -> when its key went down last
        self._singles: deque[tuple[int, int]] = deque()  # (time_us, pitch) of the strikes that may be a line's
        self._latest_us = -APART_US  # the last strike of any kind
        self._runs = False

    def hear(self, note: KeyEvent, keys: Collection[int]) -> bool:
        """Takes a strike; returns whether it belongs to a line that runs. keys are those that are down after it."""
        now_us = note.time_us
        apart = now_us - self._latest_us >= APART_US
        self._latest_us = now_us
        held = (key for key in keys if key != note.pitch and now_us - self._struck_us.get(key, now_us) >= HELD_US)
        above = note.pitch >= max(LOWEST, ABOVE + max(held, default=0))
        self._struck_us[note.pitch] = now_us
        if apart and above:
            self._singles.append((now_us, note.pitch))
        elif self._singles and now_us - self._singles[-1][0] < APART_US:
            self._singles.pop()  # the key before was the first of a grasp
        runs = self.runs(now_us)
        if not runs and len(self._singles) >= STRIKES:
            self._runs = runs = len({pitch for _, pitch in self._singles} & set(keys)) <= STILL_DOWN
        return runs and apart and above

    def runs(self, now_us: int) -> bool:
        """Tells whether a line runs."""
        while self._singles and now_us - self._singles[0][0] > MEMORY_US:
            self._singles.popleft()
        self._runs = self._runs and bool(self._singles)
        return self._runs
