"""The small OSC that runs inside FL Studio: messages of ints, floats and strings, and bundles to send.

The engine itself uses python-osc (codec.py); the tests hold the two to the same bytes. This source is copied as it
stands into the FL script by `sideman fl install`. FL 20.9 lacks `struct`, so IEEE 754 is done by hand.
"""

import math

__all__ = ["decode_message", "encode_bundle", "encode_message", "float_to_word", "word_to_float"]


def float_to_word(value: float) -> int:
    """The 32 bits of the IEEE 754 single nearest to value, ties to even; too large becomes infinity."""
    if value != value:
        return 0x7FC00000
    sign = 0x80000000 if math.copysign(1.0, value) < 0 else 0
    value = abs(value)
    if value == 0.0:
        return sign
    if value > 3.5e38:  # beyond the largest single; also what frexp could not take apart
        return sign | 0x7F800000
    fraction, exponent = math.frexp(value)  # value == fraction * 2**exponent, 0.5 <= fraction < 1
    if exponent < -125:  # a subnormal: its exponent stays, its fraction loses digits
        return sign | round(math.ldexp(value, 149))
    mantissa = round(math.ldexp(fraction, 24))  # 2**23 .. 2**24; rounding up to 2**24 carries into the exponent
    return sign | min(((exponent + 125) << 23) + mantissa, 0x7F800000)


def word_to_float(word: int) -> float:
    """The value of 32 bits of IEEE 754 single precision."""
    sign = -1.0 if word >> 31 else 1.0
    exponent, mantissa = (word >> 23) & 0xFF, word & 0x7FFFFF
    if exponent == 0xFF:
        return sign * float("nan" if mantissa else "inf")
    if exponent == 0:
        return sign * math.ldexp(mantissa, -149)
    return sign * math.ldexp(mantissa | 0x800000, exponent - 150)


def encode_message(address: str, tags: str, values: "tuple[float | int | str, ...]") -> bytes:
    """One OSC message. tags: i, f or s for each value. ValueError for any other tag."""
    packet = _padded(address) + _padded("," + tags)
    for tag, value in zip(tags, values):  # noqa: B905 - `strict` came after Python 3.9
        if tag == "s":
            packet += _padded(str(value))
        elif tag == "i":
            packet += (int(value) & 0xFFFFFFFF).to_bytes(4, "big")
        elif tag == "f":
            packet += float_to_word(float(value)).to_bytes(4, "big")
        else:
            raise ValueError("an OSC argument here is i, f or s, not " + tag)
    return packet


def encode_bundle(messages: "list[bytes]") -> bytes:
    """One OSC bundle of messages that are acted on at once, in their order."""
    packet = b"#bundle\x00" + bytes(7) + b"\x01"  # the time tag that means immediately
    for message in messages:
        packet += len(message).to_bytes(4, "big") + message
    return packet


def decode_message(packet: bytes) -> "tuple[str, list[float | int | str]]":
    """(address, values) of one OSC message of ints, floats, strings and booleans. ValueError for anything else."""
    address, at = _text(packet, 0)
    if not address.startswith("/"):
        raise ValueError("an OSC address starts with /")
    tags, at = _text(packet, at) if at < len(packet) else (",", at)
    values = []  # type: list[float | int | str]
    for tag in tags[1:]:
        if tag == "s":
            text, at = _text(packet, at)
            values.append(text)
        elif tag in "TF":
            values.append(int(tag == "T"))
        elif tag in "if":
            if at + 4 > len(packet):
                raise ValueError("the OSC message is cut off")
            word = int.from_bytes(packet[at : at + 4], "big")
            at += 4
            values.append(word_to_float(word) if tag == "f" else word - ((word & 0x80000000) << 1))
        else:
            raise ValueError("an OSC argument here is i, f or s, not " + tag)
    return address, values


def _padded(text: str) -> bytes:
    data = text.encode("utf-8")
    return data + bytes(4 - len(data) % 4)


def _text(packet: bytes, at: int) -> "tuple[str, int]":
    end = packet.find(b"\x00", at)
    if end < 0:
        raise ValueError("the OSC message is cut off")
    return packet[at:end].decode("utf-8", "replace"), at + (end - at) // 4 * 4 + 4
