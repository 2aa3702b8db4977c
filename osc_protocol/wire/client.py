"""A UDP client with a port of its own: sends to one peer, hears what comes back."""

from __future__ import annotations

import socket
import time

from osc_protocol.errors import PacketError
from osc_protocol.table.parameters import DEFAULT_PORT, Value
from osc_protocol.wire.codec import Message, decode, encode

__all__ = ["OscClient"]


class OscClient:
    """Sends and receives on one thread.

    Messages that cannot be sent or read are dropped without an error, as over UDP.
    """

    def __init__(self, port: int = DEFAULT_PORT) -> None:
        self._target = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def __enter__(self) -> OscClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Where it listens, for `/sideman/subscribe`."""
        return int(self._socket.getsockname()[1])

    def send(self, address: str, *values: Value) -> None:
        """Sends one message. PacketError for what OSC cannot hold."""
        packet = encode(address, *values)
        try:
            self._socket.sendto(packet, self._target)
        except (OSError, OverflowError):
            return

    def receive(self, timeout_s: float = 1.0) -> Message | None:
        """Returns the next message, or the first of a bundle; None if none comes in time."""
        end_s = time.monotonic() + timeout_s
        while (left_s := end_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            try:
                return decode(self._socket.recv(65536))[0]
            except (PacketError, IndexError, ConnectionError):  # noise, or Windows saying that nobody listens
                continue
            except OSError:
                return None
        return None

    def ask(self, address: str, *values: Value, reply: str | None = None, timeout_s: float = 1.0) -> Message | None:
        """Sends a message and waits for the answer at `reply` (None: any); returns None if it does not come in time."""
        self.send(address, *values)
        end_s = time.monotonic() + timeout_s
        while (message := self.receive(end_s - time.monotonic())) is not None:
            if reply in (None, message.address):
                return message
        return None

    def close(self) -> None:
        """Frees the port."""
        self._socket.close()
