"""Which keys may be struck: the player's limits, and those of a hand that plays alone or is called."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

__all__ = ["LEFT_TOP", "NOTHING_CLEAR", "RIGHT_BOTTOM", "Hand", "Reach"]

Hand = Literal["left", "right"]

LEFT_TOP = 56  # G#3, of a left hand beside a right one; the control "bass" counts what lies below A3
RIGHT_BOTTOM = 64  # E4, of a right hand beside a left one

RIGHT_LOW, LEFT_HIGH = 55, 64  # of a hand that plays alone: no practice piece of one goes beyond
OCTAVE = 12
NOTHING_CLEAR = (127, 0)  # of the pitches that are kept clear


@dataclass(frozen=True)
class Reach:
    """Which keys may be struck, and how many at a time in an ending.

    Lowest and highest pitch, most notes, pitch classes as 12 bits, and the first and last pitch that are kept clear.
    """

    low: int = 0
    high: int = 127
    notes: int = 7
    scale_mask: int = 0xFFF
    clear: tuple[int, int] = NOTHING_CLEAR

    def for_role(self, role: str) -> Reach:
        """Returns these limits narrowed to where a hand plays that is alone by its role, if an octave of them is left.

        Else, and for other roles, they are unchanged.
        """
        return self._above(RIGHT_LOW) if role == "right" else self._below(LEFT_HIGH) if role == "left" else self

    def for_hand(self, hand: Hand | None) -> Reach:
        """Returns these limits narrowed to where one of two hands plays, if an octave of them is left."""
        return self._above(RIGHT_BOTTOM) if hand == "right" else self._below(LEFT_TOP) if hand == "left" else self

    def allows(self, pitch: int) -> bool:
        first, last = self.clear
        clear = first <= pitch <= last
        return self.low <= pitch <= self.high and not clear and bool(self.scale_mask >> pitch % 12 & 1)

    def _above(self, low: int) -> Reach:
        return self._if_roomy(replace(self, low=max(self.low, low)))

    def _below(self, high: int) -> Reach:
        return self._if_roomy(replace(self, high=min(self.high, high)))

    def _if_roomy(self, narrowed: Reach) -> Reach:
        first, last = self.clear
        keys = sum(not first <= pitch <= last for pitch in range(narrowed.low, narrowed.high + 1))
        return narrowed if keys > OCTAVE else self
