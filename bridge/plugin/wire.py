"""The frames between plug-in and engine: native/plugin/messages.cpp has the twin, docs/PLUGIN.md the specification.

A frame is a byte of type, one of zero, two of length, and the payload. Numbers are little-endian; beats are millionths
of a quarter, counted by the plug-in.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from bridge.errors import BridgeError
from bridge.live.commands import FollowHost

__all__ = [
    "EVERY_INSTANCE", "LONGEST_TEXT", "MICRO", "NOBODY", "TOKEN_SIZE", "VERSION", "Frames", "Hello", "Key", "Now",
    "Parameter", "Restart", "Tell", "Text", "ToEngine", "alive", "cancel", "done", "hello", "note", "parameter",
    "read_status", "silence", "status", "tell", "text", "to_micro", "welcome",
]  # fmt: skip

VERSION: Final = 1
EVERY_INSTANCE: Final = 0
NOBODY: Final = "0 instances were told"  # as the answer to a Tell begins that reached none
TOKEN_SIZE: Final = 32
MICRO: Final = 1e-6  # of a quarter
LONGEST_TEXT: Final = 60_000  # bytes, as native/plugin/project_text.h has it
_HEADER: Final = struct.Struct("<BBH")
_PLACE: Final = struct.Struct("<qqdqqIHHB")
_PLAYING, _LOOPING = 1, 2
HELLO, PLACE, KEY, PARAMETER, TEXT, NOW, RESTART, TELL = range(1, 9)
WELCOME, NOTE, CANCEL, SILENCE, DONE, STATUS, PARAMETER_BACK, TEXT_BACK, ALIVE = range(65, 74)


@dataclass(frozen=True)
class Hello:
    """The first frame of a connection."""

    version: int
    token: bytes


@dataclass(frozen=True)
class Key:
    """A channel message of the player."""

    at: float
    message: bytes


@dataclass(frozen=True)
class Parameter:
    """A parameter's number, as osc_protocol.table.host_rows has it."""

    at: float
    number: int  # the row's
    value: float


@dataclass(frozen=True)
class Text:
    """A text that the project keeps."""

    name: str
    text: str


@dataclass(frozen=True)
class Tell:
    """A text for the projects of other connections: the sender is no plug-in. instance: EVERY_INSTANCE, or a number."""

    instance: int
    name: str
    text: str


@dataclass(frozen=True)
class Now:
    """Up to `at` nothing can be changed any more. offline: the host waits for done(serial)."""

    at: float
    serial: int
    offline: bool


@dataclass(frozen=True)
class Restart:
    """A render begins, on a count that begins anew."""


ToEngine = Hello | FollowHost | Key | Parameter | Text | Now | Restart | Tell


class Frames:
    """Makes messages of the bytes that a plug-in sends, however they are cut."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, data: bytes) -> Iterator[ToEngine]:
        """Yields what has become whole. BridgeError: this is no plug-in of our version."""
        self._bytes += data
        for kind, payload in _whole_frames(self._bytes):
            try:
                yield _READERS[kind](payload)
            except (struct.error, UnicodeDecodeError, IndexError, KeyError) as error:
                raise BridgeError(f"a plug-in sent a broken frame of type {kind}: install it anew") from error


def hello(token: bytes) -> bytes:
    """Returns the first frame of a connection."""
    return _frame(HELLO, struct.pack("<H", VERSION) + token)


def tell(instance: int, name: str, value: str) -> bytes:
    """Returns a text for the project of an instance, numbered from 1, or of EVERY_INSTANCE."""
    return _frame(TELL, struct.pack("<H", instance) + _named(name, value))


def welcome() -> bytes:
    """Returns the answer to a Hello whose token is right."""
    return _frame(WELCOME, struct.pack("<H", VERSION))


def note(epoch: int, at: int, message: bytes) -> bytes:
    """Returns a channel message that is due at a beat, in microbeats."""
    return _frame(NOTE, struct.pack("<Iq", epoch, at) + message)


def cancel(epoch: int, at: int) -> bytes:
    """Returns the withdrawal of all that is due at or after a beat, in microbeats."""
    return _frame(CANCEL, struct.pack("<Iq", epoch, at))


def silence(epoch: int) -> bytes:
    """Returns the withdrawal of everything, and the end of what sounds."""
    return _frame(SILENCE, struct.pack("<I", epoch))


def done(serial: int) -> bytes:
    """Returns the answer to a Now that waits for it."""
    return _frame(DONE, struct.pack("<I", serial))


def status(said: str) -> bytes:
    """Returns what the host shows as the engine's state; empty: nothing is wrong."""
    return _frame(STATUS, said.encode("utf-8")[:200].decode("utf-8", "ignore").encode("utf-8"))  # whole letters


def parameter(number: int, value: float) -> bytes:
    """Returns a parameter that another surface has set."""
    return _frame(PARAMETER_BACK, struct.pack("<Id", number, value))


def text(name: str, value: str) -> bytes:
    """Returns a text that another surface has set."""
    return _frame(TEXT_BACK, _named(name, value))


def alive() -> bytes:
    """Returns what says that the session's rounds go on."""
    return _frame(ALIVE, b"")


def to_micro(beat: float) -> int:
    """Returns a beat in microbeats."""
    return round(beat / MICRO)


def read_status(data: bytes) -> str | None:
    """Returns the text of the first status among whole frames to a plug-in; None while none has come."""
    return next(
        (payload.decode("utf-8", "replace") for kind, payload in _whole_frames(bytearray(data)) if kind == STATUS), None
    )


def _whole_frames(data: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes whole frames out of what has come, one by one: type and payload."""
    while len(data) >= _HEADER.size:
        kind, _, length = _HEADER.unpack_from(data)
        if len(data) < _HEADER.size + length:
            return
        payload = bytes(data[_HEADER.size : _HEADER.size + length])
        del data[: _HEADER.size + length]
        yield kind, payload


def _frame(kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(kind, 0, len(payload)) + payload


def _named(name: str, value: str) -> bytes:
    """BridgeError: projects keep no text of such a length."""
    plain, content = name.encode("ascii"), value.encode("utf-8")
    if len(content) > LONGEST_TEXT:
        raise BridgeError(f"a text of {len(content)} bytes is too long: the plug-in keeps at most {LONGEST_TEXT:,}")
    return bytes([len(plain)]) + plain + content


def _hello(payload: bytes) -> Hello:
    version, token = struct.unpack(f"<H{TOKEN_SIZE}s", payload)
    return Hello(version, token)


def _place(payload: bytes) -> FollowHost:
    at, song, tempo_bpm, loop_start, loop_end, epoch, count, unit, flags = _PLACE.unpack(payload)
    if not 0 < tempo_bpm < math.inf:  # the plug-in has refused the host's: only a stranger sends it
        raise BridgeError("a plug-in sent a tempo that is none: install it anew")
    looping = flags & _LOOPING
    return FollowHost(
        at=at * MICRO,
        song=song * MICRO,
        tempo_bpm=tempo_bpm,
        metre=f"{count}/{unit}",
        playing=bool(flags & _PLAYING),
        loop_start=loop_start * MICRO if looping else 0.0,
        loop_end=loop_end * MICRO if looping else 0.0,
        epoch=epoch,
    )


def _key(payload: bytes) -> Key:
    at, message = struct.unpack("<q3s", payload)
    return Key(at * MICRO, message)


def _parameter(payload: bytes) -> Parameter:
    at, number, value = struct.unpack("<qId", payload)
    return Parameter(at * MICRO, number, value)


def _text(payload: bytes) -> Text:
    end = 1 + payload[0]
    return Text(payload[1:end].decode("ascii"), payload[end:].decode("utf-8"))


def _tell(payload: bytes) -> Tell:
    (instance,) = struct.unpack_from("<H", payload)
    text = _text(payload[2:])
    return Tell(instance, text.name, text.text)


def _now(payload: bytes) -> Now:
    at, serial, offline = struct.unpack("<qIB", payload)
    return Now(at * MICRO, serial, bool(offline))


def _restart(payload: bytes) -> Restart:
    struct.unpack("<q", payload)
    return Restart()


_READERS: Final[Mapping[int, Callable[[bytes], ToEngine]]] = {
    HELLO: _hello, PLACE: _place, KEY: _key, PARAMETER: _parameter, TEXT: _text, NOW: _now, RESTART: _restart,
    TELL: _tell,
}  # fmt: skip
