"""Where a right hand lies, and what its lines share."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.practice.hands.scales import Harmony, Palette

__all__ = ["Line", "Register", "colour_at", "is_strong"]

Line = list[tuple[float, float, int]]
"""(onset, length) in beats and pitch, rising onsets."""


@dataclass
class Register:
    """Where the hand lies: hard limits, the height it is drawn to, and its last note."""

    low: int
    high: int
    centre: float
    at: int

    def fold(self, pitch: int) -> int:
        """Moves a pitch by octaves until it lies within the limits."""
        while pitch > self.high:
            pitch -= 12
        while pitch < self.low:
            pitch += 12
        return pitch


def is_strong(onset: float, harmony: Harmony) -> bool:
    meter = harmony.chart.beats_per_bar
    in_bar = onset % meter
    return in_bar == 0 or (in_bar == 2 and meter == 4)


def colour_at(harmony: Harmony, onset: float, length: float) -> Palette:
    """Returns the chord that a note belongs to. A long one on the offbeat before a change belongs to the next chord."""
    return harmony.at(onset + 0.5 if length > 0.5 and onset % 1 >= 0.5 else onset)
