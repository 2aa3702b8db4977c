"""What is a line of the right hand, and what is none."""

from __future__ import annotations

from bridge.live.modes.line import Line
from bridge.live.playing.keyboard import KeyEvent

CHORD = (48, 53, 57)


class Hands:
    """A player's two hands on a line's ears."""

    def __init__(self) -> None:
        self.line, self.keys, self.now_us = Line(), set[int](), 0

    def press(self, *pitches: int, apart_us: int = 5_000) -> list[bool]:
        told = []
        for pitch in pitches:
            self.keys.add(pitch)
            told.append(self.line.hear(KeyEvent(self.now_us, "down", pitch, 80), self.keys))
            self.now_us += apart_us
        return told

    def lift(self, *pitches: int) -> None:
        self.keys -= set(pitches)

    def run(self, *pitches: int, each_us: int = 200_000) -> list[bool]:
        told = []
        for pitch in pitches:
            told += self.press(pitch, apart_us=0)
            self.now_us += each_us
            self.lift(pitch)
        return told

    def runs(self) -> bool:
        return self.line.runs(self.now_us)


def test_four_keys_one_after_the_other_above_a_held_chord_are_a_line_and_the_next_are_known_for_its_own() -> None:
    hands = Hands()
    hands.press(*CHORD)
    hands.now_us += 1_000_000
    assert hands.run(67, 69, 72) == [False] * 3
    assert not hands.runs()
    assert hands.run(74) == [True]
    assert hands.run(72, 69) == [True, True]
    assert hands.runs()


def test_a_line_goes_on_for_two_seconds_after_its_last_key() -> None:
    hands = Hands()
    hands.run(67, 69, 72, 74, 76)
    hands.now_us += 1_700_000
    assert hands.runs()
    hands.now_us += 200_000
    assert not hands.runs()
    assert hands.run(67) == [False], "one key is no line"


def test_chords_are_no_line_however_often_they_come() -> None:
    hands = Hands()
    for root in (48, 53, 55, 60, 62, 64):
        hands.press(root, root + 4, root + 7)
        hands.now_us += 300_000
        hands.lift(root, root + 4, root + 7)
    assert not hands.runs()


def test_a_broken_chord_whose_keys_stay_down_is_no_line() -> None:
    hands = Hands()
    hands.press(60, 64, 67, 71, 74, apart_us=120_000)
    assert not hands.runs()


def test_a_bass_line_is_the_left_hands() -> None:
    hands = Hands()
    hands.run(36, 38, 40, 41, 43, 45)
    assert not hands.runs()


def test_under_a_line_a_new_chord_is_no_part_of_it() -> None:
    hands = Hands()
    hands.press(*CHORD)
    hands.now_us += 700_000
    hands.run(72, 74, 76, 77)
    assert hands.runs()
    hands.lift(*CHORD)
    assert hands.press(50, 53, 57) == [False] * 3
