"""Buttons and pads: controllers and notes that send a command, or set a mode or a style outright.

buttons:
  play: 102                                 # a controller number: from 64 up it is pressed
  stop: {note: 37, channel: 10}             # a pad's note, which the sideman then does not hear as music
  mode trade: {note: 40, channel: 10}
  style ragtime: {cc: 110}
  panic: off                                # no button
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.errors import CcMapError
from bridge.midi_numbers import CONTROL_CHANGE, NOTE_OFF, NOTE_ON
from osc_protocol.codec import encode
from osc_protocol.parameters import BY_NAME, COMMANDS, ParameterError, check, nearest

__all__ = ["BUTTON_NAMES", "Button", "Buttons", "button_packet"]

_PRESSED: Final = 64  # of a controller
_COMMANDS: Final = {row.name: row for row in COMMANDS if not row.types and row.address != "/sideman/ping"}
_SETTING: Final = ("mode", "style")  # rows that a button may set: `mode trade`, `style ragtime`

BUTTON_NAMES: Final = tuple(_COMMANDS)
"""The commands that a button can send; besides them `mode NAME` and `style NAME`."""


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
    """The OSC message that a button of this name sends. CcMapError, naming what there is."""
    if name in _COMMANDS:
        return encode(_COMMANDS[name].address)
    row_name, _, value = name.partition(" ")
    if row_name not in _SETTING:
        known = (*BUTTON_NAMES, *(f"{row} NAME" for row in _SETTING))
        raise CcMapError(f"{where}: no button does {name[:60]!r}{nearest(name, known)}: there are {', '.join(known)}")
    try:
        return encode(BY_NAME[row_name].address, check(row_name, value.strip()))
    except ParameterError as error:
        raise CcMapError(f"{where}: {error}") from error


class Buttons:
    """The buttons of one port. press() returns at once: the MIDI system's thread calls it.

    channel: the map's own, 0..15; None hears all.
    """

    def __init__(self, buttons: Iterable[Button], channel: int | None) -> None:
        self._packets: dict[tuple[bool, int, int], bytes] = {}
        self._down: dict[tuple[bool, int, int], int] = {}  # with the value that each was pressed with
        for button in buttons:
            own = channel if button.channel is None else button.channel
            for heard in range(16) if own is None else (own,):
                self._packets[button.is_note, heard, button.number] = button_packet(button.name, "the controller map")

    def press(self, message: bytes) -> tuple[bool, bytes | None]:
        """Whether the message is a button's, and the OSC packet to send now, if so. Any bytes are taken."""
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
        if value < (_PRESSED if kind == CONTROL_CHANGE else 1):
            self._down.pop(key, None)
            return True, None
        before = self._down.get(key, value)  # a pad may send no release; a knob swept upwards is one press
        self._down[key] = value
        return True, packet if before == value else None
