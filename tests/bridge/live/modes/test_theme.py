"""A round of a chart is like the one before as far as the knob `theme` says, whatever is taken back on the way."""

from __future__ import annotations

import random

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.chords.charts.form import Form, Return
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.support.live.world import START_US, World

ROUND_US = 8_000_000  # four bars at 120
FIRST_US = START_US + 5_000  # a chart starts 5 ms after it was asked for
NEAR_US = 60_000


def playing(chart: str, *, shipped: bool = False) -> World:
    loaded = load_checkpoint(None) if shipped else None
    make = None if loaded is None else lambda seed: Session(loaded, seed)
    world = World(decode_us=lambda: 500, options=SessionOptions(seed=1), make_session=make)
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart(chart))
    return world


def returned(world: World, number: int) -> float:
    """The share of the first round's strikes that a later round has at their moment."""
    first = [(at_us, pitch) for at_us, pitch in world.onsets() if at_us < FIRST_US + ROUND_US]
    later = [(at_us - number * ROUND_US, pitch) for at_us, pitch in world.onsets()]
    found = [any(key == pitch and abs(moment - at_us) < NEAR_US for moment, key in later) for at_us, pitch in first]
    assert len(first) > 10
    return sum(found) / len(found)


def test_a_stream_is_told_what_comes_back_in_its_chart() -> None:
    world = playing("Dm7 | G7 | Cmaj7 | A7 | Dm7 | G7 | Cmaj7 | A7")
    world.run(1.0)
    assert world.sessions[0].form == Form((Return(16.0, 32.0, 0.0, 0),), 32.0)


@pytest.mark.parametrize(("theme", "least", "most"), [(0.0, 0.0, 0.5), (1.0, 0.6, 1.0)])
def test_rounds_are_alike_as_far_as_the_knob_says(theme: float, least: float, most: float) -> None:
    """A knob that is turned makes the sideman take music back and play it anew; the theme stays what it was."""
    world = playing("Dm7 | G7 | Cmaj7 | A7", shipped=True)
    world.turn("theme", theme)
    draw = random.Random(3)
    while world.now_us < FIRST_US + 3 * ROUND_US:
        world.run(draw.uniform(0.2, 1.5))
        world.turn("temperature", draw.uniform(0.7, 0.9))
    for number in (1, 2):
        assert least <= returned(world, number) <= most


def test_at_0_the_theme_is_forgotten_and_the_next_round_is_the_head() -> None:
    world = playing("Dm7 | G7 | Cmaj7 | A7", shipped=True)
    world.turn("theme", 1.0)
    world.run(1.4 * ROUND_US / 1e6)
    world.turn("theme", 0.0)
    world.run(0.4 * ROUND_US / 1e6)
    world.turn("theme", 1.0)
    world.run(1.4 * ROUND_US / 1e6)
    assert returned(world, 2) < 0.5
