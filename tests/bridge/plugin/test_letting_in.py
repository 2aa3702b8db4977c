"""Laws of the server's door: a system that lets nobody in for a while is waited for, and said so once."""

from __future__ import annotations

import errno
import socket
import threading
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.plugin import server as door
from bridge.plugin.connection import Connection
from bridge.plugin.server import PluginServer
from bridge.plugin.teller import tell_plugins
from osc_protocol.table.host_rows import CHORDS
from tests.support.live.fake_session import FakeSession
from tests.support.plugin.fake_engine import wait_for


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "too many open files"), OSError(errno.ECONNABORTED, "aborted"),
        ConnectionResetError(10054, "WSAECONNRESET"), RuntimeError("can't start new thread"),
    ],
)  # fmt: skip
def test_a_passing_error_at_the_door_keeps_nobody_out_for_good(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(door, "ERROR_PAUSE_S", 0.01)
    left = 5
    accept = socket.socket.accept

    def failing(listening: socket.socket) -> Any:
        nonlocal left
        if left:
            left -= 1
            raise error
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", failing)
    said: list[tuple[str, str]] = []
    server = PluginServer(FakeSession, lambda what, text: said.append((what, text)))
    server.open()
    try:
        with pytest.raises(BridgeError, match="0 instances were told: 0 loaded"):
            tell_plugins(CHORDS, "C | F")
    finally:
        server.close()
    assert left == 0
    ((what, text),) = said
    assert what == "error"
    assert str(error) in text


def test_who_can_be_given_no_thread_is_sent_away_at_once_and_the_server_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(door, "ERROR_PAUSE_S", 60.0)
    server = PluginServer(FakeSession, lambda what, text: None)
    server.open()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    try:
        with socket.create_connection((door.HOST, server.port), timeout=30) as peer:
            assert peer.recv(1) == b""
    finally:
        server.close()


def test_a_door_that_stays_shut_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(listening: socket.socket) -> Any:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(socket.socket, "accept", failing)
    server = PluginServer(FakeSession, lambda what, text: None)
    server.open()
    server.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "sideman-plugin"]


def test_a_connection_that_another_thread_closed_first_greets_nobody() -> None:
    """close() of the server and a peer that has just come meet in any order; either is an end like any other."""
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours, bytes(32))
        connection.close()
        assert not connection.greet()
        connection.send(b"nobody hears it")


def test_who_comes_while_the_server_closes_is_sent_away_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread begins when close() has already looked who is there."""
    looked = threading.Event()
    join = threading.Thread.join

    class Late(Connection):
        def __init__(self, peer: socket.socket, token: bytes) -> None:
            looked.wait(30)
            super().__init__(peer, token)

    def joined(thread: threading.Thread, timeout: float | None = None) -> None:
        looked.set()
        join(thread, timeout)

    monkeypatch.setattr(door, "Connection", Late)
    server = PluginServer(FakeSession, lambda what, text: None)
    server.open()
    with socket.create_connection((door.HOST, server.port), timeout=3) as peer:
        wait_for(lambda: len(server._threads) == 2, "nobody is let in")
        monkeypatch.setattr(threading.Thread, "join", joined)
        server.close()
        assert peer.recv(1) == b""
