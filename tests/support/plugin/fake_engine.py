"""An engine that a test plays by hand: it greets the plug-in, keeps what it hears, and sends what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

from bridge.live.commands import FollowHost
from bridge.midi.numbers import ALL_SOUND_OFF, RESET_CONTROLLERS, SUSTAIN_PEDAL
from bridge.plugin import wire
from bridge.plugin.connection import Connection
from bridge.plugin.finding.address_file import Address, remove_address, write_address
from tests.support.waiting import until

__all__ = ["PEDAL_HELD", "FakeEngine", "held", "place", "wait_for"]

PATIENCE_S = 20.0
PEDAL_HELD = 128  # beside the keys, in held()


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
            self.connection = connection  # before the greeting: a plug-in that has it is ready, and is sent to
            assert connection.greet()
            for message in connection.messages():
                self.heard.append(message)
                if isinstance(message, wire.Now) and message.offline and self.answers:
                    self.before_done(message)
                    connection.send(wire.done(message.serial))
            connection.close()


def place(engine: FakeEngine) -> FollowHost:
    """Returns what the plug-in has told of the host last."""
    told = engine.last(FollowHost)
    assert isinstance(told, FollowHost)
    return told


def held(messages: Sequence[wire.ToEngine]) -> set[int]:
    """Returns what an engine which has heard this takes for held on the first channel: keys, and PEDAL_HELD."""
    keys: set[int] = set()
    for message in messages:
        if not isinstance(message, wire.Key):
            continue
        status, first, second = message.message
        if status == 0x90 and second:
            keys.add(first)
        elif status in (0x80, 0x90):
            keys.discard(first)
        elif (status, first) == (0xB0, ALL_SOUND_OFF):
            keys &= {PEDAL_HELD}
        elif status == 0xB0 and (first == RESET_CONTROLLERS or (first == SUSTAIN_PEDAL and second < 64)):
            keys.discard(PEDAL_HELD)
        elif (status, first) == (0xB0, SUSTAIN_PEDAL):
            keys.add(PEDAL_HELD)
    return keys
