"""Both hands of a solo are there, from the start to the end."""

from __future__ import annotations

import numpy as np

from engine.chords import parse_chart
from engine.inference.reach import LEFT_TOP, RIGHT_BOTTOM, Hand, Reach
from engine.model.checkpoint import load_checkpoint
from engine.notes import NoteEvent
from engine.solo.both_hands import BothHands, Hands
from engine.solo.improvise import improvise

BLUES = "F7 | Bb7 | F7 | F7 | Bb7 | Bb7 | F7 | D7 | Gm7 | C7 | F7 | C7"


class OneHand:
    """A session that strikes one key every half second, or the next one that the called hand has."""

    def __init__(self, pitch: int) -> None:
        self.time_s, self.pitch, self.held = 0.0, pitch, []  # type: float, int, list[int]
        self.hand: Hand | None = None
        self.calls: list[Hand | None] = []

    def call_hand(self, hand: Hand | None) -> None:
        self.hand = hand
        self.calls.append(hand)

    def sounding(self) -> list[int]:
        return self.held

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        reach = Reach().for_hand(self.hand)
        events: list[NoteEvent] = []
        while self.time_s + 0.5 <= until_s:
            self.time_s += 0.5
            events.append(NoteEvent(self.time_s, "on", max(min(reach.high, self.pitch), reach.low), 64))
            if to_strike:
                return events
        self.time_s = until_s
        return events


def bars(hands: BothHands, count: int) -> list[list[int]]:
    return [[event.pitch for event in hands.generate(2.0 * bar)] for bar in range(1, count + 1)]


def test_the_left_hand_begins_and_is_called_back_every_third_bar() -> None:
    session = OneHand(80)
    played = bars(BothHands(session, 2.0), 8)  # type: ignore[arg-type]
    assert [min(bar) <= LEFT_TOP for bar in played] == [True, False, False, True, False, False, True, False]
    assert session.calls == ["left", None] * 3


def test_the_right_hand_is_called_back_for_half_a_bar_after_two_bars_without_it() -> None:
    session = OneHand(48)
    played = bars(BothHands(session, 2.0), 8)  # type: ignore[arg-type]
    assert [sum(pitch >= RIGHT_BOTTOM for pitch in bar) for bar in played] == [0, 0, 0, 2, 0, 0, 2, 0]
    assert [hand for hand in session.calls if hand != "left"] == [None, "right", None, "right", None]


def test_a_left_hand_that_sounds_is_not_called() -> None:
    session = OneHand(80)
    session.held = [48]
    BothHands(session, 2.0).generate(2.0)  # type: ignore[arg-type]
    assert session.calls == []


def test_a_hand_is_called_where_it_has_an_octave_of_keys_and_nowhere_else() -> None:
    assert Reach(21, RIGHT_BOTTOM + 12).for_hand("right") == Reach(RIGHT_BOTTOM, RIGHT_BOTTOM + 12)
    assert Reach(21, RIGHT_BOTTOM + 5).for_hand("right") == Reach(21, RIGHT_BOTTOM + 5)
    assert Reach(LEFT_TOP - 11, 100).for_hand("left") == Reach(LEFT_TOP - 11, 100)
    kept_clear = Reach(21, 100, clear=(30, 60))
    assert kept_clear.for_hand("left") == kept_clear
    assert kept_clear.for_hand("right") == Reach(RIGHT_BOTTOM, 100, clear=(30, 60))
    assert kept_clear.for_hand(None) == kept_clear


def test_what_is_taken_back_was_not_struck() -> None:
    hands = Hands()
    hands.begin(0.0)
    hands.hear([NoteEvent(0.5, "on", 40, 64), NoteEvent(0.5, "on", 80, 64), NoteEvent(5.0, "on", 42, 64)])
    assert hands.called(6.0, 2.0, []) == "right"
    hands.forget_after(4.0)
    assert hands.called(6.0, 2.0, []) == "left"
    hands.hear([NoteEvent(6.2, "on", 42, 64)])
    assert hands.called(6.0, 2.0, []) is None
    hands.forget_after(6.1)
    assert hands.called(6.0, 2.0, []) == "left"


def test_a_solo_that_begins_in_the_left_hand_alone_finds_its_right_one() -> None:
    """Not called back, this one stays below E4 for sixteen bars."""
    notes = improvise(load_checkpoint(), parse_chart(BLUES).fill(16), tempo_bpm=140, seed=2).notes
    bar = (notes["onset_s"] * 140 // 240).astype(int)
    assert len(set(bar[notes["pitch"] >= RIGHT_BOTTOM])) >= 8


def test_both_hands_play_in_most_bars_of_solos() -> None:
    """More than half over nine short solos; over long ones it is nearly nine in ten (docs/LOG.md)."""
    checkpoint, shares = load_checkpoint(), []
    for text, bpm in ((BLUES, 140), ("Fmaj7 | % | G7 | % | Gm7 | C7", 130), ("C | G | Am | F", 100)):
        for seed in range(3):
            notes = improvise(checkpoint, parse_chart(text).fill(12), tempo_bpm=bpm, seed=seed).notes
            bar = (notes["onset_s"] * bpm // 240).astype(int)
            both = set(bar[notes["pitch"] < 57]) & set(bar[notes["pitch"] >= 64])
            shares.append(len(both) / 12)
    assert np.mean(shares) > 0.5, shares
