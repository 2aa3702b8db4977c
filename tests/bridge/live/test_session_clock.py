"""A live session on a host's MIDI clock: the virtual world of test_live, with ticks."""

from __future__ import annotations

import pytest

from bridge.live.options import SessionOptions
from engine.beats.warp import GRID
from engine.chords import parse_chart
from tests.support.live.world import C_MAJOR_7, World

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


class ClockedWorld(World):
    """A world with a host that ticks; tick 0 is at host_us."""

    def __post_init__(self) -> None:
        self.options = SessionOptions(midi_clock=True, output_latency_ms=40.0)
        super().__post_init__()
        self.tick_at_us = float(self.now_us)

    def host(self, beats: float, tempo_bpm: float) -> None:
        """The host ticks for so long."""
        for _ in range(round(beats * 24)):
            self.run(max(self.tick_at_us - self.now_us, 0.0) / 1e6)
            # Stamped when it came, as the system's thread does, also where a decode took longer.
            self.live.inbox.hear(TICK, round(self.tick_at_us))
            self.tick_at_us += 60e6 / tempo_bpm / 24


def heard_phases(world: ClockedWorld, since_us: int, beat_0_us: float, tempo_bpm: float) -> list[float]:
    """Distance of what is heard, 40 ms after it is sent, to the host's grid, in seconds."""
    far = []
    for at_us, due_us, status, _, _ in world.sent:
        if status & 0xF0 == 0x90 and at_us >= since_us:
            phase = (due_us + 40_000 - beat_0_us) / 60e6 * tempo_bpm % 1.0
            far.append(min(abs(phase - point) for point in GRID) * 60 / tempo_bpm)
    return far


def test_a_chart_waits_for_the_hosts_start_and_then_keeps_to_its_beat() -> None:
    world = ClockedWorld()
    world.turn("quantise", 1.0)
    world.live.set_chart(parse_chart("C | F"))
    world.host(8, 100.0)
    assert not world.onsets()
    world.live.midi_in(START)
    beat_0_us = world.tick_at_us
    world.host(4, 100.0)
    since_us = world.now_us
    world.host(16, 100.0)
    far_s = heard_phases(world, since_us, beat_0_us, 100.0)
    assert len(far_s) > 10
    assert max(far_s) < 0.02
    assert {pitch % 12 for at_us, pitch in world.onsets(since_us)} <= {0, 4, 7, 5, 9}
    assert world.sessions[-1].tempo[0] == pytest.approx(100.0, rel=0.005)


@pytest.mark.parametrize("tempo_bpm", [90.0, 120.0])
def test_soon_after_the_hosts_first_tick_the_charts_beginning_lies_on_it(tempo_bpm: float) -> None:
    """The start itself comes up to a tick before, and says nothing of where the beat is."""
    world = ClockedWorld(decode_us=lambda: 300)
    world.live.set_chart(parse_chart("Dm7 | G7 | C | C"))
    world.host(4, tempo_bpm)
    world.run(0.001)
    world.live.midi_in(START)
    first_us = world.tick_at_us
    world.host(2 / 24, tempo_bpm)
    world.run((first_us + 30_000 - world.now_us) / 1e6)
    ahead = world.live._ahead
    assert ahead.playing
    assert ahead.timeline is not None
    sounds_us = ahead.wall_us(ahead.timeline.seconds(0)) + 40_000  # the output's latency
    assert abs(sounds_us - first_us) < 3_000


def test_a_chart_joined_without_a_start_says_what_it_waits_for_and_plays_when_asked() -> None:
    world = ClockedWorld()
    world.live.set_chart(parse_chart("C | F"))
    world.host(8, 100.0)
    assert not world.onsets()
    notes = [text for what, text in world.said if what == "note"]
    assert notes[0] == "the chart waits for a MIDI clock and its start"
    assert notes[1].startswith("the clock ticks at 100 bpm and has not been started: start it there")
    assert len(notes) == 2
    world.live.play()
    world.host(8, 100.0)
    assert world.onsets()
    assert world.sessions[-1].tempo[0] == pytest.approx(100.0, rel=0.005)


def test_follow_mode_takes_the_tempo_of_a_clock_joined_without_a_start() -> None:
    world = ClockedWorld()
    world.turn("quantise", 1.0)
    beat_0_us = world.tick_at_us
    world.host(5.3, 90.0)
    world.press(*C_MAJOR_7)
    world.host(6, 90.0)
    since_us = world.now_us
    world.host(12, 90.0)
    far_s = heard_phases(world, since_us, beat_0_us, 90.0)
    assert len(far_s) > 5
    assert max(far_s) < 0.02


def test_the_hosts_stop_is_silence_and_continue_goes_on_where_it_was() -> None:
    world = ClockedWorld()
    world.live.set_chart(parse_chart("C | C | F | F"))
    world.live.midi_in(START)
    world.host(9, 120.0)
    world.live.midi_in(STOP)
    world.run(0.004)
    assert not world.sounding
    stopped_us = world.now_us
    world.tick_at_us = world.now_us
    world.host(8, 120.0)
    assert not world.onsets(stopped_us)
    world.live.midi_in(CONTINUE)
    world.host(6, 120.0)
    assert world.onsets(stopped_us)
    assert {pitch % 12 for _, pitch in world.onsets(stopped_us)} <= {5, 9, 0}, "bars three and four"


def test_a_position_while_the_host_runs_moves_the_chart() -> None:
    world = ClockedWorld()
    world.live.set_chart(parse_chart("C | C | C | C | F# | F# | F# | F#"))
    world.live.midi_in(START)
    world.host(4, 120.0)
    world.live.midi_in(b"\xf2\x40\x00")  # 64 sixteenths: bar 5
    world.host(2, 120.0)
    moved_us = world.now_us
    world.host(10, 120.0)
    assert world.onsets(moved_us)
    assert {pitch % 12 for _, pitch in world.onsets(moved_us)} <= {6, 10, 1}


def test_follow_mode_takes_tempo_and_beat_from_the_host() -> None:
    world = ClockedWorld()
    world.turn("quantise", 1.0)
    world.live.midi_in(START)
    beat_0_us = world.tick_at_us
    world.host(5.3, 90.0)
    world.press(*C_MAJOR_7)
    world.host(6, 90.0)
    since_us = world.now_us
    world.host(12, 90.0)
    far_s = heard_phases(world, since_us, beat_0_us, 90.0)
    assert len(far_s) > 5
    assert max(far_s) < 0.02


def test_a_tempo_change_of_the_host_is_followed() -> None:
    world = ClockedWorld()
    world.live.set_chart(parse_chart("C"))
    world.live.midi_in(START)
    world.host(8, 120.0)
    world.host(12, 150.0)
    assert world.sessions[-1].tempo[0] == pytest.approx(150.0, rel=0.01)
    assert world.onsets(world.now_us - 1_000_000)
    world.live.stop()
    world.run(0.05)
    assert not world.sounding


def test_without_the_option_clock_and_transport_are_passed_over() -> None:
    world = World()
    world.live.set_chart(parse_chart("C"))
    for message in (START, TICK, STOP, b"\xf2\x00\x00", b"\xfe"):
        world.live.midi_in(message)
        world.run(0.2)
    assert world.onsets()
