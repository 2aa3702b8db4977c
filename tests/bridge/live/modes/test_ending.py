"""/sideman/ending: the music comes home at a bar line, holds, lets go and rests."""

from __future__ import annotations

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from engine.chords.charts.home import home_beat
from tests.support.live.world import C_MAJOR_7, G_7, START_US, World

CHART = "Dm7 | G7 | Cmaj7 | %"  # 8 s at 120


def playing(text: str = CHART, seconds: float = 1.0, tempo_bpm: float = 120.0) -> World:
    world = World(decode_us=lambda: 500)
    world.live.set_tempo(tempo_bpm)
    world.live.set_chart(parse_chart(text))
    world.run(seconds)
    return world


def home_s(world: World) -> float:
    """Seconds of the chart at which the last strike fell."""
    return (world.onsets()[-1][0] - START_US - 5_000) / 1e6  # a chart starts 5 ms after it was asked for


@pytest.mark.parametrize(
    ("text", "beat"),
    [
        (CHART, 12.0),  # the last bar line
        ("Dm7 | G7 Cmaj7", 6.0),  # the change after it
        ("Cmaj7 | Am7 | Dm7 | G7", 16.0),  # leads back: home is the next round's first chord
        ("F7 | Bb7 | C7 | F7", 12.0),  # a blues' home is a dominant
        ("C | N.C.", 8.0),
    ],
)
def test_a_round_comes_home_on_its_last_chord_or_where_that_leads(text: str, beat: float) -> None:
    assert home_beat(parse_chart(text)) == beat


@pytest.mark.parametrize("seconds", [1.0, 4.9, 5.6])
def test_the_round_is_played_to_its_end_and_then_there_is_rest(seconds: float) -> None:
    world = playing(seconds=seconds)
    world.live.end_in(0)
    world.run(8.0 - seconds)
    assert home_s(world) == pytest.approx(6.0, abs=0.02)
    assert world.onsets()[-1][1] % 12 == 0
    world.run(2.0)
    ended = len(world.sent)
    assert not world.sounding
    assert world.said[-1][0] == "rest"
    world.run(6.0)
    assert len(world.sent) == ended
    world.live.play()
    world.run(1.0)
    assert world.onsets(world.now_us - 1_000_000)
    assert [what for what, _ in world.said].count("playing") == 2


def test_too_late_for_this_round_it_is_the_next_ones_end() -> None:
    world = playing(seconds=6.5)
    world.live.end_in(0)
    world.run(10.0)
    assert home_s(world) == pytest.approx(14.0, abs=0.02)


@pytest.mark.parametrize(("bars", "at_s"), [(1, 4.0), (2, 6.0), (5, 12.0)])
def test_in_so_many_bars_means_their_bar_line(bars: int, at_s: float) -> None:
    world = playing(seconds=2.5)
    world.live.end_in(bars)
    world.run(at_s + 2.5)
    assert home_s(world) == pytest.approx(at_s, abs=0.02)
    assert not world.sounding


def test_a_tempo_that_changes_on_the_way_takes_the_last_chord_with_it() -> None:
    world = playing(seconds=2.0)
    world.live.end_in(0)
    world.run(0.5)
    world.live.set_tempo(60.0)
    world.run(14.0)
    # 2.5 s of 120 are 5 beats; 7 more at 60 are 7 s.
    assert home_s(world) == pytest.approx(9.5, abs=0.06)
    assert world.said[-1][0] == "rest"


def test_knobs_turned_on_the_way_change_nothing_of_where_it_ends() -> None:
    world = playing(seconds=2.0)
    world.live.end_in(0)
    for turn in range(40):
        world.turn("temperature", 0.5 + turn / 100)
        world.run(0.1)
    world.run(4.0)
    assert home_s(world) == pytest.approx(6.0, abs=0.02)


@pytest.mark.parametrize("tempo_bpm", [None, 120.0])
def test_following_keys_it_comes_home_on_the_chord_that_is_held(tempo_bpm: float | None) -> None:
    world = World(decode_us=lambda: 500)
    if tempo_bpm:
        world.live.set_tempo(tempo_bpm)
    world.press(*G_7)
    world.run(1.0)
    world.live.end_in(1)
    world.run(0.3)
    world.release(*G_7)
    world.press(*C_MAJOR_7)
    world.run(6.0)
    assert world.onsets()[-1][1] == 36
    assert not world.sounding
    rested = len(world.sent)
    world.run(2.0)
    assert len(world.sent) == rested, "the keys are still down"
    world.live.play()
    world.press(*G_7)
    world.run(1.0)
    assert len(world.sent) > rested


def test_stopped_on_the_way_it_plays_on_when_it_is_started_again() -> None:
    world = playing(seconds=1.0)
    world.live.end_in(0)
    world.run(0.5)
    world.live.stop()
    world.run(0.5)
    world.live.play()
    world.run(12.0)
    assert world.onsets(world.now_us - 1_000_000)


def test_where_nothing_plays_it_says_so() -> None:
    world = World()
    world.live.end_in(0)
    world.run(0.1)
    assert world.said == [("note", "nothing plays that could come home")]


def test_an_ending_in_a_trade_keeps_the_turn_until_the_music_is_home() -> None:
    world = World(decode_us=lambda: 500, options=SessionOptions(seed=1, tempo_bpm=120.0, trade_bars=1))
    world.live.set_chart(parse_chart(CHART))
    world.run(0.1)
    world.turn("mode", "trade")
    world.run(0.1)
    world.press(60)
    world.run(1.0)
    world.release(60)
    world.run(1.5)
    assert world.said[-1][0] == "playing"
    world.live.end_in(4)
    world.run(5.0)
    assert world.said[-1] == ("note", "going home: the last chord comes at the end of 4 bars")
    world.run(8.0)
    assert world.said[-1][0] == "rest"
    assert not world.sounding
    assert world.onsets()[-1][0] - START_US > 7_000_000


def test_an_ending_whose_music_falls_silent_on_the_way_is_off_and_that_is_said() -> None:
    world = World(decode_us=lambda: 500)
    world.live.set_tempo(120.0)
    world.press(*C_MAJOR_7)
    world.run(2.0)
    world.live.end_in(4)
    world.run(0.5)
    world.release(*C_MAJOR_7)
    world.run(4.0)
    assert ("note", "the ending is off: the music fell silent on the way") in world.said
