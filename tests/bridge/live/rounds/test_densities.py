"""What is drawn over a chart is asked in its bars, and nowhere else."""

from __future__ import annotations

import pytest

from bridge.errors import ModeError
from bridge.live.rounds.densities import Densities, parse_density
from engine.chords import parse_chart, parse_chord
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.bridge.live.rounds.test_rounds import BAR_US, FIRST_US, GRACE_US, World, errors, playing
from tests.support.live.fake_session import FakeSession


class Asked(FakeSession):
    """Remembers under which density each strike was drawn."""

    drawn: dict[int, object]

    def generate(self, until_s: float, to_strike: bool = False) -> list:  # type: ignore[type-arg]
        events = super().generate(until_s, to_strike)
        for event in events:
            if event.kind == "on":
                self.__dict__.setdefault("drawn", {})[round(event.time_s * 100)] = self.asked()["density"]
        return events


def world_with_asked(seed: int) -> tuple[World, Asked]:
    sessions: list[Asked] = []

    def make(seed: int) -> Asked:
        sessions.append(Asked(seed))
        return sessions[-1]

    world = playing(seed, make_session=make)
    return world, sessions[0]


def by_bar(session: Asked) -> dict[int, set[object]]:
    """Stream seconds are the chart's here: it starts with the stream. A bar begins 40 ms before its line."""
    found: dict[int, set[object]] = {}
    for step, asked in session.drawn.items():
        found.setdefault((step + 4) // 200, set()).add(asked)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_each_bar_is_played_under_what_was_drawn_over_it_and_the_others_under_the_knob(seed: int) -> None:
    world, session = world_with_asked(seed)
    world.turn("density", 0.5)
    world.live.draw_density("2-3 0.9")
    world.live.draw_density("4 0.1")
    world.run(20.0)
    asked = by_bar(session)
    wanted = {0: 0.5, 1: 0.9, 2: 0.9, 3: 0.1}
    assert {number: asked[number] for number in range(1, 9)} == {n: {wanted[n % 4]} for n in range(1, 9)}
    assert errors(world) == []


def test_what_is_drawn_holds_for_whatever_can_still_be_another_until_it_is_taken_away() -> None:
    world, session = world_with_asked(3)
    world.run(8.5)
    world.live.draw_density("0.8")
    world.run(8.0)
    world.live.draw_density("2 auto")
    world.run(6.0)
    world.live.draw_density("auto")
    world.run(8.0)
    asked = by_bar(session)
    assert 0.8 not in asked[3]
    assert 0.8 in asked[4], "the bar that sounded"
    assert [asked[number] for number in range(5, 9)] == [{0.8}] * 4
    assert 0.8 not in asked[9]
    assert asked[10] == {0.8}
    assert all(0.8 not in asked[number] for number in range(12, 14))


def test_another_mode_and_another_chart_are_not_asked_for_it() -> None:
    world, session = world_with_asked(1)
    world.live.draw_density("0.9")
    world.run(4.0)
    assert session.here == {"density": 0.9}
    world.live.set_chart(parse_chart("C | F"))
    world.run(3.0)
    assert session.here == {}
    world.live.draw_density("0.9")
    world.run(4.0)
    assert session.here == {"density": 0.9}
    world.turn("mode", "follow")
    world.live.set_chord(parse_chord("C"))
    world.run(1.0)
    assert session.here == {}


def test_the_shipped_base_plays_more_where_more_is_drawn() -> None:
    checkpoint = load_checkpoint()
    struck = {"low": 0, "high": 0}
    for seed in range(2):
        world = playing(seed, make_session=lambda seed: Session(checkpoint, seed))
        world.live.draw_density("1-2 0.0")
        world.live.draw_density("3-4 1.0")
        world.run(24.5)
        for _, due_us, status, _, _ in world.sent:
            number = (due_us - FIRST_US + GRACE_US) // BAR_US
            if status == 0x90 and 0 <= number < 12:
                struck["low" if number % 4 < 2 else "high"] += 1
    assert struck["high"] > 2 * struck["low"]


def test_what_says_no_density_is_refused_in_one_line() -> None:
    for text in ("", "5-8", "x 0.5", "5 1.5", "5 loud", "5 nan"):
        with pytest.raises(ModeError, match="write"):
            parse_density(text)
    assert parse_density("5-8 0.9") == ("5-8", 0.9)
    assert parse_density("1") == ("", 1.0)
    assert parse_density("1-4 7 auto") == ("1-4 7", "auto")
    densities = Densities(4)
    with pytest.raises(ModeError, match="ends with bar 4"):
        densities.draw([5], 0.5)
    assert densities.draw([2, 3], 0.5) == "bars 2-3: density 0.5"
    assert densities.drawn == {2: 0.5, 3: 0.5}
    assert (densities.asked(5), densities.asked(4)) == ({"density": 0.5}, {})
