"""OSC packets in and out, thin on python-osc, with the limits that a packet from the network needs."""

from __future__ import annotations

import re
import struct
from typing import Final, NamedTuple

from pythonosc import osc_message
from pythonosc.parsing import osc_types

from osc_protocol.errors import PacketError
from osc_protocol.table.parameters import Value

__all__ = [
    "MAX_NESTING",
    "MAX_PACKET_BYTES",
    "Message",
    "TimedMessage",
    "address_of",
    "decode",
    "decode_timed",
    "encode",
]

MAX_PACKET_BYTES: Final = 4096
MAX_NESTING: Final = 8  # bundles in bundles
_LONGEST_ADDRESS: Final = 200  # that a refusal repeats
_ARRAY: Final = re.compile(r"\[([^\[\]]*)\]")  # with none inside
_BUNDLE: Final = b"#bundle\x00"
_NTP_EPOCH_S: Final = 2_208_988_800  # from 1900 to 1970
_NTP_ERA_S: Final = 2**32  # the seconds of a time tag begin anew on 2036-02-07, at 06:28:16 UTC
# By type tag. Colours, MIDI messages, blobs and time tags, which python-osc reads too, are no values of anything here.
_LEAST_BYTES: Final = dict.fromkeys("ifs", 4) | dict.fromkeys("hd", 8) | dict.fromkeys("TFN", 0)
_KNOWN_TAGS: Final = frozenset(_LEAST_BYTES)


class Message(NamedTuple):
    """One OSC message. arguments are as python-osc reads them; floats are the shortest that a 32-bit float holds."""

    address: str
    arguments: tuple[object, ...]


class TimedMessage(NamedTuple):
    """A message and the time tag of its bundle in Unix seconds, UTC; None for at once."""

    message: Message
    due_s: float | None


def encode(address: str, *values: Value) -> bytes:
    """Encodes a message: floats as f, ints as i (h past 32 bits), text as s. PacketError for what OSC cannot hold."""
    tags, data = ",", b""
    try:
        for value in values:  # python-osc's builder reads every message again that it has built: half of the time
            if isinstance(value, str):
                tags, data = tags + "s", data + osc_types.write_string(value.replace("\x00", " "))
            elif isinstance(value, bool):
                tags += "T" if value else "F"
            elif isinstance(value, int) and -(2**31) <= value < 2**31:
                tags, data = tags + "i", data + osc_types.write_int(value)
            elif isinstance(value, int):
                tags, data = tags + "h", data + osc_types.write_int64(value)
            else:
                tags, data = tags + "f", data + osc_types.write_float(value)
        return bytes(osc_types.write_string(address) + osc_types.write_string(tags) + data)
    except (osc_types.BuildError, OverflowError, ValueError) as error:
        raise PacketError(f"{address} {values!r} does not fit an OSC message: {error}") from error


def decode(packet: bytes) -> list[Message]:
    """Returns the messages of one packet in their order, as decode_timed() does, but without time tags."""
    return [message for message, _ in decode_timed(packet)]


def decode_timed(packet: bytes) -> list[TimedMessage]:
    """Returns the messages of one packet in their order, bundles unpacked; the caller waits for their time tags.

    PacketError if any part of the packet is malformed (then nothing of it counts), if it exceeds MAX_PACKET_BYTES or
    nests bundles deeper than MAX_NESTING.
    """
    if len(packet) > MAX_PACKET_BYTES:
        error = PacketError(f"the packet has {len(packet)} bytes: at most {MAX_PACKET_BYTES} are taken, send several")
        error.address = address_of(packet)
        raise error
    messages: list[TimedMessage] = []
    _unpack(packet, 0, None, messages)
    return messages


def address_of(packet: bytes) -> str:
    """The address of a message that may be malformed beyond it; the root, `/`, where there is none to be read."""
    address = packet[:_LONGEST_ADDRESS].split(b"\x00", 1)[0].decode("ascii", "replace")
    return address if address.startswith("/") and address.isprintable() and address.isascii() else "/"


def _unpack(packet: bytes, depth: int, due_s: float | None, messages: list[TimedMessage]) -> None:
    if not packet.startswith(_BUNDLE):
        try:
            messages.append(TimedMessage(_message(packet), due_s))
        except PacketError as error:
            error.address = address_of(packet)
            raise
        return
    if depth >= MAX_NESTING:
        raise PacketError(f"bundles nest deeper than {MAX_NESTING}: send them flat")
    at = len(_BUNDLE) + 8  # past the time tag
    if len(packet) < at:
        raise PacketError(f"a bundle of {len(packet)} bytes is cut off")
    own_s = _unix_s(packet[len(_BUNDLE) : at])
    if own_s is not None:  # OSC 1.0 wants an inner bundle due no earlier than the outer one
        due_s = own_s if due_s is None else max(own_s, due_s)
    while at < len(packet):
        size = int.from_bytes(packet[at : at + 4], "big")
        at += 4
        if size == 0 or at + size > len(packet):
            raise PacketError(f"a bundle element of {size} bytes does not fit its bundle")
        _unpack(packet[at : at + size], depth + 1, due_s, messages)
        at += size


def _message(packet: bytes) -> Message:
    if not packet.startswith(b"/"):
        raise PacketError(f"{len(packet)} bytes that are neither an OSC message nor a bundle: both begin with / or #")
    cut_off = f"{len(packet)} bytes of malformed OSC: a string, a number or the type tags are cut off or unreadable"
    if len(packet) % 4:
        raise PacketError(cut_off)
    try:
        tags_at = _after_string(packet, 0)
        at = _after_string(packet, tags_at) if tags_at < len(packet) else tags_at
        tags = packet[tags_at:at].rstrip(b"\x00").decode() or ","
        if not _KNOWN_TAGS.issuperset(tags[1:]):  # python-osc would skip them and log
            plain = _plain(tags)
            if unknown := set(plain[1:]) - _KNOWN_TAGS:
                raise PacketError(f"argument type {min(unknown)!r} is not taken: send numbers or text")
            written = osc_types.write_string(plain)
            packet = packet[:tags_at] + written + packet[at:]
            tags, at = plain, tags_at + len(written)
        least_bytes = sum(map(_LEAST_BYTES.__getitem__, tags[1:]))
        if len(packet) - at < least_bytes:  # python-osc would read a missing float as 0
            raise PacketError(cut_off)
        message = osc_message.OscMessage(packet)
    except PacketError:
        raise
    except (osc_types.ParseError, osc_message.ParseError, ValueError, OverflowError, struct.error) as error:
        raise PacketError(cut_off) from error
    return Message(message.address, tuple(_tidy(value) for value in message.params))


def _plain(tags: str) -> str:
    """The tags as python-osc and the table take them. PacketError for an array that is more than one value.

    An impulse, which python-osc would drop, says as much as true; a symbol is a text; an array of one is its element.
    """
    plain = tags.replace("I", "T").replace("S", "s")
    while found := _ARRAY.search(plain):
        if len(found[1]) != 1:
            raise PacketError(f"an array of {len(found[1])} values is not taken: send one value")
        plain = plain[: found.start()] + found[1] + plain[found.end() :]
    if "[" in plain or "]" in plain:
        raise PacketError(f"the type tags {tags[:20]!r} open and close their arrays unevenly")
    return plain


def _after_string(packet: bytes, at: int) -> int:
    """Where the OSC string that begins there ends, its padding too. ValueError if it never does."""
    return packet.index(0, at) // 4 * 4 + 4


def _unix_s(time_tag: bytes) -> float | None:
    """Converts an NTP time tag to Unix seconds; None for OSC's "immediately".

    The years are 1968 to 2104: of the two eras the highest bit tells the first, which ends in 2036 (RFC 4330, 3).
    """
    ticks = int.from_bytes(time_tag, "big")
    if ticks <= 1:
        return None
    era_s = 0 if time_tag[0] & 0x80 else _NTP_ERA_S
    return ticks / 2**32 + era_s - _NTP_EPOCH_S


def _tidy(value: object) -> object:
    """0.8500000238418579, which is the 32-bit float nearest to 0.85, -> 0.85."""
    if not isinstance(value, float) or abs(value) > 3e38 or value != value:
        return value
    single = struct.pack(">f", value)
    if struct.unpack(">f", single)[0] != value:
        return value
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        if struct.pack(">f", short) == single:
            return short
    return value
