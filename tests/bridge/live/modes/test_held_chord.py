"""Raw MIDI of the player -> the chord to follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.live.modes.held_chord import HeldChord
from bridge.live.playing.keyboard import Keyboard

MS = 1000
D_MINOR_7 = (50, 53, 57, 60)


class Held(HeldChord):
    """A held chord and the keyboard that it hears."""

    def __init__(self) -> None:
        self.keyboard = Keyboard()
        super().__init__(self.keyboard)

    def take(self, time_us: int, message: bytes) -> None:
        self.hear(self.keyboard.hear(time_us, message))


def pressed(pitches: tuple[int, ...], at_us: int = 0) -> Held:
    held = Held()
    for pitch in pitches:
        held.take(at_us, bytes((0x90, pitch, 80)))
    return held


def test_a_chord_is_known_once_the_fingers_have_landed() -> None:
    held = pressed(D_MINOR_7)
    assert held.chord(5 * MS) is None
    assert held.settles_in_us(5 * MS) == 3 * MS
    chord = held.chord(8 * MS)
    assert chord is not None
    assert chord.name == "Dm7"
    assert held.settles_in_us(9 * MS) is None


def test_the_chord_stays_when_the_keys_are_released_and_goes_when_forgotten() -> None:
    held = pressed(D_MINOR_7)
    held.chord(40 * MS)
    for pitch in D_MINOR_7:
        held.take(1000 * MS, bytes((0x90, pitch, 0)))  # velocity 0 releases, as MIDI has it
    chord = held.chord(2000 * MS)
    assert chord is not None
    assert chord.name == "Dm7"
    assert held.released_for_us(2000 * MS) == 1000 * MS
    held.forget()
    assert held.chord(2001 * MS) is None


def test_the_pedal_holds_and_a_key_of_another_channel_too() -> None:
    held = pressed(D_MINOR_7)
    held.take(0, bytes((0xB0, 64, 127)))
    for pitch in D_MINOR_7:
        held.take(100 * MS, bytes((0x80, pitch, 0)))
    assert held.released_for_us(5000 * MS) == 0
    held.take(5000 * MS, bytes((0xB0, 64, 0)))
    assert held.released_for_us(5100 * MS) == 100 * MS
    held.take(6000 * MS, bytes((0x91, 50, 80)))
    held.take(6000 * MS, bytes((0x80, 50, 0)))  # on channel 1; the key is down on channel 2
    assert held.released_for_us(7000 * MS) == 0


@pytest.mark.parametrize("controller", [120, 123, 124, 125, 126, 127])
def test_all_notes_off_releases_every_key(controller: int) -> None:
    held = pressed(D_MINOR_7)
    held.take(100 * MS, bytes((0xB0, controller, 0)))
    assert held.released_for_us(300 * MS) == 200 * MS


def test_reset_controllers_lifts_the_pedal_and_all_notes_off_does_not() -> None:
    held = pressed(D_MINOR_7)
    held.take(0, bytes((0xB0, 64, 127)))
    held.take(100 * MS, bytes((0xB0, 123, 0)))
    assert held.released_for_us(5000 * MS) == 0
    held.take(5000 * MS, bytes((0xB0, 121, 0)))
    assert held.released_for_us(5100 * MS) == 100 * MS


def test_a_pedal_that_is_down_counts_for_keys_pressed_after_the_chord_was_forgotten() -> None:
    held = Held()
    held.take(0, bytes((0xB0, 64, 127)))
    held.forget()
    for pitch in D_MINOR_7:
        held.take(10 * MS, bytes((0x90, pitch, 80)))
        held.take(20 * MS, bytes((0x80, pitch, 0)))
    assert held.released_for_us(5000 * MS) == 0


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_no_bytes_break_it(messages: list[bytes]) -> None:
    held = Held()
    for i, message in enumerate(messages):
        held.take(i * MS, message)
        held.chord(i * MS)
        assert held.released_for_us(i * MS) >= 0
