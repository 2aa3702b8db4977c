"""`sideman serve` refuses what it cannot use before it says that it is ready, and then serves until a signal."""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.commands import serve
from bridge.plugin import wire
from bridge.plugin.finding.address_file import Address, read_address, write_address
from bridge.plugin.finding.claim import is_served
from bridge.plugin.wire import TOKEN_SIZE
from tests.support.live.fake_session import FakeSession


@pytest.mark.parametrize("port", [-1, 65536, 99999])
def test_a_port_that_is_none_is_refused_in_one_line(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"sideman: --port {port} lies outside 0..65535: 0 takes any that is free\n")


def test_a_file_is_no_folder_of_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "take.mid"
    path.write_bytes(b"music")
    assert main(["serve", "--log", str(path)]) == 2
    refusal = f"sideman: --log {path}: is a file: give a folder, which gets a file for each session\n"
    assert capsys.readouterr().err == refusal
    assert path.read_bytes() == b"music"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDEMAN_SERVE", str(tmp_path / "serve"))
    return tmp_path / "serve"


def served(opened: Callable[[int], object], *words: str) -> int:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return serve.run(parser.parse_args(words), lambda checkpoint, device: FakeSession, opened)


class Gone:
    """A terminal that was closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_plays_on_without_a_terminal_until_a_signal_and_tidies_up(
    number: signal.Signals, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(number, signal.default_int_handler)  # whatever ran us may have it ignored
    monkeypatch.setattr(sys, "stdout", Gone())

    def opened(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as plugin:
            address = read_address()
            assert address is not None
            plugin.sendall(wire.hello(address.token) + wire.tell(wire.EVERY_INSTANCE, "chords", "C"))
            came = b""
            while wire.read_status(came) is None:
                more = plugin.recv(4096)
                assert more, "it is sent away"
                came += more
        signal.raise_signal(number)

    try:
        assert served(opened) == 128 + number
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert not place.exists()


def test_what_nohup_has_ignored_stays_ignored(place: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def opened(port: int) -> None:
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)

    try:
        assert served(opened) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_port_that_another_program_has_taken_keeps_no_engine_out(place: Path, answer: bytes) -> None:
    def answering(other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = other.accept()
                with peer:
                    peer.sendall(answer)
                    peer.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=answering, args=(other,))
        thread.start()
        write_address(Address(other.getsockname()[1], bytes(TOKEN_SIZE)))  # of an engine that was killed
        assert not is_served()
        answers = list[bool]()

        def opened(port: int) -> None:
            answers.append(is_served())
            signal.raise_signal(signal.SIGTERM)

        assert served(opened, "--while-used") == 128 + signal.SIGTERM
        other.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert answers == [True]


@pytest.mark.parametrize("port", [0, -1, 65536, 99999])
def test_an_address_that_is_none_leads_nowhere(place: Path, port: int) -> None:
    write_address(Address(port, bytes(TOKEN_SIZE)))
    assert read_address() is None
    assert not is_served()
