"""The websocket protocol of one connection, without the socket: bytes in, whole messages out, and the other way."""

from __future__ import annotations

from typing import Final, NamedTuple

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

__all__ = ["POLICY_VIOLATION", "UNSUPPORTED_DATA", "Frames", "Heard"]

UNSUPPORTED_DATA, POLICY_VIOLATION = 1003, 1008  # codes of RFC 6455
_GOING_AWAY: Final = 1001


class Heard(NamedTuple):
    """One whole message of the other side."""

    is_text: bool
    message: bytes


class Frames:
    """One connection, from its handshake on. One thread."""

    def __init__(self, request: bytes, max_bytes: int) -> None:
        """request: the HTTP request that asked for the websocket, as it was received. max_bytes: of a message."""
        self._protocol = ServerProtocol(max_size=max_bytes)
        self._parts: list[bytes] = []  # of a message in fragments
        self._is_text = False
        self._protocol.receive_data(request)
        for event in self._protocol.events_received():
            assert isinstance(event, Request)
            self._protocol.send_response(self._protocol.accept(event))

    @property
    def is_open(self) -> bool:
        """Whether there is anything left to say or to hear."""
        return bool(self._protocol.state is State.OPEN)

    def receive(self, data: bytes) -> list[Heard]:
        """Takes bytes of the other side, none at its end; the messages that they complete.

        Any bytes are taken: what breaks the protocol ends the connection.
        """
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        heard: list[Heard] = []
        for frame in self._protocol.events_received():
            if not isinstance(frame, Frame) or frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                continue
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            self._parts.append(bytes(frame.data))
            if frame.fin and self.is_open:
                heard.append(Heard(self._is_text, b"".join(self._parts)))
                self._parts = []
        return heard

    def outgoing(self) -> list[bytes]:
        """The bytes to send now; an empty item says that nothing comes after it."""
        return list(self._protocol.data_to_send())

    def send_text(self, text: str) -> None:
        """Sends a text message, where somebody still hears it."""
        if self.is_open:
            self._protocol.send_text(text.encode())

    def send_binary(self, data: bytes) -> None:
        """Sends a binary message, where somebody still hears it."""
        if self.is_open:
            self._protocol.send_binary(data)

    def ping(self) -> None:
        """Asks whether the other side is still there; its answer comes by itself."""
        if self.is_open:
            self._protocol.send_ping(b"")

    def fail(self, code: int, reason: str) -> None:
        """Ends the connection because of what the other side did."""
        self._protocol.fail(code, reason)

    def close(self) -> None:
        """Says goodbye, where somebody still hears it."""
        if self.is_open:
            self._protocol.send_close(_GOING_AWAY)
