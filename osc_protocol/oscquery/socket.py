"""The socket under a talk on OSCQuery's port: one thread that sleeps until the host speaks or there is news for it."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from osc_protocol.oscquery.site import Talker

__all__ = ["SILENCE_S", "WebSocket"]

PING_S: Final = 20.0
SILENCE_S: Final = 60.0  # without a word, not even an answer to a ping, the host counts as gone


class WebSocket:
    """run() on one thread, end() on any."""

    def __init__(self, connection: socket.socket, talk: Callable[[Callable[[], None]], Talker]) -> None:
        """connection: with a time-out, which bounds how long a host that does not read can hold the thread.

        talk(wake): begins the talk, which may call wake() on any thread.
        """
        self._connection = connection
        self._ending = threading.Event()
        self._bell, self._rope = socket.socketpair()
        self._rung = threading.Event()
        self._talk = talk(self._ring)

    def run(self) -> None:
        """Talks until one side ends it, the host falls silent or does not read."""
        try:
            with contextlib.suppress(OSError):
                self._send()
                self._loop()
        finally:
            self._talk.close()
            with contextlib.suppress(OSError):
                self._send()
            self._bell.close()
            self._rope.close()

    def end(self) -> None:
        """Ends run()."""
        self._ending.set()
        self._rung.clear()
        self._ring()

    def _loop(self) -> None:
        heard_s = pinged_s = time.monotonic()
        told_s = -1e9
        while self._talk.frames.is_open and not self._ending.is_set():
            now_s = time.monotonic()
            wait_s = max(0.0, told_s + 1 / self._talk.told_hz - now_s) if self._rung.is_set() else PING_S
            sources = [self._connection] if self._rung.is_set() else [self._connection, self._bell]
            readable, _, _ = select.select(sources, [], [], wait_s)
            now_s = time.monotonic()
            if self._connection in readable:
                heard_s = now_s
                self._talk.receive(self._connection.recv(65536))
            elif now_s - heard_s > SILENCE_S:
                return
            if self._bell in readable:
                self._bell.recv(1)
            if self._rung.is_set() and now_s - told_s >= 1 / self._talk.told_hz:
                told_s = now_s
                self._rung.clear()
                self._talk.flush()
            if now_s - pinged_s > PING_S:
                pinged_s = now_s
                self._talk.frames.ping()
            self._send()

    def _send(self) -> None:
        for data in self._talk.frames.outgoing():
            if data:
                self._connection.sendall(data)
            else:
                self._connection.shutdown(socket.SHUT_WR)

    def _ring(self) -> None:
        """Wakes the thread; once is enough until it has looked. Any thread, and it never waits."""
        if not self._rung.is_set():
            self._rung.set()
            with contextlib.suppress(OSError):
                self._rope.send(b".")
