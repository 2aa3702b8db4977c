"""What both hands do as one player's: they rest together, and their pedal ends with the chord."""

from __future__ import annotations

import pytest

from engine.chords import Chart, parse_chart
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, RIGHT, Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.whole.dialogue import breathe
from engine.data.practice.whole.ring import pedal, ring_on


@pytest.fixture
def harmony() -> Harmony:
    chart: Chart = parse_chart("Cmaj7 | Dm7 | G7 | Cmaj7")
    return Harmony(chart)


def phrases() -> Part:
    """Two phrases of a right hand, a rest of two beats between them."""
    right = Part(RIGHT)
    for beat in (0.0, 1.0, 2.0, 6.0, 7.0):
        right.add(beat, 1.9 if beat == 2.0 else 0.9, 76)
    return right


def test_the_left_hand_lets_go_with_the_right_and_comes_in_after_the_rest() -> None:
    left, right = Part(LEFT), phrases()
    left.chord(0.0, 4.4, (48, 52, 55))  # over the phrase and into the rest, let go with the phrase
    left.chord(4.0, 3.9, (50, 53, 57))  # due in the rest
    breathe(Dice("rest"), left, right, 1.0, [])
    ends = [onset + length for onset, length in zip(left.onset, left.length, strict=True)]
    assert ends[:3] == [3.9] * 3
    assert len(left.onset) == 6
    assert 4.5 <= left.onset[3] == left.onset[5] <= 6.0
    assert ends[3:] == [7.9] * 3


def test_a_rest_that_the_left_hand_speaks_in_stays_its_own() -> None:
    left, right = Part(LEFT), phrases()
    left.add(4.0, 1.0, 50)
    left.add(5.0, 0.9, 52)
    breathe(Dice("spoken"), left, right, 1.0, [(4.0, 6.0)])
    assert left.onset == [4.0, 5.0]
    breathe(Dice("never"), left, right, 0.0, [])
    assert left.onset == [4.0, 5.0]


def test_the_pedal_ends_with_its_chord_or_with_one_that_comes_early(harmony: Harmony) -> None:
    left = Part(LEFT)
    left.chord(0.0, 1.0, (48, 55))
    left.chord(3.5, 1.0, (50, 57))  # of the second bar, half a beat early
    left.add(4.5, 0.3, 53)  # too short to be caught
    pedal(left, harmony)
    ends = [onset + length for onset, length in zip(left.onset, left.length, strict=True)]
    assert ends == pytest.approx([3.48, 3.48, 7.5, 7.5, 4.8])  # before the early chord; four beats; as it was


def test_chord_tones_ring_on_until_a_neighbour_is_struck_and_never_into_a_rest(harmony: Harmony) -> None:
    right = Part(RIGHT)
    for beat, pitch in ((0.0, 72), (0.5, 76), (1.0, 74), (1.5, 79), (3.0, 72)):
        right.add(beat, 0.45, pitch)
    ring_on(right, harmony, 2.0, [])
    ends = [onset + length for onset, length in zip(right.onset, right.length, strict=True)]
    assert ends[0] == pytest.approx(0.98)  # D comes beside C
    assert ends[1] == pytest.approx(0.98)  # and beside E
    assert ends[2] == pytest.approx(1.45)  # D is no chord tone
    assert ends[3] == pytest.approx(1.95)  # G rings on, but the hand rests
    melody = Part(RIGHT)
    melody.add(0.0, 0.45, 72)
    melody.add(0.5, 0.45, 79)
    ring_on(melody, harmony, 2.0, [(0.0, 4.0)])
    assert melody.length == [0.45, 0.45]  # a melody keeps its lengths
