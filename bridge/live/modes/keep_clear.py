"""Keeping out of the player's way: the keys around those that the player plays are left to the player."""

from __future__ import annotations

from collections import deque
from typing import Final

from bridge.live.playing.context import Context
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.keyboard import KeyEvent

__all__ = ["COMP_CLEAR", "LATELY_US", "KeepClear"]

LATELY_US: Final = 2_000_000  # a note that ended so long ago still says where the player's hands are
COMP_CLEAR: Final = 3  # semitones that mode comp keeps clear until the player asks for others
PITCHES: Final = 128


class KeepClear:
    """Keeps clear of the player's hands. It hears the keys in every mode; the session thread owns it."""

    def __init__(self, context: Context) -> None:
        self._ahead, self._knobs = context.ahead, context.knobs
        self._held: set[int] = set()
        self._lately: deque[tuple[int, int]] = deque()  # (time_us, pitch) of what was struck or ended
        self._told: tuple[Improviser, tuple[int, int] | None] | None = None  # who was told what last

    def hear(self, note: KeyEvent) -> None:
        """Takes note of a key that goes down, or of a note that ends."""
        (self._held.add if note.velocity else self._held.discard)(note.pitch)
        self._lately.append((note.time_us, note.pitch))
        self._prune(note.time_us)  # while nothing may play nobody asks for pitches

    def step(self, now_us: int, *, unasked: bool) -> None:
        """Has nothing struck from now on where the player's hands are. unasked: the mode keeps clear by itself."""
        pitches = self.pitches(now_us, unasked=unasked)
        improviser = self._ahead.improviser
        if self._told == (improviser, pitches) or (self._told is None and pitches is None):
            return
        self._told = (improviser, pitches)
        if pitches is not None and self._ahead.playing and self._ahead.will_strike(*pitches):
            self._ahead.change(lambda _: improviser.keep_clear(pitches))
        else:
            improviser.keep_clear(pitches)

    def pitches(self, now_us: int, *, unasked: bool) -> tuple[int, int] | None:
        """The first and last pitch that are kept clear: the span of what sounds or did lately, and so far out.

        None: nothing is.
        """
        self._prune(now_us)
        distance = (
            COMP_CLEAR if unasked and "keep_clear" not in self._knobs.in_force else int(self._knobs.value("keep_clear"))
        )
        keys = self._held | {pitch for _, pitch in self._lately}
        if not (distance and keys):
            return None
        return max(min(keys) - distance, 0), min(max(keys) + distance, PITCHES - 1)

    def _prune(self, now_us: int) -> None:
        while self._lately and now_us - self._lately[0][0] > LATELY_US:
            self._lately.popleft()
