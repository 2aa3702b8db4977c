"""Makes whole messages of what a MIDI port delivers. Some systems deliver the bytes of the wire as they come.

Running status, several messages in one piece, real-time bytes inside others, SysEx in pieces or never ended, data bytes
without a status: all of it comes out as whole messages or not at all, as the MIDI 1.0 specification reads a wire.
"""

from __future__ import annotations

from typing import Final

from bridge.midi.numbers import SYSEX, SYSTEM

__all__ = ["MAX_SYSEX_BYTES", "MessageReader"]

MAX_SYSEX_BYTES: Final = 65_536  # a longer one is no message of ours
SYSEX_END, REAL_TIME, ACTIVE_SENSING = 0xF7, 0xF8, 0xFE
_UNDEFINED: Final = frozenset((0xF4, 0xF5, 0xF9, 0xFD))
_SYSTEM_DATA: Final = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0}  # data bytes of the system common messages


class MessageReader:
    """One port's bytes. One thread: the MIDI system's, so nothing here waits, and the usual case is quick."""

    def __init__(self) -> None:
        self.garbage = 0  # bytes that belonged to no message
        self._status = 0  # that is being read, or that holds for data to come; 0 for none
        self._data = bytearray()
        self._sysex: bytearray | None = None

    def read(self, piece: bytes) -> list[bytes]:
        """Returns the messages that this piece completes, in the order of their ends, without active sensing."""
        if len(piece) == 3 and self._sysex is None and 0x80 <= piece[0] < 0xC0 and piece[1] < 0x80 and piece[2] < 0x80:
            self.garbage += len(self._data)
            self._data.clear()
            self._status = piece[0]
            return [piece]
        messages: list[bytes] = []
        for byte in piece:
            if byte >= REAL_TIME:
                if byte not in _UNDEFINED and byte != ACTIVE_SENSING:
                    messages.append(bytes((byte,)))
            elif byte >= 0x80:
                self._take_status(byte, messages)
            else:
                self._take_data(byte, messages)
        return messages

    def _take_status(self, byte: int, messages: list[bytes]) -> None:
        if self._sysex is not None:
            if byte == SYSEX_END and len(self._sysex) < MAX_SYSEX_BYTES:
                messages.append(bytes((*self._sysex, SYSEX_END)))
            else:  # any other status ends it, unfinished
                self.garbage += len(self._sysex)
            self._sysex = None
            if byte == SYSEX_END:
                return
        self.garbage += len(self._data)
        self._data.clear()
        self._status = 0
        if byte == SYSEX:
            self._sysex = bytearray((SYSEX,))
        elif byte in _UNDEFINED or byte == SYSEX_END:
            self.garbage += 1
        elif _SYSTEM_DATA.get(byte) == 0:
            messages.append(bytes((byte,)))
        else:
            self._status = byte

    def _take_data(self, byte: int, messages: list[bytes]) -> None:
        if self._sysex is not None:
            if len(self._sysex) < MAX_SYSEX_BYTES:
                self._sysex.append(byte)
        elif not self._status:
            self.garbage += 1
        else:
            self._data.append(byte)
            if len(self._data) == _data_bytes(self._status):
                messages.append(bytes((self._status, *self._data)))
                self._data.clear()
                if self._status >= SYSTEM:  # channel messages alone leave a running status
                    self._status = 0


def _data_bytes(status: int) -> int:
    if status >= SYSTEM:
        return _SYSTEM_DATA[status]
    return 1 if 0xC0 <= status < 0xE0 else 2
