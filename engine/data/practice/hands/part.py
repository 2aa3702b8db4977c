"""Notes as they are written, in beats, before a hand plays them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["LEFT", "RIGHT", "Part"]

LEFT, RIGHT = 0, 1


@dataclass
class Part:
    """One hand's notes as columns.

    onset, length in beats on the nominal grid, unswung; accent: velocity above or below the hand's level; roll_ms: how
    much later than its chord's first note it is struck; straight: not swung, as sixteenths in a swung bar.
    """

    hand: int
    onset: list[float] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    pitch: list[int] = field(default_factory=list)
    accent: list[float] = field(default_factory=list)
    roll_ms: list[float] = field(default_factory=list)
    straight: list[bool] = field(default_factory=list)

    def add(
        self, onset: float, length: float, pitch: int, accent: float = 0.0, roll_ms: float = 0.0, straight: bool = False
    ) -> None:
        """One note."""
        self.onset.append(onset)
        self.length.append(length)
        self.pitch.append(pitch)
        self.accent.append(accent)
        self.roll_ms.append(roll_ms)
        self.straight.append(straight)

    def keep(self, places: Sequence[int]) -> None:
        """These notes, in this order, and no others."""
        columns: list[list[Any]] = [self.onset, self.length, self.pitch, self.accent, self.roll_ms, self.straight]
        for column in columns:
            column[:] = [column[place] for place in places]

    def cut(self, onset: float, end: float) -> None:
        """Ends what was struck at `onset` by `end`."""
        for k, struck in enumerate(self.onset):
            if struck == onset:
                self.length[k] = min(self.length[k], end - 0.05 - onset)

    def rest(self, start: float, stop: float) -> None:
        """Plays nothing from beat `start` until before `stop`; what rings into it ends."""
        for k, onset in enumerate(self.onset):
            if onset < start < onset + self.length[k]:
                self.length[k] = start - onset
        self.keep([k for k, onset in enumerate(self.onset) if not start <= onset < stop])

    def chord(
        self,
        onset: float,
        length: float,
        pitches: Sequence[int],
        accent: float = 0.0,
        roll_ms: float = 3.0,
        straight: bool = False,
    ) -> None:
        """Notes struck together, from the lowest up, the top one voiced louder."""
        top = len(pitches) - 1
        for at, pitch in enumerate(pitches):
            self.add(onset, length, pitch, accent + (5.0 if at == top else -2.0), at * roll_ms, straight)
