"""Buttons and pads: controllers and notes that send a command, or set a parameter outright.

buttons:
  play: 102                                 # a controller number: from 64 up it is pressed
  stop: {note: 37, channel: 10}             # a pad's note, which the sideman then does not hear as music
  mode trade: {note: 40, channel: 10}
  style ragtime: {cc: 3}
  density auto: {cc: 9}                     # any parameter, by a value of its own
  ending 4: {cc: 14}                        # in four bars
  again 5-8: {note: 41}                     # any command, by an argument of its own
  variation 2 5-8: {note: 42}
  panic: off                                # no button
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.errors import CcMapError
from bridge.midi.numbers import CONTROL_CHANGE, NOTE_OFF, NOTE_ON
from osc_protocol.table.parameters import (
    BY_NAME,
    COMMANDS,
    Command,
    ParameterError,
    Value,
    check_arguments,
    nearest,
    parse,
)
from osc_protocol.wire.codec import encode

__all__ = ["BUTTON_NAMES", "Button", "Buttons", "button_packet"]

_PRESSED: Final = 64  # of a controller
_NOT_PRESSED: Final = ("/sideman/ping", "/sideman/get")  # they ask for an answer
_COMMANDS: Final = {
    row.name: row for row in COMMANDS if (row.is_pressed or row.types == "s") and row.address not in _NOT_PRESSED
}

BUTTON_NAMES: Final = tuple(
    name
    for row in _COMMANDS.values()
    for name in ([f"{row.name} {choice}" for choice in row.choices] or [row.name])
    if row.is_pressed or row.choices
)
"""The commands that a button can send as they are; those that take text, with it, `variation 2 5-8`, `chords Dm7 | G7`;
and every parameter with a value, `mode trade`, `density auto`."""


@dataclass(frozen=True)
class Button:
    """One button. channel: 0..15; None: the map's own."""

    name: str  # of what it does
    number: int  # of the controller or of the note
    is_note: bool = False
    channel: int | None = None
    is_default: bool = False  # from the table, not from the user

    @property
    def numbers(self) -> frozenset[int]:
        """The controller numbers that it alone uses."""
        return frozenset() if self.is_note else frozenset({self.number})


def button_packet(name: str, where: str) -> bytes:
    """Returns the OSC message that a button of this name sends. CcMapError, listing what there is."""
    what, _, text = (part.strip() for part in name.partition(" "))
    try:
        for row in _COMMANDS.values():
            if row.is_pressed and name == row.name:
                return encode(row.address, *check_arguments(row.address, ()))
            if row.types and name.startswith(row.name + " "):
                return encode(row.address, *check_arguments(row.address, (_argument(row, name[len(row.name) :]),)))
        if what in BY_NAME and text:
            return encode(BY_NAME[what].address, parse(what, text).value)
    except ParameterError as error:
        raise CcMapError(f"{where}: {error}") from error
    known = (*BUTTON_NAMES, "`variation 2`, `density bars 5-8 0.9`", "a parameter's name and a value")
    raise CcMapError(f"{where}: no button does {name[:60]!r}{nearest(name, known)}: there are {', '.join(known)}")


def _argument(row: Command, text: str) -> Value:
    text = text.strip()
    return int(text) if row.types == "i" and text.isdecimal() else text


class Buttons:
    """The buttons of one port. press() returns at once: the MIDI system's thread calls it.

    channel: the map's own, 0..15; None hears all.
    """

    def __init__(self, buttons: Iterable[Button], channel: int | None) -> None:
        self._packets: dict[tuple[bool, int, int], bytes] = {}
        self._down: dict[tuple[bool, int, int], int] = {}  # with the value that each was pressed with, or struck
        for button in sorted(buttons, key=lambda button: button.channel is not None):  # one of a channel's own counts
            own = channel if button.channel is None else button.channel
            for heard in range(16) if own is None else (own,):
                self._packets[button.is_note, heard, button.number] = button_packet(button.name, "the controller map")

    def press(self, message: bytes) -> tuple[bool, bytes | None]:
        """Returns whether the message is a button's, and the OSC packet to send now, if any. Any bytes are taken."""
        if len(message) != 3:
            return False, None
        kind = message[0] & 0xF0
        if kind not in (NOTE_OFF, NOTE_ON, CONTROL_CHANGE):
            return False, None
        key = (kind != CONTROL_CHANGE, message[0] & 15, message[1])
        packet = self._packets.get(key)
        if packet is None:
            return False, None
        value = 0 if kind == NOTE_OFF else message[2]
        if kind != CONTROL_CHANGE:
            if value:
                self._down[key] = value
                return True, packet
            # The end of a note that was struck as music, before this map was in force, is music too.
            return self._down.pop(key, None) is not None, None
        if value < _PRESSED:
            self._down.pop(key, None)
            return True, None
        before = self._down.get(key, value)  # a button may send no release; a knob swept upwards is one press
        self._down[key] = value
        return True, packet if before == value else None
