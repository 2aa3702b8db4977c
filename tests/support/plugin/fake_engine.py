"""An engine that a test plays by hand: it greets the plug-in, keeps what it hears, and sends what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

from bridge.plugin import wire
from bridge.plugin.connection import Connection
from bridge.plugin.finding.address_file import Address, remove_address, write_address
from tests.support.waiting import until

__all__ = ["FakeEngine", "wait_for"]

PATIENCE_S = 20.0


def wait_for(what: Callable[[], bool], why: str) -> None:
    until(what, why, PATIENCE_S)


class FakeEngine:
    """Serves one plug-in at a time. answers: whether it answers what an offline host waits for."""

    def __init__(self, *, answers: bool = True) -> None:
        self.heard: list[wire.ToEngine] = []
        self.answers = answers
        self.before_done: Callable[[wire.Now], None] = lambda now: None
        self.connection: Connection | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._address = Address(self._listening.getsockname()[1], bytes(range(32)))
        write_address(self._address)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        remove_address(self._address)
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.drop()
        self._thread.join(60.0)
        assert not self._thread.is_alive()

    def drop(self) -> None:
        """Breaks the connection off."""
        if self.connection is not None:
            self.connection.close()

    def send(self, frame: bytes) -> None:
        assert self.connection is not None
        self.connection.send(frame)

    def last(self, kind: type) -> wire.ToEngine | None:
        return next((message for message in reversed(self.heard) if isinstance(message, kind)), None)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            connection = Connection(peer, self._address.token)
            assert connection.greet()
            self.connection = connection
            for message in connection.messages():
                self.heard.append(message)
                if isinstance(message, wire.Now) and message.offline and self.answers:
                    self.before_done(message)
                    connection.send(wire.done(message.serial))
            connection.close()
