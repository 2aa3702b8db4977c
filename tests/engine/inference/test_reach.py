"""A hand that plays alone by its role stays where one is at home, whoever asked for it, until another role is asked."""

from __future__ import annotations

import pytest

from engine.chords import parse_chord
from engine.data.practice.piece import compose
from engine.inference.reach import LEFT_HIGH, RIGHT_LOW, Reach
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint

WHERE = {"right": (RIGHT_LOW, 127), "left": (0, LEFT_HIGH)}
ALONE = pytest.mark.parametrize("role", sorted(WHERE))


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


def solo(checkpoint: Checkpoint, seed: int = 1) -> Session:
    session = Session(checkpoint, seed)
    session.set_tempo(140)
    session.set_chords([(0.0, parse_chord("Dm7")), (4.0, parse_chord("G7"))])
    session.set_auto({"manner": "jazz", "role": "solo", "left_hand": "stride"})
    return session


def struck(session: Session, seconds: float = 5.0) -> list[int]:
    return [event.pitch for event in session.generate(session.time_s + seconds) if event.kind == "on"]


@ALONE
def test_no_practice_piece_of_a_hand_alone_goes_beyond(role: str) -> None:
    low, high = WHERE[role]
    pieces = [music for music in (compose(70_000_000 + i, 0) for i in range(150)) if music.role == role]
    assert len(pieces) > 3
    assert all(low <= int(music.notes["pitch"].min()) and int(music.notes["pitch"].max()) <= high for music in pieces)


@ALONE
@pytest.mark.parametrize("ask", ["the player", "auto"])
def test_a_hand_alone_strikes_in_its_place_and_both_hands_go_beyond_it_again(
    role: str, ask: str, shipped: Checkpoint
) -> None:
    low, high = WHERE[role]
    session = solo(shipped)
    before = struck(session)
    assert min(before) < RIGHT_LOW
    assert max(before) > LEFT_HIGH
    if ask == "auto":
        session.set_auto({"manner": "jazz", "role": role})
    else:
        session.set_params(role=role)
    alone = struck(session, 10.0)
    assert alone
    assert all(low <= pitch <= high for pitch in alone)
    session.set_params(role="solo", left_hand="stride", register=0.5)
    after = struck(session, 30.0)
    while not min(after) < RIGHT_LOW or not max(after) > LEFT_HIGH:
        assert session.time_s < 120, "both hands keep to the place of one"
        after += struck(session, 10.0)


@ALONE
def test_a_hand_that_is_taken_back_strikes_as_it_did(role: str, shipped: Checkpoint) -> None:
    session = solo(shipped)
    session.set_auto({"manner": "jazz", "role": role})
    session.generate(3.0)
    first = session.generate(6.0)
    session.rollback(3.0)
    session.set_auto({"manner": "jazz", "role": "solo"})
    session.generate(4.0)
    session.rollback(3.0)
    session.set_auto({"manner": "jazz", "role": role})
    assert len(first) > 4
    assert session.generate(6.0) == first


def test_the_players_limits_come_before_a_roles_where_they_leave_it_no_octave() -> None:
    assert Reach(30, 90).for_role("right") == Reach(RIGHT_LOW, 90)
    assert Reach(30, 90).for_role("left") == Reach(30, LEFT_HIGH)
    assert Reach(30, 90).for_role("comping") == Reach(30, 90)
    assert Reach(21, 60).for_role("right") == Reach(21, 60)
    assert Reach(60, 100).for_role("left") == Reach(60, 100)
    assert Reach(100, 20).for_role("right") == Reach(100, 20)
