"""The one source of chance in the practice corpus."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")


class Dice(random.Random):
    """Draws made of random() alone, whose values Python promises never to change for a seed, on any platform."""

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all as likely."""
        return options[int(self.random() * len(options))]

    def weigh(self, table: Sequence[tuple[float, T]]) -> T:
        """One item of (weight, item) rows; the weights need not add up to 1."""
        point = self.random() * sum([weight for weight, _ in table])
        for weight, item in table:
            point -= weight
            if point < 0:
                return item
        return table[-1][1]

    def between(self, low: float, high: float) -> float:
        """Evenly from low up to high."""
        return low + (high - low) * self.random()

    def bell(self) -> float:
        """About normal, deviation 1, never beyond 3: no logarithm, so no rounding that differs between platforms."""
        draw = self.random
        return 2.0 * (draw() + draw() + draw() - 1.5)
