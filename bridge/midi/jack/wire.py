"""The frames between a session (host) and the process that holds its JACK ports (child).

A frame is a head, `<IB`: the size of what follows the head, and a port's number; then MIDI bytes, for ports from 1 on,
or a JSON object for number 0.

    to the child     {"open": n, "kind": "in", "own": "Sideman In", "existing": null, "sysex": false, "clock": false}
                     the end of the stream                  leave
    to the session   {"opened": n, "name": "Sideman In"}    {"refused": n, "why": "..."}
                     {"gone": n} {"back": n}                an existing port that was named went away, or came again
                     {"unwatched": "..."}                   the server's death will not be noticed
                     {"died": "..."}                        it has died; the child leaves
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["CONTROL", "control_frame", "frame", "frames"]

CONTROL: Final = 0
_HEAD: Final = struct.Struct("<IB")


def frame(port: int, payload: bytes) -> bytes:
    """Packs one frame."""
    return _HEAD.pack(len(payload), port) + payload


def control_frame(**what: Any) -> bytes:
    """Packs a frame with a JSON object."""
    return frame(CONTROL, json.dumps(what).encode())


def frames(file: int) -> Iterator[tuple[int, bytes]]:
    """Yields (port, payload) of the frames of a file descriptor, until its end."""
    waiting = b""
    while piece := os.read(file, 65536):
        waiting += piece
        while len(waiting) >= _HEAD.size:
            size, port = _HEAD.unpack_from(waiting)
            if len(waiting) < _HEAD.size + size:
                break
            yield port, waiting[_HEAD.size : _HEAD.size + size]
            waiting = waiting[_HEAD.size + size :]
