"""Both hands of a solo are there live, too: whichever stays away for two bars is called at a bar line."""

from __future__ import annotations

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.inference.reach import LEFT_TOP
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from tests.bridge.live.rounds.test_rounds import bar, errors
from tests.support.live.world import World

CHART = "Dm7 | G7 | Cmaj7 | A7"
BAR_S = 2.0  # at 120


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


def world(**asked: str | float) -> World:
    """A pianist who never strikes below C4 unless his left hand is called."""
    world = World(decode_us=lambda: 500)
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart(CHART))
    for name, value in asked.items():
        world.turn(name, value)
    return world


def bars_with_left(world: World, count: int = 12) -> list[int]:
    world.run(count * BAR_S)
    assert not errors(world)
    return [number for number in range(count) if any(pitch <= LEFT_TOP for _, pitch, _ in bar(world, number))]


def test_the_left_hand_begins_and_comes_back_every_third_bar() -> None:
    assert bars_with_left(world()) == [0, 3, 6, 9]


@pytest.mark.parametrize("asked", [{"role": "right"}, {"role": "comping"}, {"bass": 0.2}, {"mode": "comp"}])
def test_no_hand_is_called_where_the_player_has_asked_otherwise(asked: dict[str, str | float]) -> None:
    assert bars_with_left(world(**asked)) == []


def test_a_solo_that_is_asked_for_in_mid_music_has_its_left_hand_from_the_next_bar_line_on() -> None:
    turned = world(role="right")
    turned.run(4.3 * BAR_S)
    turned.turn("role", "solo")
    turned.run(8 * BAR_S)
    called = [number for number in range(12) if any(pitch <= LEFT_TOP for _, pitch, _ in bar(turned, number))]
    assert called
    assert called[0] in (5, 6)


def test_what_is_taken_back_and_made_anew_calls_the_same_hands() -> None:
    """Knobs that say what they said before make everything ready anew."""
    quiet, turned = world(), world()
    quiet.run(10 * BAR_S)
    for step in range(50):
        turned.turn("temperature", 0.8 if step % 2 else 0.81)
        turned.run(BAR_S / 5)
    assert not errors(turned)
    for number in range(9):
        left = [any(pitch <= LEFT_TOP for _, pitch, _ in bar(each, number)) for each in (quiet, turned)]
        assert left[0] == left[1], number


def test_with_the_shipped_base_neither_hand_stays_away_for_four_bars(shipped: Checkpoint) -> None:
    """A called hand may rest again, but not from phrase to phrase; in each of four sessions."""
    for seed in range(4):
        live = World(make_session=lambda seed: Session(shipped, seed), options=SessionOptions(seed=seed))
        live.live.set_tempo(120.0)
        live.live.set_chart(parse_chart(CHART))
        live.run(16 * BAR_S)
        bars = [[pitch for _, pitch, _ in bar(live, number)] for number in range(15)]
        for first in range(12):
            heard = [pitch for played in bars[first : first + 4] for pitch in played]
            assert min(heard) <= LEFT_TOP + 4, (seed, first)
            assert max(heard) >= 64, (seed, first)
        assert not errors(live)
