"""SysEx frames that carry OSC packets between the engine and FL Studio, whose scripts cannot rely on sockets.

One frame, at most 256 bytes (Windows drivers lose longer ones without a word):

    F0 7D 53 4D   non-commercial id, "SM"
    direction     1 to the engine, 2 to FL Studio: macOS' IAC bus echoes what we send, and an echo has the wrong one
    sequence      0..127, counts packets of one direction
    part parts    0-based part, number of parts
    body          the packet's bytes, 7 of them in 8: first their high bits, then their low seven bits
    checksum      direction to checksum add up to 0 modulo 128
    F7

This source is copied as it stands into the FL script by `sideman fl install`, and FL 20.9 runs it on
Python 3.9 with hardly a module to import. Hence the plain annotations, and `time` as the only import.
"""

import time

__all__ = [
    "MAX_FRAME",
    "MAX_PACKET",
    "PUMP",
    "TICK",
    "TO_ENGINE",
    "TO_FL",
    "Reassembler",
    "is_frame",
    "pack",
    "pack7",
    "unpack7",
]

TO_ENGINE = 1
TO_FL = 2
MAX_FRAME = 256  # bytes, F0 and F7 included
MAX_PACKET = 4096  # bytes of OSC in one packet
TICK = b"\xdf\x00"  # beside the frames, to FL: no pressure on channel 16, so that whoever else hears it does nothing
PUMP = "/sideman/pump"  # what the script asks for ticks with; it is the control port's own, and not OSC's

_HEADER = b"\xf0\x7d\x53\x4d"
_CHUNK = 210  # packet bytes in a frame: 30 groups of 7, so 4 + 4 + 240 + 2 = 250 bytes of frame


def pack7(data: bytes) -> bytes:
    """Any bytes -> bytes below 128, eight for each seven."""
    packed = bytearray()
    for start in range(0, len(data), 7):
        group = data[start : start + 7]
        high_bits = 0
        for index, byte in enumerate(group):
            high_bits |= (byte >> 7) << index
        packed.append(high_bits)
        packed.extend(byte & 127 for byte in group)
    return bytes(packed)


def unpack7(packed: bytes) -> bytes:
    """The inverse of pack7. ValueError for what pack7 cannot have made."""
    data = bytearray()
    for start in range(0, len(packed), 8):
        group = packed[start : start + 8]
        if len(group) < 2 or group[0] >> (len(group) - 1):
            raise ValueError("a group of packed bytes is cut off")
        for index in range(1, len(group)):
            if group[index] > 127:
                raise ValueError("a packed byte has its high bit set")
            data.append(group[index] | ((group[0] >> (index - 1)) & 1) << 7)
    return bytes(data)


def pack(packet: bytes, direction: int, sequence: int) -> "list[bytes]":
    """One OSC packet -> its frames, F0 to F7. ValueError if the packet exceeds MAX_PACKET or is empty.

    sequence: the sender's count of packets; it is taken modulo 128.
    """
    if not 0 < len(packet) <= MAX_PACKET:
        raise ValueError(f"an OSC packet of {len(packet)} bytes does not fit: 1..{MAX_PACKET} go through SysEx")
    chunks = [packet[start : start + _CHUNK] for start in range(0, len(packet), _CHUNK)]
    frames = []
    for part, chunk in enumerate(chunks):
        body = bytes((direction, sequence & 127, part, len(chunks))) + pack7(chunk)
        frames.append(_HEADER + body + bytes((-sum(body) & 127, 0xF7)))
    return frames


def is_frame(message: bytes) -> bool:
    """Whether a SysEx message, with or without its F0, opens as one of ours."""
    return message[:4] == _HEADER or message[:3] == _HEADER[1:]


class Reassembler:
    """Puts the frames of one direction together again. Never raises; what it drops, it counts.

    bad: malformed frames and wrong checksums. echoed: frames of the other direction. repeated: frames delivered twice,
    as FL Studio does that calls both OnSysEx and OnMidiMsg. lost: packets of which parts never came.
    """

    def __init__(self, direction: int, timeout_s: float = 1.0) -> None:
        self.bad = 0
        self.echoed = 0
        self.repeated = 0
        self.lost = 0
        self._direction = direction
        self._timeout_s = timeout_s
        self._parts = {}  # type: dict[int, bytes]
        self._sequence = -1  # of the packet being put together
        self._count = 0  # its number of parts
        self._last = b""  # the latest frame taken, and when
        self._last_s = 0.0

    def feed(self, frame: bytes, now_s: "float | None" = None) -> "bytes | None":
        """Takes one SysEx message, F0 and F7 optional; returns the OSC packet that it completes, or None.

        now_s: seconds on any steady clock, time.monotonic() if not given.
        """
        now_s = time.monotonic() if now_s is None else now_s
        if self._parts and now_s - self._last_s > self._timeout_s:
            self._abandon()
        body = self._open(frame)
        if body is None:
            return None
        if body == self._last and now_s - self._last_s <= self._timeout_s:
            self.repeated += 1
            return None
        try:
            chunk = unpack7(body[4:])
        except ValueError:
            self.bad += 1
            return None
        sequence, part, count = body[1], body[2], body[3]
        if self._parts and (sequence != self._sequence or count != self._count):
            self._abandon()
        self._last, self._last_s = body, now_s
        self._sequence, self._count = sequence, count
        self._parts[part] = chunk
        if len(self._parts) < count:
            return None
        packet = b"".join(self._parts[index] for index in range(count))
        self._parts = {}
        return packet

    def _open(self, frame: bytes) -> "bytes | None":
        """The body of a sound frame of our direction: direction, sequence, part, parts, packed bytes."""
        if frame[:1] == b"\xf0":
            frame = frame[1:]
        if frame[-1:] == b"\xf7":
            frame = frame[:-1]
        body = frame[3:-1]
        sound = frame[:3] == _HEADER[1:] and len(frame) + 2 <= MAX_FRAME and len(body) > 5 and max(frame) < 128
        if not sound or sum(frame[3:]) & 127 or not body[2] < body[3] <= MAX_PACKET // _CHUNK + 1:
            self.bad += 1
            return None
        if body[0] != self._direction:
            self.echoed += 1
            return None
        return body

    def _abandon(self) -> None:
        self._parts = {}
        self.lost += 1
