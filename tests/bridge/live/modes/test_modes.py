"""The modes are those of the parameter table, and a switch from any to any leaves no note behind."""

from __future__ import annotations

from itertools import permutations

import pytest

from bridge.live.modes.mode import MODES
from engine.chords import parse_chart, parse_chord
from osc_protocol.table.parameters import BY_NAME
from tests.support.live.world import D_MINOR_7, World


def test_the_modes_are_those_of_the_parameter_table() -> None:
    assert tuple(MODES) == BY_NAME["mode"].choices


@pytest.mark.parametrize(("before", "after"), list(permutations(MODES, 2)))
def test_a_switch_ends_the_music_but_between_two_roles_over_one_chart(before: str, after: str) -> None:
    world = World()
    world.live.set_chart(parse_chart("Dm7 | G7"))
    world.turn("mode", before)
    world.press(*D_MINOR_7)
    world.run(1.0)
    played = world.live._ahead.playing
    world.turn("mode", after)
    world.live.step()
    assert world.live._modes.mode.name == after
    rested = ("rest", "") in world.said
    assert rested == (played and {before, after} != {"changes", "comp"})


def test_a_trade_begins_anew_in_another_metre() -> None:
    world = World()
    world.turn("mode", "trade")
    world.live.set_tempo(120.0)
    world.press(60)
    world.run(0.5)
    world.live.set_metre("3/4")
    world.run(0.1)
    world.press(62)
    world.release(62)
    struck_us = world.now_us
    world.run(12.5)
    answers = [text for what, text in world.said if what == "playing"]
    assert answers == ["4 bars"]
    begins_us = struck_us + 4 * 3 * 500_000
    assert not world.onsets() or world.onsets()[0][0] >= begins_us - 20_000
    assert ("listening", "4 bars") in world.said


def test_a_chord_that_is_named_where_none_is_followed_waits_for_follow_and_that_is_said() -> None:
    world = World()
    world.live.set_chart(parse_chart("Dm7 | G7"))
    world.run(1.0)
    world.live.set_chord(parse_chord("F#7"))
    world.run(0.1)
    assert world.said[-1] == ("note", "F#7 waits for mode follow: changes follows none")
    world.turn("mode", "follow")
    world.run(1.0)
    assert world.said[-1] == ("chord", "F#7")
