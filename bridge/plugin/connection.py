"""One plug-in's socket: frames in, frames out."""

from __future__ import annotations

import hmac
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from bridge.errors import BridgeError
from bridge.plugin import wire

__all__ = ["Connection"]

CHUNK: Final = 65536
PATIENCE_S: Final = 2.0  # a plug-in that takes nothing for so long is gone
HELLO_PATIENCE_S: Final = 5.0


class Connection:
    """Any thread may send; one reads."""

    def __init__(self, peer: socket.socket, token: bytes) -> None:
        """token: what the peer must know."""
        self._peer, self._token = peer, token
        self._frames = wire.Frames()
        self._lock = threading.Lock()

    def greet(self) -> bool:
        """Waits for the peer's hello and answers it; returns whether it may stay."""
        self._wait_for(HELLO_PATIENCE_S)
        try:
            hello = next(self.messages(), None)
        except BridgeError:
            hello = None
        if not isinstance(hello, wire.Hello) or not hmac.compare_digest(hello.token, self._token):
            return False
        self._wait_for(PATIENCE_S)
        if hello.version != wire.VERSION:
            self.send(wire.status(f"the plug-in speaks version {hello.version}, the engine {wire.VERSION}: "
                                  "run `sideman plugin install`"))  # fmt: skip
            return False
        self.send(wire.welcome())
        return True

    def _wait_for(self, seconds: float) -> None:
        """Sets how long a frame may take, and that none waits for another."""
        with suppress(OSError):  # gone, or closed by another thread: the reader finds out
            self._peer.settimeout(seconds)
            self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, frame: bytes) -> None:
        """Sends a frame; a peer that is gone hears nothing, and the reader ends."""
        with self._lock:
            try:
                self._peer.sendall(frame)
            except OSError:
                self.close()

    def close(self) -> None:
        """Ends the reader, whatever it waits for."""
        with suppress(OSError):  # it is closed already
            self._peer.shutdown(socket.SHUT_RDWR)
        self._peer.close()

    def messages(self) -> Iterator[wire.ToEngine]:
        """Yields what the plug-in sends, until it goes. BridgeError: it sends what nobody understands."""
        yield from self._frames.take(b"")  # what came with the last one that was asked for
        while True:
            try:
                data = self._peer.recv(CHUNK)
            except TimeoutError:
                if self._peer.gettimeout() == PATIENCE_S:
                    continue  # it has nothing to say
                return
            except OSError:
                return
            if not data:
                return
            yield from self._frames.take(data)
