"""Faults of what comes in, one test each: floods, garbage, clocks gone wild, pedals and keys that never come up."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.live.options import SessionOptions
from bridge.midi.clock import START
from bridge.midi.numbers import CLOCK
from engine.chords import parse_chart
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import pianist, playing, send_raw
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, World

FLOOD = 10_000  # messages
PEDAL_DOWN, PEDAL_UP, ALL_NOTES_OFF = b"\xb0\x40\x7f", b"\xb0\x40\x00", b"\xb0\x7b\x00"


@pytest.fixture(scope="module")
def server() -> Iterator[JackServer]:
    with running_jack() as jack:
        yield jack


def test_a_flood_beyond_the_ring_is_counted_and_the_next_chord_is_followed() -> None:
    world = World()
    draw = random.Random(1)
    for _ in range(FLOOD):
        world.live.midi_in(bytes((draw.choice((0x80, 0x90)), draw.randrange(128), draw.randrange(128))))
    assert world.live.dropped_input == FLOOD - 4096
    world.run(1.0)
    world.live.midi_in(ALL_NOTES_OFF)
    world.run(3.0)
    world.said.clear()
    world.press(*D_MINOR_7)
    world.run(1.0)
    assert ("chord", "Dm7") in world.said
    world.live.stop()
    world.run(0.1)
    assert not world.sounding


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=0, max_size=4), max_size=60))
def test_any_bytes_at_the_door_leave_a_session_that_plays(messages: list[bytes]) -> None:
    world = World()
    for message in messages:
        world.live.midi_in(message)
    world.run(0.3)
    for channel in range(16):
        for status, *data in (ALL_NOTES_OFF, PEDAL_UP):
            world.live.midi_in(bytes((status | channel, *data)))
    world.run(2.5)
    world.press(*C_MAJOR_7)
    world.run(1.0)
    assert ("chord", "Cmaj7") in world.said
    assert world.sent
    world.live.stop()
    world.run(0.1)
    assert not world.sounding


@pytest.mark.parametrize("elsewhere", ["changes", "stopped"])
def test_keys_that_nobody_follows_do_not_keep_the_session_busy(elsewhere: str) -> None:
    world = World()
    if elsewhere == "changes":
        world.live.set_chart(parse_chart("C | F"))
    else:
        world.live.stop()
    world.run(0.5)
    world.press(*D_MINOR_7)
    world.release(*D_MINOR_7[:1])
    world.run(1.0)
    assert world.live.step() >= 0.01


def test_what_the_pedal_holds_is_a_chord_until_it_comes_up() -> None:
    world = World()
    world.live.midi_in(PEDAL_DOWN)
    world.press(*D_MINOR_7)
    world.run(0.5)
    world.release(*D_MINOR_7)
    world.run(6.0)
    assert world.said == [("chord", "Dm7")]
    assert world.onsets(world.now_us - 1_000_000), "still playing"
    world.live.midi_in(PEDAL_UP)
    world.run(3.0)
    assert world.said[-1][0] == "rest"


def test_a_note_that_only_the_pedal_holds_is_a_member_of_the_chord() -> None:
    world = World()
    world.live.midi_in(PEDAL_DOWN)
    world.press(D_MINOR_7[0])
    world.run(0.3)
    world.release(D_MINOR_7[0])
    world.run(0.1)
    world.press(*D_MINOR_7[1:])  # F major by itself
    world.run(1.0)
    assert world.said[-1] == ("chord", "Dm7")


def test_all_notes_off_lets_go_of_keys_that_never_came_up() -> None:
    world = World()
    world.press(*G_7)
    world.run(1.0)
    world.live.midi_in(ALL_NOTES_OFF)
    world.run(3.0)
    assert world.said[-1][0] == "rest"
    assert not world.sounding


@pytest.mark.parametrize("seed", range(6))
def test_a_clock_gone_wild_ends_nothing_and_is_followed_once_it_is_sane(seed: int) -> None:
    draw = random.Random(seed)
    world = World(options=SessionOptions(midi_clock=True))
    world.press(*C_MAJOR_7)
    for _ in range(40):  # floods, gaps, starts and jumps
        for _ in range(draw.choice((1, 30, 300))):
            world.live.midi_in(bytes((draw.choice((CLOCK, CLOCK, CLOCK, START, 0xFB, 0xFC)),)))
        world.run(draw.choice((0.001, 0.02, 0.3)))
    world.live.midi_in(b"\xfc")
    for _ in range(10 * 48):  # 120 bpm
        world.live.midi_in(bytes((CLOCK,)))
        world.run(0.0208)
    assert [text for what, text in world.said if what == "error"] == []
    assert world.onsets(world.now_us - 2_000_000)
    world.live.stop()
    world.run(0.1)
    assert not world.sounding


@pytest.mark.real
@pytest.mark.timeout(120)
def test_ten_thousand_messages_over_a_real_port(server: JackServer) -> None:
    draw = random.Random(2)
    script = []
    for number in range(FLOOD):
        pitch = draw.randrange(128)
        message = draw.choice(
            (f"90 {pitch:02X} 50", f"80 {pitch:02X} 00", "B0 01 40", "E0 00 40", f"A0 {pitch:02X} 10")
        )
        script.append((message, 0.002 if number % 40 == 39 else 0.0))
    with playing(server) as (play, listener):
        send_raw(server, [*script, ("B0 7B 00", 3.0)])
        pianist(server, [(0.0, "on", G_7), (1.0, "off", G_7)])
        play.wait_for("chord G7")
        assert play.end() == 130
        listener.finish()
    assert listener.unended() == set()
    assert listener.onsets()
    assert play.errors == []


@pytest.mark.real
@pytest.mark.timeout(120)
def test_faulty_bytes_leave_a_port_that_hears_the_next_chord(server: JackServer) -> None:
    faults = {
        "garbage": ["60 01", "90", "90 C8 01", "F4", "F5 22", "FD", "80", "B0 40"],
        "active sensing": ["FE"] * 300,
        "a clock that nobody asked for": ["F8"] * 1000,
        "SysEx in pieces": ["F0 7D 01", "02 03", "04 F7", "F0 7E F7"],
        "SysEx that ends late": ["F0 7D 01 02", "90 3C 50", "F7"],
        "running status": ["90 20 40", "22 40", "24 40", "80 20 00", "22 00", "24 00"],
    }
    with playing(server, options=["--release", "0.2"]) as (play, listener):
        for number, (fault, pieces) in enumerate(faults.items()):
            send_raw(server, [(text, 0.0005) for text in pieces])
            chord = [pitch + number for pitch in D_MINOR_7]
            pianist(server, [(0.0, "on", chord), (0.3, "off", chord)])
            name = ("Dm7", "Ebm7", "Em7", "Fm7", "F#m7", "Gm7")[number]
            assert play.wait_for(f"chord {name}", 10), fault
        assert play.end() == 130
        listener.finish()
    assert listener.onsets()
    assert listener.unended() == set()
    assert play.errors == []
