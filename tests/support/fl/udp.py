"""UDP as an FL that allows it would have it: what the script sends is kept, and it may never wait for an answer."""

from __future__ import annotations

import types
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.fl.host import FakeFL

__all__ = ["FakeUdp"]


class FakeUdp:
    """The one socket of a fake FL. dead: nobody listens at the other end, which Windows tells by an error."""

    def __init__(self, host: FakeFL) -> None:
        self.sent: list[bytes] = []
        self.waiting: deque[bytes] = deque()
        self.dead = False
        self.is_open = False
        self._host = host
        self._blocking = True

    def module(self) -> types.ModuleType:
        """Returns what `import socket` gives."""
        module = types.ModuleType("socket")
        module.__dict__.update(AF_INET=2, SOCK_DGRAM=2, socket=self._make)
        return module

    def setblocking(self, blocking: bool) -> None:
        self._blocking = blocking

    def bind(self, address: tuple[str, int]) -> None:
        self.address = address

    def getsockname(self) -> tuple[str, int]:
        return self.address

    def sendto(self, packet: bytes, address: tuple[str, int]) -> None:
        if self.dead:
            raise ConnectionResetError(10054, "An existing connection was forcibly closed by the remote host")
        assert address == ("127.0.0.1", 9123)
        self.sent.append(packet)

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if self._blocking:
            self._host.violations.append("waited on a socket")
        if not self.waiting:
            raise BlockingIOError
        return self.waiting.popleft()[:size], ("127.0.0.1", 9123)

    def close(self) -> None:
        self.is_open = False

    def _make(self, family: int, kind: int) -> FakeUdp:
        assert (family, kind) == (2, 2)
        self.is_open = True
        return self
