"""The draw leans towards what is asked and missing, and nothing changes where nothing is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from engine.inference.draw.steering import NO_TARGETS, STEERING, Heard, listen, steer, targets_of
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.model.controls import MEASURED
from engine.vocabulary import NOTE_OFF, NOTE_ON, STEP_S, TIME_SHIFT, VELOCITY

LOGITS = np.random.default_rng(0).normal(size=400).astype(np.float32)
STRIKES, ENDS, VELOCITIES = (slice(first, first + 128) for first in (NOTE_ON, NOTE_OFF, VELOCITY))
HEARD = Heard(
    STEERING.window_steps, strikes=16, velocities=16 * 66, pitches=16 * 60, bass=4, sounding_steps=800,
    struck_now=True, velocity=66,
)  # fmt: skip
AS_HEARD = {"density": 4.0, "loudness": 66.0, "register": 60.0, "thickness": 2.0, "bass": 1.0}


def moved(temperature: float = 0.8, **targets: float) -> np.ndarray:
    """What is added to each logit."""
    return np.asarray(steer(LOGITS, HEARD, targets_of(targets), temperature) - LOGITS)


@pytest.mark.parametrize("name", MEASURED)
def test_what_sounds_as_asked_is_left_alone(name: str) -> None:
    np.testing.assert_allclose(moved(**{name: AS_HEARD[name]}), 0, atol=1e-6)


def test_nothing_asked_changes_nothing() -> None:
    assert np.array_equal(steer(LOGITS, HEARD, NO_TARGETS, 0.8), LOGITS)


def test_more_notes_are_likelier_strikes_after_shorter_waits() -> None:
    more = moved(density=12.0)
    assert (more[STRIKES] > 0).all()
    waits = more[TIME_SHIFT : TIME_SHIFT + 100]
    assert (np.diff(waits) < 0).all()
    assert (moved(density=1.0)[STRIKES] < 0).all()


def test_thicker_is_later_ends_and_larger_chords() -> None:
    more = moved(thickness=4.0)
    assert (more[ENDS] < 0).all()
    assert (more[STRIKES] > 0).all()
    line = steer(LOGITS, Heard(**{**HEARD.__dict__, "struck_now": False}), targets_of({"thickness": 4.0}), 0.8)
    assert np.array_equal(line[STRIKES], LOGITS[STRIKES])  # a line stays as dense as it is


def test_more_bass_is_below_a3_alone() -> None:
    more = moved(bass=4.0)[STRIKES]
    assert (more[:57] > 0).all()
    assert not more[57:].any()


@pytest.mark.parametrize(("name", "part"), [("register", STRIKES), ("loudness", slice(VELOCITY, VELOCITY + 32))])
def test_higher_and_louder_rise_with_pitch_and_velocity(name: str, part: slice) -> None:
    assert (np.diff(moved(**{name: AS_HEARD[name] + 12})[part]) >= 0).all()
    assert (np.diff(moved(**{name: AS_HEARD[name] - 12})[part]) <= 0).all()


@pytest.mark.parametrize("name", MEASURED)
def test_moves_of_pitch_are_worth_the_same_at_every_temperature(name: str) -> None:
    """The temperature divides the choice of a pitch, not that of velocity and time (keep_timing)."""
    wanted = {name: AS_HEARD[name] * 1.5}
    cool, warm = moved(0.4, **wanted), moved(1.6, **wanted)
    warmer = 4.0 if name in ("register", "bass") else 1.0
    np.testing.assert_allclose(warm, warmer * cool, rtol=1e-3, atol=1e-5)


def test_no_move_is_beyond_its_bound() -> None:
    silence = Heard(STEERING.window_steps, 0, 0, 0, 0, 0, False, -1)
    asked = targets_of({"density": 1e9, "loudness": 127, "register": 127, "thickness": 1e9, "bass": 1e9})
    assert np.isfinite(steer(LOGITS, silence, asked, 0.8)).all()


class Token(NamedTuple):
    token: int
    step: int
    velocity: int


def test_the_window_hears_what_sounds_in_it_and_no_more() -> None:
    past = [
        Token(NOTE_ON + 72, 50, 16),  # struck before the window, sounds in all of it
        Token(NOTE_ON + 40, 500, 16),
        Token(NOTE_OFF + 40, 600, 16),
        Token(NOTE_ON + 60, 800, 20),
    ]
    heard = listen(reversed(past), 800, sounding=2)
    assert heard == Heard(400, 2, 66 + 82, 100, 1, 400 + 100, True, 82)


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return load_checkpoint()


@pytest.mark.parametrize(("name", "factor"), [("density", 2.0), ("thickness", 1.5), ("bass", 2.0)])
def test_a_knob_that_is_turned_is_heard(base: Checkpoint, name: str, factor: float) -> None:
    """Eight seconds at 0.2 and eight at 0.9, over one chord: what is asked for is what there is more of."""
    session = Session(base, seed=3)
    session.set_tempo(120.0)
    sums = []
    for value in (0.2, 0.9):
        session.set_params(**{name: value})
        session.generate(session.time_s + 2.0)
        begun = session.time_s
        events = session.generate(begun + 8.0)
        struck = [event for event in events if event.kind == "on"]
        total = {"density": len(struck), "bass": sum(event.pitch < 57 for event in struck), "thickness": 0}
        sums.append(total[name] if name != "thickness" else thickness(session, begun))
    assert sums[1] >= factor * sums[0]


def thickness(session: Session, since_s: float) -> float:
    """Notes sounding, averaged from a moment on, found by going back to each."""
    until_s, counts = session.time_s, []
    for step in range(round((until_s - since_s) / STEP_S), 0, -10):
        session.rollback(since_s + step * STEP_S)
        counts.append(len(session.sounding()))
    session.generate(until_s)
    return float(np.mean(counts))
