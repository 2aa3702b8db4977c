"""Raw MIDI of the player -> keys, pedals and notes: MIDI 1.0's channel messages, mode messages among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.live.playing.keyboard import Keyboard, KeyEvent

PEDAL_DOWN, PEDAL_UP = b"\xb0\x40\x7f", b"\xb0\x40\x00"
STRIKE, RELEASE = b"\x90\x3c\x50", b"\x80\x3c\x00"


def said(keyboard: Keyboard, *messages: bytes) -> list[str]:
    """`kind pitch` of all that the messages did."""
    events = [event for time_us, message in enumerate(messages) for event in keyboard.hear(time_us, message)]
    return [f"{event.kind} {event.pitch}" for event in events]


def test_pedalled_notes_last_to_the_pedal_and_struck_again_end_first() -> None:
    keyboard = Keyboard()
    messages = (PEDAL_DOWN, STRIKE, RELEASE, b"\x91\x3c\x51", b"\x91\x3e\x10", PEDAL_UP, b"\x81\x3c\x00")
    heard = [event for time_us, message in enumerate(messages) for event in keyboard.hear(time_us, message)]
    assert heard == [
        KeyEvent(1, "down", 60, 80), KeyEvent(2, "up", 60), KeyEvent(3, "end", 60), KeyEvent(3, "down", 60, 81),
        KeyEvent(4, "down", 62, 16), KeyEvent(6, "up", 60), KeyEvent(6, "end", 60),
    ]  # fmt: skip
    assert keyboard.sounding() == [62]
    assert keyboard.hear(7, b"\xb1\x7b\x00") == [KeyEvent(7, "up", 62), KeyEvent(7, "end", 62)]
    assert keyboard.silent_for_us(17) == 10


def test_a_pedal_holds_the_notes_of_its_own_channel_alone() -> None:
    keyboard = Keyboard()
    said(keyboard, PEDAL_DOWN, STRIKE, b"\x91\x40\x50")
    assert said(keyboard, b"\x81\x40\x00", RELEASE) == ["up 64", "end 64", "up 60"]
    assert said(keyboard, b"\xb1\x40\x00") == [], "another channel's pedal comes up"
    assert said(keyboard, PEDAL_UP) == ["end 60"]


def test_a_pitch_that_two_channels_play_ends_with_the_last_of_them() -> None:
    keyboard = Keyboard()
    said(keyboard, STRIKE, b"\x91\x3c\x50")
    assert said(keyboard, RELEASE) == []
    assert said(keyboard, b"\x81\x3c\x00") == ["up 60", "end 60"]


@pytest.mark.parametrize("controller", [123, 124, 125, 126, 127])
def test_all_notes_off_lifts_the_keys_and_leaves_what_the_pedal_holds(controller: int) -> None:
    keyboard = Keyboard()
    said(keyboard, PEDAL_DOWN, STRIKE)
    assert said(keyboard, bytes((0xB0, controller, 0))) == ["up 60"]
    assert keyboard.pedal_down
    assert keyboard.sounding() == [60]
    assert said(keyboard, PEDAL_UP) == ["end 60"]


def test_all_sound_off_ends_what_the_pedal_holds_and_leaves_the_pedal_down() -> None:
    keyboard = Keyboard()
    said(keyboard, PEDAL_DOWN, STRIKE, RELEASE, b"\x90\x40\x50")
    assert said(keyboard, b"\xb0\x78\x00") == ["up 64", "end 60", "end 64"]
    assert keyboard.pedal_down


def test_reset_controllers_lifts_the_pedal_and_leaves_the_keys_down() -> None:
    keyboard = Keyboard()
    said(keyboard, PEDAL_DOWN, STRIKE, b"\x90\x40\x50", RELEASE)
    assert said(keyboard, b"\xb0\x79\x00") == ["end 60"]
    assert not keyboard.pedal_down
    assert keyboard.keys() == {64}


@pytest.mark.parametrize("controller", [120, 121, 123, 124])
def test_a_mode_message_speaks_to_its_own_channel_alone(controller: int) -> None:
    keyboard = Keyboard()
    said(keyboard, b"\xb1\x40\x7f", b"\x91\x3c\x50")
    assert said(keyboard, bytes((0xB0, controller, 0))) == []
    assert (keyboard.sounding(), keyboard.pedal_down) == ([60], True)


@pytest.mark.parametrize("message", [b"", b"\x90", b"\x90\x3c", b"\xf8", b"\x90\xff\x40", b"\xe0\x00\x40"])
def test_anything_but_notes_pedal_and_mode_messages_is_passed_over(message: bytes) -> None:
    assert Keyboard().hear(0, message) == []


MESSAGES = st.tuples(
    st.sampled_from((0x90, 0x80, 0xB0, 0x91, 0x81, 0xB1)),
    st.sampled_from((60, 64, 120, 121, 123)),
    st.sampled_from((0, 64, 127)),
)


@given(st.lists(MESSAGES, max_size=40))
def test_every_strike_ends_before_the_next_one_of_its_pitch_and_what_sounds_is_what_has_not_ended(
    messages: list[tuple[int, int, int]],
) -> None:
    keyboard = Keyboard()
    sounding: set[int] = set()
    for time_us, message in enumerate(messages):
        for event in keyboard.hear(time_us, bytes(message)):
            if event.kind == "down":
                assert event.pitch not in sounding
                sounding.add(event.pitch)
            elif event.kind == "end":
                sounding.remove(event.pitch)
    assert sounding == set(keyboard.sounding()) >= keyboard.keys()
