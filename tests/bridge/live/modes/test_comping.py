"""Mode comp, and the role that auto stands for: when it turns, and where the sideman's hands may be."""

from __future__ import annotations

import pytest

from bridge.errors import ModeError
from bridge.live.modes.keep_clear import LATELY_US
from engine.chords import parse_chart
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, World

CHART = "Dm7 | G7 | Cmaj7 | %"
LINE = (67, 69, 72, 74, 76, 77, 76, 74)
BAR_US = 2_000_000  # at 120


def comping(**options: float) -> World:
    world = World(decode_us=lambda: 500)
    world.live.set_chart(parse_chart(CHART))
    world.turn("mode", "comp")
    for name, value in options.items():
        world.turn(name, value)
    return world


def run_a_line(world: World, times: int = 1, each_s: float = 0.2) -> None:
    for pitch in LINE * times:
        world.press(pitch)
        world.run(each_s)
        world.release(pitch)


def roles(world: World) -> list[object]:
    return [role for _, role in world.sessions[0].played_as]


def test_comp_needs_a_chart() -> None:
    with pytest.raises(ModeError, match="mode 'comp' needs a chord chart"):
        World().turn("mode", "comp")


def test_in_mode_comp_the_chart_is_comped_and_in_changes_it_is_soloed_over() -> None:
    world = comping()
    world.run(4.0)
    assert set(roles(world)) == {"comping"}
    world = World()
    world.live.set_chart(parse_chart(CHART))
    world.run(4.0)
    assert set(roles(world)) == {"solo"}


def test_a_new_chart_is_comped_too() -> None:
    world = comping()
    world.run(1.0)
    world.live.set_chart(parse_chart("Am7 | D7"))
    world.run(3.0)
    assert set(roles(world)) == {"comping"}
    assert {pitch % 12 for _, pitch in world.onsets(world.now_us - 1_500_000)} <= {9, 0, 4, 7, 2, 6}


@pytest.mark.parametrize("turned_s", [0.3, 3.1, 3.95, 3.999])
def test_between_changes_and_comp_the_music_goes_on_and_the_role_turns_at_a_bar_line(turned_s: float) -> None:
    world = World(decode_us=lambda: 500)
    world.live.set_chart(parse_chart(CHART))
    world.run(turned_s)
    world.turn("mode", "comp")
    world.run(4.5)
    turns = world.sessions[0].played_as
    first_s = min(at_s for at_s, role in turns if role == "comping")
    last_s = max(at_s for at_s, role in turns if role == "solo")
    bar = round((first_s + last_s) / 2 / 2.0) * 2.0  # the bar line between them
    assert last_s < bar <= first_s
    assert turned_s < bar <= turned_s + 2.2
    assert [what for what, _ in world.said].count("playing") == 1, "it was not started anew"


def test_a_role_that_turned_back_before_its_bar_line_never_turned() -> None:
    world = World(decode_us=lambda: 500)
    world.live.set_chart(parse_chart(CHART))
    world.run(2.2)
    world.turn("mode", "comp")
    world.run(0.5)
    world.turn("temperature", 1.1)  # takes back what lies ahead, the bar line too
    world.run(0.3)
    world.turn("mode", "changes")
    world.run(3.0)
    assert set(roles(world)) == {"solo"}


def test_what_is_asked_for_stays_whatever_the_mode() -> None:
    world = comping()
    world.turn("role", "accompany")
    world.run(2.0)
    assert world.sessions[0].params["role"] == "accompany"


def test_the_model_knows_where_the_chart_began_and_none_where_there_is_none() -> None:
    world = comping()
    world.run(1.0)
    began_s = world.sessions[0].form_s
    assert began_s is not None
    world.live.locate(6.0)  # the third bar is 4 s from the beginning
    world.run(0.5)
    moved_s = world.sessions[0].form_s
    assert moved_s is not None
    beat = (world.sessions[0].time_s - moved_s) * 2.0
    assert moved_s < began_s
    assert beat > 6.0
    world.turn("mode", "follow")
    world.press(*C_MAJOR_7)
    world.run(0.5)
    assert world.sessions[0].form_s is None


# ---- keep_clear -----------------------------------------------------------------------------------------------------


def clear_of(world: World, low: int, high: int, since_us: int) -> bool:
    return all(not low <= pitch <= high for _, pitch in world.onsets(since_us))


def test_no_note_is_struck_near_the_players_hands_while_they_play_and_shortly_after() -> None:
    world = comping(keep_clear=5)
    world.run(2.0)
    assert not clear_of(world, 62, 72, 0), "the double plays there, if it may"
    world.press(67)
    world.run(0.05)
    since_us = world.now_us
    world.run(3.0)
    world.release(67)
    world.run(1.5)
    assert clear_of(world, 62, 72, since_us)
    assert world.onsets(since_us), "it plays elsewhere"
    world.run(3.0)
    assert not clear_of(world, 62, 72, since_us + LATELY_US + 2_000_000), "the hand has gone"


def test_hands_that_move_are_kept_clear_of_within_50_ms() -> None:
    world = comping(keep_clear=2)
    world.run(1.0)
    for pitch in (64, 67, 70, 73, 66, 61):
        world.press(pitch)
        world.run(0.05)
        since_us = world.now_us
        world.run(0.35)
        assert clear_of(world, pitch - 2, pitch + 2, since_us)
        world.release(pitch)


def kept_clear(world: World) -> tuple[int, int] | None:
    return world.sessions[0].clear


def test_nothing_is_kept_clear_unless_asked_but_in_mode_comp() -> None:
    world = World(decode_us=lambda: 500)
    world.live.set_chart(parse_chart(CHART))
    world.run(0.5)
    world.press(67)
    world.run(0.5)
    assert kept_clear(world) is None
    world.turn("mode", "comp")
    world.run(0.1)
    assert kept_clear(world) == (64, 70)
    world.turn("keep_clear", 0)
    world.run(0.1)
    assert kept_clear(world) is None


# ---- follow ---------------------------------------------------------------------------------------------------------


def test_behind_a_line_it_comps_and_when_only_chords_are_held_it_solos() -> None:
    world = World(decode_us=lambda: 500)
    world.press(*D_MINOR_7[:3])
    world.run(1.0)
    assert set(roles(world)) == {"solo"}
    run_a_line(world, 2)
    began = len(roles(world))
    run_a_line(world, 2)
    assert set(roles(world)[began:]) == {"comping"}
    world.run(2.6)
    began = len(roles(world))
    world.run(2.0)
    assert set(roles(world)[began:]) == {"solo"}
    chords = [text for what, text in world.said if what == "chord"]
    assert chords[-1] == chords[0], "the chord that is held is followed on"


def test_with_a_beat_the_role_turns_at_a_bar_line() -> None:
    world = World(decode_us=lambda: 500)
    world.live.set_tempo(120)
    world.press(*D_MINOR_7[:3])
    world.run(0.7)
    run_a_line(world, 4)
    ahead, session = world.live._ahead, world.sessions[0]
    first_s = min(at_s for at_s, role in session.played_as if role == "comping")
    last_s = max(at_s for at_s, role in session.played_as if role == "solo")
    bar = [(at_s - ahead.origin_s) / 2.0 for at_s in (last_s, first_s)]
    assert int(bar[0] + 0.005) < int(bar[1] + 0.005)
    assert bar[0] % 1.0 > bar[1] % 1.0, "the bar line lies between them"


def test_while_a_line_runs_the_sideman_does_not_rest() -> None:
    world = World(decode_us=lambda: 500)
    world.press(*D_MINOR_7)
    world.run(1.0)
    world.release(*D_MINOR_7)
    run_a_line(world, 3)
    assert [what for what, _ in world.said if what == "rest"] == []
    world.run(4.0)
    assert world.said[-1][0] == "rest"
