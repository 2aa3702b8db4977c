"""What is said on one websocket of OSCQuery, without the socket: bytes in, bytes out.

    text     {"COMMAND": "LISTEN", "DATA": "/sideman/mode"}, and IGNORE: to hear the changes of a path, or no more
    binary   an OSC packet: from the host it acts as over UDP; to the host it is a value at its path, or an error: a
             refusal of what the host said, or what subscribers over UDP are told of, such as a later one

A path that is listened to is told at once and after every change, the newest value alone, at most RATE_HZ times a
second; what the host said itself is not said back to it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from osc_protocol.errors import PacketError, ParameterError
from osc_protocol.oscquery.frames import POLICY_VIOLATION, UNSUPPORTED_DATA, Frames
from osc_protocol.oscquery.tree import PATHS_OF, value_at
from osc_protocol.server.limits import RateLimit
from osc_protocol.server.server import OscServer
from osc_protocol.server.subscriptions import RATE_HZ
from osc_protocol.server.udp import MAX_PACKETS_PER_S
from osc_protocol.table.parameters import CONTROL_NAMES, nearest
from osc_protocol.wire.codec import MAX_PACKET_BYTES, decode, encode
from osc_protocol.wire.replies import ASKED, ERROR, VALUE, refusal

__all__ = ["Talk"]

_ASKED_AT: Final = {name: f"{ASKED}/{name}" for name in CONTROL_NAMES}
_ERRORS: Final = 32  # that wait to be told, the newest
_PATHS: Final = frozenset(path for paths in PATHS_OF.values() for path in paths) | frozenset(_ASKED_AT.values())


class Talk:
    """One connection. All but the changes of values and the errors happens on the caller's one thread.

    request: the HTTP request that asked for the websocket, as it was received. wake(): called on any thread when a
    value has changed or something went wrong; flush() then tells it. close() must be called at the end.
    """

    told_hz: Final = RATE_HZ

    def __init__(self, osc: OscServer, request: bytes, wake: Callable[[], None]) -> None:
        self._osc, self._wake = osc, wake
        self.frames = Frames(request, MAX_PACKET_BYTES)
        self._paths: set[str] = set()  # listened to
        self._lock = threading.Lock()
        self._changed: dict[str, None] = {}  # paths, in the order of their changes
        self._errors: deque[bytes] = deque(maxlen=_ERRORS)  # packets
        self._from_host: dict[str, object] = {}  # by path: what the host said there and need not be told
        self._rate = RateLimit(MAX_PACKETS_PER_S)
        osc.add_listener(self._hear)

    def receive(self, data: bytes) -> None:
        """Bytes from the host; none at its end. Any bytes are taken: what breaks the protocol ends the talk."""
        for is_text, message in self.frames.receive(data):
            if not self._rate.allow():
                self.frames.fail(POLICY_VIOLATION, f"more than {MAX_PACKETS_PER_S} messages a second")
            elif is_text:
                self._command(message)
            else:
                self._take(message)

    def flush(self) -> None:
        """Tells the errors and the values that have changed since."""
        with self._lock:
            paths, self._changed = tuple(self._changed), {}
            errors = tuple(self._errors)
            self._errors.clear()
        for packet in errors:
            self.frames.send_binary(packet)
        for path in paths:
            if path in self._paths:
                self._tell(path)

    def close(self) -> None:
        """Hears of no change any more, and says goodbye if there is somebody to hear it."""
        self._osc.remove_listener(self._hear)
        self.frames.close()

    def _take(self, message: bytes) -> None:
        with contextlib.suppress(PacketError):  # the server answers it
            self._from_host |= {path: said[0] for path, said in decode(message) if path in self._paths and said}
        for reply in self._osc.handle_packet(message):
            address, (about, *_) = decode(reply)[0]
            if address == ERROR:
                self._from_host.pop(str(about), None)
            self.frames.send_binary(reply)

    def _command(self, message: bytes) -> None:
        try:
            content = json.loads(message)
            command, path = content["COMMAND"], content["DATA"]
        except (ValueError, RecursionError, LookupError, TypeError):
            self.frames.fail(UNSUPPORTED_DATA, 'send {"COMMAND": "LISTEN", "DATA": path}, or OSC in binary')
            return
        if command == "IGNORE":
            self._paths.discard(path if isinstance(path, str) else "")
        elif command != "LISTEN":
            self._refuse("", f"the command {str(command)[:60]!r} is not known: LISTEN and IGNORE are")
        elif not isinstance(path, str) or path not in _PATHS:
            self._refuse(str(path), f"nothing is told at that path{nearest(str(path), _PATHS)}")
        else:
            self._paths.add(path)
            self._tell(path)

    def _tell(self, path: str) -> None:
        value = value_at(path, self._osc.value, self._osc.asked)
        if self._from_host.pop(path, None) != value:
            self.frames.send_binary(encode(path, value))

    def _refuse(self, path: str, reason: str) -> None:
        self.frames.send_binary(refusal(path.replace("\x00", " "), ParameterError(reason)))

    def _hear(self, packet: bytes) -> None:
        """The server's listener: any thread."""
        message = decode(packet)[0]
        if message.address not in (VALUE, ASKED, ERROR):
            return
        name = str(message.arguments[0])
        with self._lock:
            if message.address == ERROR:
                self._errors.append(packet)
            else:
                self._changed |= dict.fromkeys(PATHS_OF[name] if message.address == VALUE else (_ASKED_AT[name],))
        self._wake()
