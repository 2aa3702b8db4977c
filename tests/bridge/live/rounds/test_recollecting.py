"""A role, groove or left hand that is turned while music plays is taken up at a bar line, after it was recalled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bridge.live.options import SessionOptions
from bridge.live.rounds import recollecting
from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.notes import NoteEvent
from tests.bridge.live.rounds.test_rounds import FIRST_US, bar, errors
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, World

CHART = "Dm7 | G7 | Cmaj7 | A7"
BAR_S = 2.0  # at 120
STRIDE = ("left_hand", "stride")


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


class Fed(Session):
    """Writes down what it and its forks are fed."""

    fed: list[tuple[float, int]]  # (time of the last event, number of events) of each call, shared with forks

    def feed(self, events: Sequence[NoteEvent]) -> None:
        if events:
            self.fed.append((events[-1].time_s, len(events)))
        super().feed(events)


def playing(
    shipped: Checkpoint, seed: int = 1, *, before: tuple[str, str] | None = None, tempo_bpm: float = 120.0
) -> tuple[World, list[tuple[float, int]]]:
    fed: list[tuple[float, int]] = []

    def make(seed: int) -> Session:
        session = Fed(shipped, seed)
        session.fed = fed
        return session

    world = World(make_session=make, options=SessionOptions(seed=seed))
    world.live.set_tempo(tempo_bpm)
    if before is not None:
        world.turn(*before)
    world.live.set_chart(parse_chart(CHART))
    return world, fed


def basses(world: World, first_bar: int, bars: int) -> np.ndarray:
    """Where in the bar, in beats, low notes are struck."""
    struck = [note for number in range(first_bar, first_bar + bars) for note in bar(world, number)]
    return np.array([round(at / 100 / 0.5 * 4) / 4 for at, pitch, _ in struck if pitch < 46])


def assert_strides(world: World, first_bar: int, bars: int) -> None:
    """Low notes are there, and stand on one and three."""
    low = basses(world, first_bar, bars)
    assert len(low) >= 6
    assert np.isin(low % 4, (0, 2)).mean() > 0.7


def test_a_stride_turned_on_takes_over_at_a_bar_line_and_its_basses_stand_on_one_and_three(shipped: Checkpoint) -> None:
    """In two bars at the latest, in each of three sessions; until then the music is what it would have been."""
    for seed in range(3):
        (world, fed), (alone, _) = playing(shipped, seed), playing(shipped, seed)
        for each in (world, alone):
            each.run(4 * BAR_S)
        world.turn(*STRIDE)
        world.run(8 * BAR_S)
        assert not errors(world)
        assert world.live.skipped == 0
        alone.run(BAR_S)
        assert [bar(world, number) for number in range(4)] == [bar(alone, number) for number in range(4)]
        assert sum(count for _, count in fed) > 30
        assert_strides(world, 6, 5)


@pytest.mark.parametrize("asked", [STRIDE, ("role", "right"), ("role", "comping")])
def test_its_first_note_falls_on_the_bar_line_where_it_takes_over(asked: tuple[str, str], shipped: Checkpoint) -> None:
    """Not where the streams change, a little before, and not a bar later."""
    for seed in range(3):
        world, _ = playing(shipped, seed)
        world.run(4.2 * BAR_S)
        before = world.live._ahead.improviser
        world.turn(*asked)
        while world.live._ahead.improviser is before:
            world.run(0.02)
        changes_us = world.live._ahead.handed_over_us
        bars = round((changes_us - FIRST_US) / 1e6 / BAR_S)
        assert bars in (5, 6)
        line_us = FIRST_US + round(bars * BAR_S * 1e6)
        world.run(2 * BAR_S)
        strikes_us = [due_us for _, due_us, status, _, _ in world.sent if status == 0x90]
        first_us = next(due_us for due_us in strikes_us if due_us > changes_us - 1_000)
        assert abs(first_us - line_us) <= 10_000
        assert not errors(world)


@pytest.mark.parametrize("role", ["left", "right"])
def test_until_it_takes_over_the_hands_stay_where_auto_had_them(role: str, shipped: Checkpoint) -> None:
    """Pulled to a register at once, the music before went down to C1 or up to C8 to bring its mean there."""
    world, _ = playing(shipped)
    world.run(4.2 * BAR_S)
    before, asked = world.live._ahead.improviser, world.live.asked["register"]
    world.turn("role", role)
    while world.live._ahead.improviser is before:
        assert world.live.asked["register"] == asked
        world.run(0.02)
    world.run(0.5)
    assert world.live.asked["register"] != asked
    assert world.live.asked["role"] == role


def test_a_round_feeds_a_few_events_beside_the_music(shipped: Checkpoint) -> None:
    world, fed = playing(shipped)
    world.run(2 * BAR_S)
    assert not fed
    world.turn(*STRIDE)
    world.run(3 * BAR_S)
    assert max(count for _, count in fed) <= recollecting.EVENTS_A_ROUND


def test_asked_before_the_first_note_it_is_there_from_the_first_bar_on(shipped: Checkpoint) -> None:
    world, fed = playing(shipped, before=STRIDE)
    world.run(6 * BAR_S)
    assert len(fed) == 1
    first_us = world.onsets()[0][0]
    assert first_us < FIRST_US + 1_000_000
    assert_strides(world, 0, 6)


def test_at_defaults_nothing_is_recalled_and_what_was_asked_already_is_not_recalled_again(shipped: Checkpoint) -> None:
    world, fed = playing(shipped)
    world.run(2 * BAR_S)
    world.turn("density", 0.8)
    world.turn("left_hand", "auto")
    world.run(2 * BAR_S)
    assert not fed
    world.turn(*STRIDE)
    world.run(3 * BAR_S)
    calls = len(fed)
    assert calls
    world.turn(*STRIDE)
    world.turn("temperature", 0.9)
    world.run(2 * BAR_S)
    assert len(fed) == calls


@pytest.mark.parametrize("then", [("left_hand", "auto"), ("left_hand", "walk"), ("manner", "rolls")])
def test_whatever_is_turned_meanwhile_the_last_word_counts_and_no_note_hangs(
    then: tuple[str, str], shipped: Checkpoint
) -> None:
    for pause_s in (0.05, 0.6, 1.5):
        world, _ = playing(shipped)
        world.run(3.3)
        world.turn(*STRIDE)
        world.run(pause_s)
        world.turn(*then)
        world.run(4 * BAR_S)
        assert world.live.asked[then[0]] == (then[1] if then[1] != "auto" else world.live.asked[then[0]])
        assert world.onsets(world.now_us - 2_000_000)
        assert not errors(world)
        world.live.stop()
        world.run(0.1)
        assert not world.sounding


def test_a_bank_called_up_meanwhile_takes_over_with_its_own_past(shipped: Checkpoint) -> None:
    for pause_s in (0.05, 0.7):
        world, _ = playing(shipped)
        world.run(3.0)
        world.live.store_bank("A")
        world.run(2.5)
        world.turn(*STRIDE)
        world.run(pause_s)
        world.live.recall_bank("A")
        world.run(4 * BAR_S)
        assert ("recalled", "A") in world.said
        assert world.onsets(world.now_us - 2_000_000)
        assert not errors(world)


@pytest.mark.parametrize("tempo_bpm", [117.0, 120.0])  # of 117 no bar line lies on the engine's grid
def test_turned_shortly_before_an_ending_the_music_comes_home_all_the_same(
    tempo_bpm: float, shipped: Checkpoint
) -> None:
    bar_s = 240 / tempo_bpm
    world, _ = playing(shipped, tempo_bpm=tempo_bpm)
    world.run(0.9 * bar_s)
    world.turn(*STRIDE)
    world.run(0.3 * bar_s)
    world.live.end_in(1)
    world.run(2.5 * bar_s)
    assert_home(world)


@pytest.mark.parametrize("tempo_bpm", [117.0, 120.0])
def test_turned_too_late_before_an_ending_it_takes_over_no_more(tempo_bpm: float, shipped: Checkpoint) -> None:
    bar_s = 240 / tempo_bpm
    world, _ = playing(shipped, tempo_bpm=tempo_bpm)
    world.run(1.1 * bar_s)
    world.live.end_in(1)
    world.run(0.8 * bar_s)
    world.turn(*STRIDE)
    world.run(4 * bar_s)
    assert_home(world)


def assert_home(world: World) -> None:
    assert not world.live._ahead.playing
    assert not world.sounding
    assert not errors(world)


def test_in_follow_mode_a_chord_is_answered_as_soon_as_without(shipped: Checkpoint) -> None:
    """Asked at rest, recalled at rest; the first note of the chord comes when it would have come."""

    def first_note_ms(ask: Callable[[World], None]) -> float:
        world = World(make_session=lambda seed: Session(shipped, seed), options=SessionOptions(seed=2))
        ask(world)
        world.run(1.0)
        pressed_us = world.now_us
        world.press(*D_MINOR_7)
        world.run(2.0)
        world.press(*C_MAJOR_7)
        world.run(1.0)
        assert not errors(world)
        return (world.onsets(pressed_us)[0][0] - pressed_us) / 1e3

    plain = first_note_ms(lambda world: None)
    asked = first_note_ms(lambda world: world.turn("groove", "bossa"))
    assert asked <= plain + 25  # virtual time: a round, and what the first note costs
