"""What the engine says of itself: the reply addresses, and the packets that tell a value or a refusal."""

from __future__ import annotations

from typing import Final

from osc_protocol.table.parameters import AUTO, BY_NAME, Value, in_type
from osc_protocol.table.twins import NORM, has_position, to_norm
from osc_protocol.wire.codec import encode

__all__ = [
    "ASKED", "ERROR", "PONG", "REPLIES", "STATUS", "VALUE", "asked_packet", "feedback_packets", "refusal", "typed",
    "value_packet",
]  # fmt: skip

PONG: Final = "/sideman/pong"
VALUE: Final = "/sideman/value"
ASKED: Final = "/sideman/asked"
STATUS: Final = "/sideman/status"
ERROR: Final = "/sideman/error"
REPLIES: Final = (PONG, VALUE, ASKED, STATUS, ERROR)


def typed(name: str, value: Value) -> Value:
    """The value in the row's type: an engine that keeps 1 for 1.0 must not change the type on the wire. AUTO stays."""
    return AUTO if value == AUTO else in_type(BY_NAME[name], value)


def value_packet(name: str, value: Value) -> bytes:
    """`/sideman/value name value`."""
    return encode(VALUE, name, typed(name, value))


def asked_packet(name: str, value: Value) -> bytes:
    """`/sideman/asked name value`: what applies, where the value in force may be AUTO; AUTO where nothing is asked."""
    return encode(ASKED, name, typed(name, value))


def feedback_packets(name: str, value: Value) -> list[bytes]:
    """The value at its own address, and at its 0..1 twin where it has one: what a fader listens to."""
    row = BY_NAME[name]
    packets = [encode(row.address, in_type(row, value))]
    return [*packets, encode(NORM + name, to_norm(row, value))] if has_position(row) else packets


def refusal(address: str, error: Exception) -> bytes:
    """`/sideman/error address reason`, the reason in one line; `/` for an address that a terminal must not be shown."""
    text = "".join(sign for sign in " ".join(str(error).split()) if sign.isprintable())
    if not text or isinstance(error, LookupError | TypeError | AttributeError | AssertionError):
        text = f"the engine failed on this message ({type(error).__name__}: {text})"
    return encode(ERROR, address[:200] if address.isprintable() else "/", text[:500])
