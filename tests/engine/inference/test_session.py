"""Laws of a stream: playable, reproducible, exactly reversible."""

from __future__ import annotations

import _thread
import threading
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import native
from engine.chords import Chord, parse_chord
from engine.errors import SidemanError
from engine.inference import asked_stream
from engine.inference.backends import compiled_advice
from engine.inference.session import Session
from engine.inference.stream import Stream
from engine.inference.stream_rules import MAX_NOTE_STEPS, RESTRIKE_STEPS
from engine.inference.streams import ROLLBACK_TOKENS, make_stream
from engine.model.checkpoint import Checkpoint
from engine.notes import NoteEvent
from osc_protocol.table.parameters import ParameterError
from tests.support.tiny_model import make_checkpoint, make_model

CHORDS: list[tuple[float, Chord | None]] = [
    (0.0, parse_chord("Dm7")),
    (1.0, parse_chord("G7")),
    (2.0, parse_chord("Cmaj7")),
    (3.0, None),
]


COMPILED = pytest.mark.skipif(native.VARIANT == "python", reason="native._core was not built, or SIDEMAN_NATIVE=off")


@pytest.fixture(autouse=True, params=[pytest.param("native", marks=COMPILED), "numpy"])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every law holds for the compiled loop and for the one in Python."""
    backend: str = request.param
    monkeypatch.setattr(asked_stream, "make_stream", lambda checkpoint, seed, _: make_stream(checkpoint, seed, backend))
    return backend


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """Random weights, tuned to be musical enough for laws: waits and notes come about as often as in music."""
    model = make_model()
    weight = model.state_dict()["head.weight"]
    weight *= 0.1
    return make_checkpoint(model)


def make_session(checkpoint: Checkpoint, seed: int = 1) -> Session:
    session = Session(checkpoint, seed)
    session.set_tempo(120)
    session.set_chords(CHORDS)
    return session


def assert_playable(events: list[NoteEvent], sounding: set[int] | None = None) -> set[int]:
    """Times rise, no pitch starts twice or ends silent; returns what still sounds."""
    sounding = set() if sounding is None else set(sounding)
    times = [event.time_s for event in events]
    assert times == sorted(times)
    for event in events:
        if event.kind == "on":
            assert event.pitch not in sounding
            assert 1 <= event.velocity <= 127
            sounding.add(event.pitch)
        else:
            sounding.remove(event.pitch)
    return sounding


def test_every_stream_is_playable_and_ends_every_note(checkpoint: Checkpoint) -> None:
    for seed in range(20):
        session = make_session(checkpoint, seed)
        events = session.generate(4.0)
        assert any(event.kind == "on" for event in events)
        assert events[-1].time_s <= 4.0
        assert session.time_s == 4.0
        assert assert_playable(events + session.end()) == set()
        assert session.sounding() == []


def test_the_same_seed_gives_the_same_events_and_another_seed_others(checkpoint: Checkpoint) -> None:
    first, again, other = (make_session(checkpoint, seed).generate(3.0) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@given(cuts=st.lists(st.integers(1, 300), max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_music_does_not_depend_on_how_often_it_is_asked_for(checkpoint: Checkpoint, cuts: list[int]) -> None:
    whole = make_session(checkpoint).generate(3.0)
    session = make_session(checkpoint)
    assert [event for cut in [*sorted(cuts), 300] for event in session.generate(cut / 100)] == whole


def test_the_music_does_not_depend_on_stopping_at_its_strikes(checkpoint: Checkpoint) -> None:
    whole, session = make_session(checkpoint).generate(3.0), make_session(checkpoint)
    pieces = []
    while session.time_s < 3.0:
        pieces.append(session.generate(3.0, to_strike=True))
        assert [event.kind for event in pieces[-1]].count("on") <= 1
        assert session.time_s == 3.0 or pieces[-1][-1].kind == "on"
    pieces.append(session.generate(3.0))
    assert [event for piece in pieces for event in piece] == whole


@given(ahead=st.integers(0, 200), back=st.integers(0, 200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rollback_equals_never_having_gone_ahead(checkpoint: Checkpoint, ahead: int, back: int) -> None:
    straight, detour = make_session(checkpoint), make_session(checkpoint)
    at = round(1.0 + max(0, ahead - back) / 100, 2)
    head = straight.generate(at)
    everything = detour.generate(1.0 + ahead / 100)
    detour.rollback(at) if ahead > back else detour.rollback(1.0)
    assert [event for event in everything if round(event.time_s, 2) <= at] == head
    assert detour.time_s == straight.time_s
    assert detour.sounding() == straight.sounding()
    assert detour.generate(4.0) == straight.generate(4.0)


def test_a_change_after_a_rollback_starts_at_its_moment_and_stays_playable(checkpoint: Checkpoint) -> None:
    rng = np.random.default_rng(0)
    for seed in range(10):
        session = make_session(checkpoint, seed)
        played: list[NoteEvent] = []
        now = 0.0
        for _ in range(15):
            played += session.generate(now + 1.0)
            now = round(now + float(rng.integers(1, 90)) / 100, 2)
            session.rollback(now)
            played = [event for event in played if round(event.time_s, 2) <= now]
            change = rng.integers(3)
            if change == 0:
                session.set_params(temperature=float(rng.uniform(0.1, 2)), top_p=float(rng.uniform(0.1, 1)))
            elif change == 1:
                session.set_chords([(now, parse_chord("Ebm7b5"))], from_s=now)
            else:
                session.set_tempo(float(rng.uniform(60, 200)), 3, now)
            new = session.generate(now + 0.5)
            assert all(round(event.time_s, 2) >= now for event in new)
            played += new
            assert assert_playable(played) == set(session.sounding())
        assert assert_playable(played + session.end()) == set()


def test_a_chord_at_the_present_is_seen_by_the_next_token(checkpoint: Checkpoint) -> None:
    """Two streams that part only in a chord set at the present have different next distributions at once."""
    one, two = make_session(checkpoint), make_session(checkpoint)
    for session, symbol in ((one, "F#7"), (two, "Bbm")):
        session.set_params(chord_strength=1.2)
        session.generate(1.5)
        session.set_chords([(1.5, parse_chord(symbol))], from_s=1.5)
    assert not np.allclose(one._stream.logits()[0], two._stream.logits()[0])
    np.testing.assert_allclose(one._stream.logits()[1], two._stream.logits()[1])  # the stream without chords


def test_a_chord_from_before_the_stream_is_there_from_its_beginning_on(checkpoint: Checkpoint) -> None:
    early, at_once = Session(checkpoint, 3), Session(checkpoint, 3)
    early.set_chords([(-1.0, parse_chord("F#7")), (-0.5, parse_chord("C")), (0.5, parse_chord("G7"))], -1.0)
    at_once.set_chords([(0.0, parse_chord("C")), (0.5, parse_chord("G7"))])
    for session in (early, at_once):
        session.set_chords([(1.0, parse_chord("Bbm"))], 1.0)
    assert early.generate(2.0) == at_once.generate(2.0)


def test_chords_that_do_not_rise_are_refused_and_change_nothing(checkpoint: Checkpoint) -> None:
    tried, left = make_session(checkpoint), make_session(checkpoint)
    with pytest.raises(ValueError, match="must rise"):
        tried.set_chords([(2.0, parse_chord("F#7")), (1.0, parse_chord("C"))], 0.5)
    for session in (tried, left):
        session.set_chords([(1.5, parse_chord("Bbm"))], 1.5)
    assert tried.generate(3.0) == left.generate(3.0)


def test_a_seed_of_numpys_is_the_same_seed(checkpoint: Checkpoint) -> None:
    expected = make_session(checkpoint, 7).generate(2.0)
    assert make_session(checkpoint, np.int64(7)).generate(2.0) == expected  # type: ignore[arg-type]
    assert make_session(checkpoint, np.uint8(7)).fork().generate(2.0) == expected  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        make_session(checkpoint, 7.0)  # type: ignore[arg-type]


def test_a_bank_kept_in_a_rest_waits_and_goes_back_to_where_it_was_kept(checkpoint: Checkpoint) -> None:
    """A chord that acts at once in a rest leaves a wait at the stream's end, which the forks share."""
    session = make_session(checkpoint)
    session.generate(1.0)
    session.end()
    session.set_params(register_low=108, register_high=21)
    session.generate(1.37)
    session.set_chords([(1.37, parse_chord("Bbm"))], 1.37)
    assert session.generate(1.5) == []
    bank = session.fork()
    for _ in range(2):
        fork = bank.fork()
        fork.wait(2.0)
        assert (fork.time_s, fork.sounding()) == (2.0, [])
        fork = bank.fork()
        fork.set_params(register_low=21, register_high=108)
        events = fork.generate(3.0)
        fork.rollback(1.5)
        assert fork.time_s == 1.5
        assert fork.generate(3.0) == [event for event in events if event.time_s > 1.5] != []


def test_chord_strength_zero_ignores_the_chords(checkpoint: Checkpoint) -> None:
    one, two = Session(checkpoint, 3), Session(checkpoint, 3)
    one.set_chords([(0.0, parse_chord("F#7"))])
    two.set_chords([(0.0, parse_chord("C"))])
    assert one._stream.logits()[0].tolist() != two._stream.logits()[0].tolist()
    for session in (one, two):
        session.set_params(chord_strength=0.0)
    assert one.generate(2.0) == two.generate(2.0)


def test_guidance_asked_before_the_first_note_is_as_if_it_had_always_been_there(checkpoint: Checkpoint) -> None:
    asked, always = Session(checkpoint, 3), Session(checkpoint, 3)
    always._decoder.guide()
    for session in (asked, always):
        session.set_chords([(0.0, parse_chord("F#7"))])
        session.set_params(chord_strength=2.0)
    assert asked.generate(3.0) == always.generate(3.0)


def test_guidance_that_was_turned_on_and_off_changes_no_note(checkpoint: Checkpoint) -> None:
    turned, left = Session(checkpoint, 3), Session(checkpoint, 3)
    for session in (turned, left):
        session.set_chords([(0.0, parse_chord("F#7"))])
        session.generate(2.0)
    early = turned.fork()
    early.set_params(chord_strength=2.0)
    turned.set_params(chord_strength=2.0)
    late = turned.fork()
    turned.set_params(chord_strength=1.0)
    left.set_params(chord_strength=1.0)
    assert turned.generate(4.0) == left.generate(4.0)
    for fork in (early, late):
        assert fork.generate(4.0)
        assert not np.allclose(*fork._stream.logits())
    assert (left._stream.logits()[0] == left._stream.logits()[1]).all()
    assert not np.allclose(*turned._stream.logits())


def test_register_scale_and_polyphony_hold(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.set_params(register_low=60, register_high=72, scale="D dorian", polyphony=2)
    events = session.generate(6.0)
    struck = [event.pitch for event in events if event.kind == "on"]
    assert struck
    assert all(60 <= pitch <= 72 and pitch % 12 in {0, 2, 4, 5, 7, 9, 11} for pitch in struck)
    sounding = 0
    for event in events:
        sounding += 1 if event.kind == "on" else -1
        assert sounding <= 2


def test_velocity_scales_what_is_played(checkpoint: Checkpoint) -> None:
    means = []
    for velocity in (0.5, 1.0):
        session = make_session(checkpoint)
        session.set_params(velocity=velocity)
        means.append(np.mean([event.velocity for event in session.generate(3.0) if event.kind == "on"]))
    assert means[0] == pytest.approx(means[1] / 2, rel=0.1)


def test_no_note_is_forgotten_for_longer_than_the_limit(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    onsets: dict[int, float] = {}
    for event in session.generate(40.0):
        if event.kind == "on":
            onsets[event.pitch] = event.time_s
        else:
            assert event.time_s - onsets[event.pitch] <= MAX_NOTE_STEPS / 100 + 1.0  # the longest wait is one second


def test_no_key_is_struck_faster_than_a_hand_can(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.set_params(register_low=60, register_high=67)
    last: dict[int, float] = {}
    events = session.generate(20.0)
    assert sum(event.kind == "on" for event in events) > 20
    for event in events:
        if event.kind == "on":
            assert event.time_s - last.get(event.pitch, -1.0) >= RESTRIKE_STEPS / 100 - 1e-9
            last[event.pitch] = event.time_s


def test_a_register_of_one_key_still_plays(checkpoint: Checkpoint) -> None:
    """Where no other key may be struck, the limit on repetition gives way: the stream must go on."""
    session = make_session(checkpoint)
    session.set_params(register_low=60, register_high=60)
    events = session.generate(3.0)
    assert {event.pitch for event in events} == {60}
    assert assert_playable(events + session.end()) == set()


def test_fed_events_are_part_of_the_stream(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    session.feed([NoteEvent(0.0, "on", 60, 80), NoteEvent(0.25, "on", 64, 90), NoteEvent(0.5, "off", 60, 0)])
    assert session.time_s == 0.5
    assert session.sounding() == [64]
    assert assert_playable(session.generate(2.0) + session.end(), {64}) == set()
    session.rollback(0.25)
    assert session.sounding() == [60, 64]


def test_ctrl_c_is_heard_while_music_is_fed(checkpoint: Checkpoint, backend: str) -> None:
    """In the compiled stream what was read up to there has happened, and the rest can be fed after it."""
    stream = make_session(checkpoint)._stream
    events = [(10 * (i // 2), 48 + 5 * (i // 2) % 31, -1 if i % 2 else 7 * i % 32) for i in range(60_000)]
    fed_to_the_end = False

    def feed() -> None:
        nonlocal fed_to_the_end
        threading.Timer(0.2, _thread.interrupt_main).start()
        stream.feed(events)
        fed_to_the_end = True
        time.sleep(1.0)  # so that what was not heard comes here

    with pytest.raises(KeyboardInterrupt):
        feed()
    assert not fed_to_the_end
    if backend == "native":
        reached = stream.step
        assert 0 < reached < events[-1][0]
        rest = [event for event in events if reached < event[0] < reached + 500]
        stream.feed(rest)
        assert stream.step == rest[-1][0]
        assert {pitch for _, pitch, velocity in stream.generate(stream.step + 200) if velocity >= 0}


def test_an_hour_needs_no_more_memory_than_a_minute(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    while session._stream.length < 12_000:
        session.generate(session.time_s + 1.0)
    if isinstance(session._stream, Stream):  # the compiled one keeps a ring
        assert len(session._stream._past.tokens) < 4 * ROLLBACK_TOKENS
    session.rollback(session.time_s - 0.5)


def test_a_knob_that_opens_what_was_shut_leaves_the_stream_playable(checkpoint: Checkpoint) -> None:
    """Nothing could be struck, so waits followed waits; with notes open the rest of the last one is still waited."""
    for seed in range(5):
        session = make_session(checkpoint, seed)
        session.set_params(register_low=100, register_high=20)
        for now in (0.33, 0.7, 1.11, 1.5):
            assert session.generate(now) == []
        session.set_params(register_low=40, register_high=80)
        events = session.generate(6.0)
        assert all(event.time_s >= 1.5 for event in events)
        assert assert_playable(events + session.end()) == set()


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"temperature": 3.0}, ParameterError, "0.05"),
        ({"temprature": 1.0}, ParameterError, "temperature"),
        ({"scale": "X dorian"}, SidemanError, "no root"),
        ({"scale": "D dorain"}, SidemanError, "'dorian'"),
    ],
)
def test_a_bad_parameter_is_refused_in_one_line_and_changes_nothing(
    checkpoint: Checkpoint, params: dict[str, object], error: type[Exception], text: str
) -> None:
    session = make_session(checkpoint)
    with pytest.raises(error, match=text) as caught:
        session.set_params(**params)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert session.generate(2.0) == make_session(checkpoint).generate(2.0)


def test_rollback_beyond_memory_is_refused(checkpoint: Checkpoint) -> None:
    session = make_session(checkpoint)
    while session._stream.length < 12_000:
        session.generate(session.time_s + 1.0)
    with pytest.raises(ValueError, match="roll back"):
        session.rollback(0.0)


@pytest.mark.parametrize(
    ("variant", "wish", "said"), [("compiled", "auto", False), ("python", "auto", True), ("python", "off", False)]
)
def test_a_missing_compiled_part_is_said_in_one_line(
    variant: str, wish: str, said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("native.VARIANT", variant)
    monkeypatch.setenv("SIDEMAN_NATIVE", wish)
    assert ("the compiled part is not here" in compiled_advice()) == said
    assert "\n" not in compiled_advice()
