"""Mode changes keeps the bars of whoever has the beat: count-in, start, locate and loop, by OSC or a host's clock."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bridge.live.options import SessionOptions
from engine.chords import parse_chart
from tests.bridge.live.test_session_clock import CONTINUE, START, STOP, ClockedWorld
from tests.support.live.world import World

C_TONES, FIS_TONES = {0, 4, 7}, {6, 10, 1}
LOOP = "C | F# | C | C"


def beat_of(world: World) -> float:
    """The chart's beat now."""
    charting = world.live._modes.charting
    assert charting is not None
    return charting.beat_at(world.live._ahead.stream_s(world.now_us))


def tones(world: World, from_us: float, to_us: float) -> set[int]:
    """Pitch classes struck within."""
    return {pitch % 12 for at_us, pitch in world.onsets(round(from_us)) if at_us < to_us}


@pytest.mark.parametrize(("bars", "tempo_bpm"), [(1, 120.0), (2, 90.0)])
def test_the_chart_begins_where_the_count_in_says(bars: int, tempo_bpm: float) -> None:
    world = World(options=SessionOptions(count_in_bars=bars))
    world.live.set_tempo(tempo_bpm)
    world.live.set_chart(parse_chart("C | F#"))
    world.run(bars * 240 / tempo_bpm + 3.0)
    clicks_us = [due_us for _, due_us, status, _, _ in world.sent if status == 0x99]
    assert len(clicks_us) == 4 * bars
    beat_us = 60e6 / tempo_bpm
    assert all(later - earlier == pytest.approx(beat_us, abs=2) for earlier, later in pairwise(clicks_us))
    assert beat_of(world) == pytest.approx((world.now_us - clicks_us[-1]) / beat_us - 1, abs=0.01)
    solo_us = [due_us for _, due_us, status, _, _ in world.sent if status == 0x90]
    assert solo_us
    assert solo_us[0] >= clicks_us[-1] + beat_us - 1


def test_a_host_that_loops_by_position_is_met_bar_for_bar() -> None:
    world = ClockedWorld()  # heard 40 ms after it is sent
    world.live.set_chart(parse_chart(LOOP))
    world.live.midi_in(START)
    world.host(8, 120.0)
    for _ in range(3):
        world.live.midi_in(b"\xf2\x10\x00")  # beat 4, the second bar, with the next tick
        begins_us = world.tick_at_us
        world.host(4, 120.0)
        assert beat_of(world) == pytest.approx(4 + (world.now_us - begins_us + 40_000) / 500_000, abs=0.1)
        # From what was on its way at the jump to what is on its way to the next bar.
        assert tones(world, begins_us + 160_000, begins_us + 1_950_000) <= FIS_TONES


def test_a_host_that_loops_by_stopping_and_continuing_is_met_bar_for_bar() -> None:
    world = ClockedWorld()
    world.live.set_chart(parse_chart(LOOP))
    world.live.midi_in(START)
    world.host(8, 120.0)
    for _ in range(3):
        for message in (STOP, b"\xf2\x10\x00", CONTINUE):
            world.live.midi_in(message)
        begins_us = world.tick_at_us
        world.host(4, 120.0)
        assert beat_of(world) == pytest.approx(4 + (world.now_us - begins_us + 40_000) / 500_000, abs=0.1)
        assert tones(world, begins_us + 600_000, begins_us + 1_950_000) <= FIS_TONES


def test_a_loop_by_osc_lays_every_turn_on_its_bar() -> None:
    world = World()
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart(LOOP))
    world.run(4.0)
    for _ in range(4):
        world.live.locate(4.0)
        at_us = world.now_us
        world.run(2.0)
        assert beat_of(world) == pytest.approx(4 + (world.now_us - at_us) / 500_000, abs=0.03)
        assert tones(world, at_us + 150_000, at_us + 2_000_000) <= FIS_TONES


def test_stop_and_play_begin_at_the_top_and_locate_chooses_another_bar() -> None:
    world = World()
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart("C | F#"))
    world.run(3.0)
    for beat, expected in ((None, C_TONES), (4.0, FIS_TONES), (None, C_TONES)):
        world.live.stop()
        world.run(0.5)
        if beat is not None:
            world.live.locate(beat)
        world.live.play()
        began_us = world.now_us
        world.run(1.9)
        assert tones(world, began_us, world.now_us) <= expected
        assert world.onsets(began_us)
