"""How music comes home: one chord, its root lowest, held and let go, whatever the rounds it is asked for in."""

from __future__ import annotations

import numpy as np
import pytest

import native
from engine.chords import Chord, parse_chord
from engine.inference import asked_stream
from engine.inference.ending import LEAD_STEPS
from engine.inference.session import Session
from engine.inference.streams import make_stream
from engine.model.checkpoint import Checkpoint
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S
from osc_protocol.table.parameters import Value
from tests.support.tiny_model import make_checkpoint, make_model

AT_S, HOLD_S = 4.0, 2.0
END_S = AT_S + HOLD_S
CHORDS: list[tuple[float, Chord | None]] = [(0.0, parse_chord("Dm7")), (2.0, parse_chord("G7"))]
CHORDS.append((4.0, parse_chord("Cmaj7")))

COMPILED = pytest.mark.skipif(native.VARIANT == "python", reason="native._core was not built, or SIDEMAN_NATIVE=off")


@pytest.fixture(autouse=True, params=[pytest.param("native", marks=COMPILED), "numpy"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every law holds for the compiled loop and for the one in Python."""
    backend: str = request.param
    monkeypatch.setattr(asked_stream, "make_stream", lambda checkpoint, seed, _: make_stream(checkpoint, seed, backend))
    return backend


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    model = make_model()
    model.state_dict()["head.weight"].mul_(0.1)
    return make_checkpoint(model)


def make_session(checkpoint: Checkpoint, seed: int = 1, **params: Value) -> Session:
    session = Session(checkpoint, seed)
    session.set_params(**params)
    session.set_tempo(120)
    session.set_chords(CHORDS)
    return session


def held(events: list[NoteEvent]) -> list[NoteEvent]:
    """What is struck from the last bar line on."""
    return [event for event in events if event.kind == "on" and event.time_s >= AT_S]


@pytest.mark.parametrize("seed", range(5))
def test_the_last_chord_is_reached_its_root_lowest_and_all_is_held_and_let_go_together(
    checkpoint: Checkpoint, seed: int
) -> None:
    session = make_session(checkpoint, seed)
    session.bring_home(AT_S, HOLD_S)
    events = session.generate(8.0)
    chord = held(events)
    assert 3 <= len(chord) <= 7
    assert {event.pitch % 12 for event in chord} <= set(parse_chord("Cmaj7").pitch_classes())
    assert min(event.pitch for event in chord) % 12 == 0
    assert max(event.time_s for event in chord) < AT_S + 0.2
    ends = [event for event in events if event.time_s > AT_S + 0.01 and event.kind == "off"]
    assert {event.pitch for event in ends} == {event.pitch for event in chord}
    assert all(event.time_s == pytest.approx(END_S) for event in ends)
    assert session.sounding() == []
    assert session.generate(12.0) == []
    assert session.time_s == pytest.approx(12.0)


def test_what_sounded_is_let_go_at_the_bar_line(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.bring_home(AT_S, HOLD_S)
    events = session.generate(AT_S - LEAD_STEPS * STEP_S)
    sounding = session.sounding()
    assert sounding
    assert not [event for event in session.generate(AT_S - STEP_S) if event.kind == "on"]
    ended = session.generate(AT_S)
    assert [event.pitch for event in ended] == sounding
    assert all(event.kind == "off" for event in ended)
    assert events


@pytest.mark.parametrize("round_s", [0.05, 0.13, 0.5])
def test_the_ending_does_not_depend_on_the_rounds_that_it_is_asked_for_in(
    checkpoint: Checkpoint, round_s: float
) -> None:
    whole, parts = make_session(checkpoint), make_session(checkpoint)
    whole.bring_home(AT_S, HOLD_S)
    parts.bring_home(AT_S, HOLD_S)
    events = [event for until in np.arange(round_s, 7.0, round_s) for event in parts.generate(float(until))]
    assert events == [event for event in whole.generate(7.0) if event.time_s <= parts.time_s]


def test_the_ending_does_not_depend_on_stopping_at_its_strikes(checkpoint: Checkpoint) -> None:
    whole, parts = make_session(checkpoint), make_session(checkpoint)
    whole.bring_home(AT_S, HOLD_S)
    parts.bring_home(AT_S, HOLD_S)
    pieces = []
    while parts.time_s < 7.0:
        pieces.append(parts.generate(7.0, to_strike=True))
    strikes = [{event.time_s for event in piece if event.kind == "on"} for piece in pieces]
    assert max(map(len, strikes)) == 1
    assert [event for piece in pieces for event in piece] == whole.generate(7.0)


@pytest.mark.parametrize("to_s", [2.0, 3.9, 3.94, 3.97, 4.0, 4.01, 4.5, 5.99, 6.0, 6.5])
def test_an_ending_rolled_back_comes_again(checkpoint: Checkpoint, to_s: float) -> None:
    session, other = make_session(checkpoint), make_session(checkpoint)
    for each in (session, other):
        each.bring_home(AT_S, HOLD_S)
    first = session.generate(6.8)
    session.rollback(to_s)
    assert session.time_s == pytest.approx(to_s)
    again = session.generate(6.8)
    assert [event for event in first if event.time_s <= to_s + 1e-9] + again == first
    assert other.generate(6.8) == first


def test_a_chord_that_changes_before_the_end_is_the_one_that_is_reached(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.bring_home(AT_S, HOLD_S)
    session.generate(5.0)
    session.rollback(3.0)
    session.set_chords([(4.0, parse_chord("Abmaj7"))], from_s=3.5)
    events = held(session.generate(7.0))
    assert min(event.pitch for event in events) % 12 == 8
    asked = make_session(checkpoint)
    asked.bring_home(AT_S, HOLD_S, parse_chord("F6/C"))
    assert min(event.pitch for event in held(asked.generate(7.0))) % 12 == 0


def test_limits_hold_to_the_last_chord(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint, register_low=55, register_high=79, polyphony=3, scale="C major pentatonic")
    session.bring_home(AT_S, HOLD_S)
    chord = held(session.generate(7.0))
    assert len(chord) == 3
    assert all(55 <= event.pitch <= 79 and event.pitch % 12 in (0, 4, 7) for event in chord)


def test_home_can_be_called_off_and_the_music_goes_on_from_the_rest(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.bring_home(AT_S, HOLD_S)
    session.generate(8.0)
    session.bring_home(None)
    events = session.generate(16.0)
    assert events
    assert min(event.time_s for event in events) >= 8.0
    plain, called_off = make_session(checkpoint), make_session(checkpoint)
    called_off.bring_home(AT_S, HOLD_S)
    called_off.bring_home(None)
    assert called_off.generate(7.0) == plain.generate(7.0)


def test_without_a_chord_it_lets_go_and_rests(checkpoint: Checkpoint) -> None:
    session = Session(checkpoint, 1)
    session.bring_home(AT_S, HOLD_S)
    events = session.generate(8.0)
    assert not held(events)
    assert session.sounding() == []


def test_an_ending_that_is_refused_leaves_the_one_before_it(checkpoint: Checkpoint) -> None:
    asked_twice, asked_once = make_session(checkpoint), make_session(checkpoint)
    for session in (asked_twice, asked_once):
        session.bring_home(AT_S, HOLD_S)
        session.generate(2.0)
    for at_s, hold_s in ((1.0, 2.0), (3.0, 0.0)):
        with pytest.raises(ValueError, match="must lie ahead"):
            asked_twice.bring_home(at_s, hold_s)
    events = asked_twice.generate(8.0)
    assert events == asked_once.generate(8.0)
    assert held(events)


def test_home_lies_ahead(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.generate(5.0)
    for at_s, hold_s in ((4.0, 2.0), (5.0, 2.0), (6.0, 0.0)):
        with pytest.raises(ValueError, match="must lie ahead of 5 s"):
            session.bring_home(at_s, hold_s)
