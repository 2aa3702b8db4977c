"""Laws of the UDP port: passing errors of the socket are passed over, lasting ones are heard of."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

import pytest

from osc_protocol.server import udp
from osc_protocol.server.udp import MOST_ERRORS, UdpPort


class Failing:
    """A socket whose reads fail some times before they work."""

    def __init__(self, real: socket.socket, error: OSError, times: int) -> None:
        self._real, self._error, self.left = real, error, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def recvfrom(self, size: int) -> Any:
        if self.left > 0:
            self.left -= 1
            raise self._error
        return self._real.recvfrom(size)


def opened(monkeypatch: pytest.MonkeyPatch, error: OSError, times: int) -> tuple[UdpPort, list[bytes], threading.Event]:
    monkeypatch.setattr(udp, "ERROR_PAUSE_S", 0.001)
    heard: list[bytes] = []
    came = threading.Event()

    def take(packet: bytes, sender: object) -> None:
        heard.append(packet)
        came.set()

    port = UdpPort("127.0.0.1", 0, take)
    port.open()
    port._socket = Failing(port._socket, error, times)  # type: ignore[arg-type, assignment]
    port.listen()
    return port, heard, came


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOBUFS, "no buffer space"), OSError(errno.ENOMEM, "no memory"), OSError(errno.ENETDOWN, "down"),
        OSError(errno.EINTR, "interrupted"), OSError(10040, "WSAEMSGSIZE"), OSError(10052, "WSAENETRESET"),
        ConnectionResetError(10054, "WSAECONNRESET"),
    ],
)  # fmt: skip
def test_a_passing_error_of_the_socket_ends_nothing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    port, heard, came = opened(monkeypatch, error, MOST_ERRORS)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(b"/a\x00\x00", ("127.0.0.1", port.port))
        assert came.wait(60)
    finally:
        port.close()
    assert heard == [b"/a\x00\x00"]


def test_an_error_that_stays_ends_the_thread_and_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", died.append)
    port, _, _ = opened(monkeypatch, OSError(errno.EBADF, "bad file"), 10**9)
    assert port._thread is not None
    port._thread.join(60)
    port.close()
    (death,) = died
    assert death.thread is not None
    assert death.thread.name == "sideman-osc"
    assert isinstance(death.exc_value, OSError)
