"""Metres: how a bar is counted, and how long the beat is that a tempo counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from engine.errors import ChordError, SidemanError, check_range

__all__ = ["COMMON", "Metre", "asked_metre", "is_compound", "parse_metre"]

_WRITTEN = re.compile(r"(\d{1,2})/(\d{1,2})")
DENOMINATORS = (1, 2, 4, 8, 16, 32)
MAX_NUMERATOR = 32
MOST_BEATS_PER_BAR = 16  # of --beats-per-bar
_NAMES = {Fraction(4): "whole notes", Fraction(2): "half notes", Fraction(1): "quarters", Fraction(1, 2): "eighths",
          Fraction(1, 4): "sixteenths", Fraction(1, 8): "thirty-seconds"}  # fmt: skip


@dataclass(frozen=True)
class Metre:
    """numerator over denominator, as in `6/8`.

    A tempo counts the beat that is felt: a dotted note in compound metres (6/8, 9/8, 12/8, 6/16), else the
    denominator's note, so a quarter in 5/4 and an eighth in 7/8. ChordError: no such metre.
    """

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= MAX_NUMERATOR:
            raise ChordError(f"{self.numerator} beats a bar lie outside 1..{MAX_NUMERATOR}: give the beats of one bar")
        if self.denominator not in DENOMINATORS:
            known = ", ".join(map(str, DENOMINATORS))
            raise ChordError(f"metre {self}: the lower number is the beat's note: use one of {known}")

    @property
    def is_compound(self) -> bool:
        """Whether its beats are dotted notes."""
        return is_compound(self.numerator, self.denominator)

    @property
    def beats(self) -> int:
        """Felt beats a bar: 2 in 6/8, 7 in 7/8."""
        return self.numerator // 3 if self.is_compound else self.numerator

    @property
    def beat_quarters(self) -> Fraction:
        """Length of the felt beat in quarter notes: 3/2 in 6/8."""
        return Fraction(4 * (3 if self.is_compound else 1), self.denominator)

    @property
    def beat_name(self) -> str:
        """What a tempo counts, as in `dotted quarters`."""
        if self.is_compound:
            return f"dotted {_NAMES[self.beat_quarters * 2 / 3]}"
        return _NAMES[self.beat_quarters]

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def is_compound(numerator: int, denominator: int) -> bool:
    """Tells whether a metre, also one that is none of ours, is counted in dotted notes, as 6/8 is and 3/8 is not."""
    return denominator >= 8 and numerator > 3 and numerator % 3 == 0


COMMON = Metre(4, 4)


def parse_metre(text: str) -> Metre:
    """`6/8` -> Metre. ChordError: no metre."""
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise ChordError(f"{text!r} is no metre: write it as in 3/4 or 6/8")
    return Metre(int(found[1]), int(found[2]))


def asked_metre(metre: str | None, beats_per_bar: int | None) -> Metre | None:
    """The metre of --metre or --beats-per-bar, None where neither is given. SidemanError: none, or two."""
    if beats_per_bar is not None:
        check_range("--beats-per-bar", beats_per_bar, 1, MOST_BEATS_PER_BAR)
        if metre is not None and parse_metre(metre) != Metre(beats_per_bar):
            raise SidemanError(f"--metre {metre} and --beats-per-bar {beats_per_bar} differ: give one of them")
        return Metre(beats_per_bar)
    return None if metre is None else parse_metre(metre)
