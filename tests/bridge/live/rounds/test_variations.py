"""A bar has up to four ways to be played: each comes back as it was made, whichever is chosen between."""

from __future__ import annotations

import random

import pytest

from bridge.errors import ModeError
from bridge.live.rounds.variations import parse_variation
from tests.bridge.live.rounds.test_rounds import BAR_US, World, bar, errors, playing
from tests.support.live.world import START_US

ROUND_S = 8.0


def to_bar(world: World, number: int, after_s: float = 1.0) -> None:
    """Plays on to a moment of a bar, counted from 0 from round to round."""
    world.run((START_US + number * BAR_US + after_s * 1e6 - world.now_us) / 1e6)


@pytest.mark.parametrize("seed", range(4))
def test_the_first_is_what_was_heard_and_each_other_one_comes_back_as_it_was_made(seed: int) -> None:
    world = playing(seed)
    made = {1: [bar(world, n) for n in (1, 2)]}
    to_bar(world, 4, 0.5)
    made[1] = [bar(world, n) for n in (1, 2)]
    for number in (2, 3, 4):
        world.live.choose_variation(f"{number} 2-3")
        to_bar(world, 4 * number, 0.5)
        made[number] = [bar(world, 4 * (number - 1) + n) for n in (1, 2)]
    assert len({str(music) for music in made.values()}) == 4, "four ways, no two alike"
    rounds = [1, 3, 2, 2, 4, 1]
    for turn, number in enumerate(rounds, start=4):
        if number != rounds[turn - 5] or turn == 4:  # the number that comes already would be made anew
            world.live.choose_variation(f"{number} 2-3")
        to_bar(world, 4 * (turn + 1), 0.5)
        assert [bar(world, 4 * turn + n) for n in (1, 2)] == made[number]
        assert bar(world, 4 * turn) != bar(world, 4 * turn - 4), "the bars around are new"
    assert errors(world) == []


def test_a_variation_that_comes_back_is_kept_round_after_round() -> None:
    world = playing(5)
    to_bar(world, 4, 0.5)
    world.live.choose_variation("2 2")
    to_bar(world, 20)
    assert bar(world, 5) == bar(world, 9) == bar(world, 13) == bar(world, 17) != bar(world, 1)


def test_the_number_that_comes_already_is_made_anew_and_undo_has_the_other_one_back() -> None:
    world = playing(6)
    to_bar(world, 4, 0.5)
    world.live.choose_variation("2 2")
    to_bar(world, 10)
    world.live.choose_variation("2 2")
    to_bar(world, 14)
    assert bar(world, 13) not in ([], bar(world, 9))
    world.live.undo()
    to_bar(world, 18)
    assert bar(world, 17) == bar(world, 9) == bar(world, 5)


def test_before_anything_was_heard_the_first_is_made_too_and_is_then_the_first() -> None:
    world = playing(7)
    world.run(0.1)
    world.live.choose_variation("1")
    to_bar(world, 13)
    for number in range(5, 13):
        assert bar(world, number) == bar(world, number - 4)
    assert errors(world) == []


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_turned_meanwhile_a_variation_that_has_been_heard_stays_as_it_was(seed: int) -> None:
    rng = random.Random(seed)
    world = playing(seed)
    to_bar(world, 4, 0.5)
    world.live.choose_variation("2 2-3")
    while world.now_us < START_US + 7 * BAR_US:  # while it is made
        world.run(rng.uniform(0.05, 0.6))
        world.turn("temperature", round(rng.uniform(0.3, 1.6), 2))
    made = [bar(world, 5), bar(world, 6)]
    to_bar(world, 8, 0.5)
    world.live.choose_variation("1 2-3")
    to_bar(world, 12, 0.5)
    world.live.choose_variation("2 2-3")
    world.turn("temperature", 1.2)
    to_bar(world, 16, 0.5)
    assert [bar(world, 13), bar(world, 14)] == made
    assert [bar(world, 9), bar(world, 10)] == [bar(world, 1), bar(world, 2)]


def test_one_that_was_broken_off_while_it_was_made_is_made_where_it_comes_next() -> None:
    world = playing(9)
    to_bar(world, 4, 0.5)
    world.live.choose_variation("3 2")
    to_bar(world, 5, 1.0)
    world.live.locate(0.0)
    world.run(3 * 2.0 * 4)
    struck = [(due_us, pitch) for _, due_us, status, pitch, _ in world.sent if status == 0x90]
    from_us = next(due_us for due_us, _ in struck if due_us > START_US + 11.01e6)

    def second_bar(turn: int) -> list[tuple[int, int]]:
        line_us = START_US + 11.0e6 + turn * 8e6 + 2e6
        return [
            (round((due_us - line_us) / 5e4), pitch)
            for due_us, pitch in struck
            if line_us - 30_000 <= due_us < line_us + 1.9e6
        ]

    assert from_us
    assert second_bar(0)
    assert [pitch for _, pitch in second_bar(1)] == [pitch for _, pitch in second_bar(0)]


def test_a_fifth_and_a_bar_that_the_chart_has_not_are_refused_in_one_line() -> None:
    for text in ("5 1", "0", "x", "", "1 x"):
        with pytest.raises(ModeError, match="write"):
            parse_variation(text)
    assert parse_variation("2") == (2, "")
    assert parse_variation("4 1-4 7") == (4, "1-4 7")
    world = playing()
    world.run(1.0)
    world.live.choose_variation("2 4-5")
    world.run(0.1)
    assert errors(world) == ["bar 5 cannot be had: the chart ends with bar 4"]
