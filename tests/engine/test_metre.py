"""Metres: the tempo counts the beat that is felt."""

from __future__ import annotations

from fractions import Fraction

import pytest

from engine.errors import ChordError
from engine.metre import Metre, parse_metre


@pytest.mark.parametrize(
    ("text", "beats", "quarters", "name"),
    [
        ("4/4", 4, Fraction(1), "quarters"),
        ("3/4", 3, Fraction(1), "quarters"),
        ("6/4", 6, Fraction(1), "quarters"),
        ("2/2", 2, Fraction(2), "half notes"),
        ("3/8", 3, Fraction(1, 2), "eighths"),
        ("5/8", 5, Fraction(1, 2), "eighths"),
        ("7/8", 7, Fraction(1, 2), "eighths"),
        ("6/8", 2, Fraction(3, 2), "dotted quarters"),
        ("9/8", 3, Fraction(3, 2), "dotted quarters"),
        ("12/8", 4, Fraction(3, 2), "dotted quarters"),
        ("6/16", 2, Fraction(3, 4), "dotted eighths"),
    ],
)
def test_beats_are_those_that_are_felt(text: str, beats: int, quarters: Fraction, name: str) -> None:
    metre = parse_metre(text)
    assert str(metre) == text
    assert (metre.beats, metre.beat_quarters, metre.beat_name) == (beats, quarters, name)
    assert metre.beats * metre.beat_quarters == Fraction(4 * metre.numerator, metre.denominator)


@pytest.mark.parametrize("text", ["", "4", "4/", "0/4", "33/4", "4/3", "4/64", "a/4", "-3/4", "3/4/5"])
def test_what_is_no_metre_is_refused(text: str) -> None:
    with pytest.raises(ChordError):
        parse_metre(text)


def test_a_metre_needs_a_denominator_that_notes_have() -> None:
    with pytest.raises(ChordError, match="7/7"):
        Metre(7, 7)
