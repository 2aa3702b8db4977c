"""`sideman play` and its surroundings as real processes, for the tests over real ports."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from osc_protocol.wire.client import OscClient
from tests.support.live.jack_server import JackServer
from tests.support.waiting import PATIENCE_S

HERE = Path(__file__).parent
FAKE_ENGINE = [sys.executable, str(HERE / "play_fake.py")]
SHIPPED_ENGINE = [sys.executable, "-m", "bridge.cli", "play"]


def free_udp_port() -> int:
    """Returns a UDP port that nobody holds just now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(osc_port: int, name: str) -> object:
    """Asks for the value in force, over UDP."""
    with OscClient(osc_port) as client:
        message = client.ask("/sideman/get", name, reply="/sideman/value", timeout_s=30.0)
    assert message is not None, f"nobody answers on port {osc_port}"
    return message.arguments[1]


class Lines:
    """A process whose output is read by a thread, line by line."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environment, cwd=HERE.parents[2], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.lines: list[str] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.lines), (self.process.stderr, self.errors))
        ]
        for thread in self._threads:
            thread.start()

    def wait_for(self, text: str, timeout_s: float = PATIENCE_S) -> str:
        """Waits for the first line with this text in it, and returns it."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            ended = self.process.poll() is not None and not any(thread.is_alive() for thread in self._threads)
            for line in tuple(self.lines):
                if text in line:
                    return line
            if ended:
                break
            time.sleep(0.01)
        raise AssertionError(f"no line with {text!r} (exit code {self.process.poll()}): {self.lines} {self.errors}")

    def end(self, with_signal: int = signal.SIGINT, timeout_s: float = PATIENCE_S) -> int:
        """Sends the signal; returns the exit code, once all output is read."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.join(timeout_s)

    def join(self, timeout_s: float = PATIENCE_S) -> int:
        """Returns the exit code, once all output is read."""
        code = self.process.wait(timeout_s)
        for thread in self._threads:
            thread.join(20)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code

    def kill(self) -> None:
        """Kills it, for a test that has failed."""
        if self.process.poll() is None:
            self.process.kill()
            self.join()

    def _read(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))


class Listener(Lines):
    """tests/support/live/port_listener.py on one port."""

    def __init__(self, port: str, environment: dict[str, str], *, virtual: bool = False) -> None:
        """virtual: opens the port itself."""
        kind = ["virtual"] if virtual else []
        super().__init__([sys.executable, str(HERE / "port_listener.py"), port, *kind], environment)
        self.wait_for("ready")

    def messages(self) -> list[tuple[int, int, int, int]]:
        """Returns (monotonic us, status, data1, data2) of what was heard so far."""
        return [tuple(json.loads(line)) for line in tuple(self.lines) if line.startswith("[")]

    def onsets(self) -> list[tuple[int, int]]:
        """Returns (monotonic us, pitch) of every NOTE_ON heard."""
        return [(at, data1) for at, status, data1, data2 in self.messages() if status & 0xF0 == 0x90 and data2]

    def unended(self) -> set[int]:
        """Returns pitches that were struck and never ended. AssertionError: one was struck twice without an end."""
        sounding: set[int] = set()
        for _, status, data1, data2 in self.messages():
            if status & 0xF0 == 0x90 and data2:
                assert data1 not in sounding, f"pitch {data1} was struck while it sounded"
                sounding.add(data1)
            elif status & 0xF0 in (0x80, 0x90):
                sounding.discard(data1)
        return sounding

    def finish(self) -> None:
        """Stops listening."""
        time.sleep(0.2)
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.join(20)
        except subprocess.TimeoutExpired:  # a dead jackd keeps its clients from closing
            self.kill()


class Play(Lines):
    """`sideman play`, ready to be played to."""

    def __init__(self, engine: Sequence[str], options: Sequence[str], environment: dict[str, str]) -> None:
        self.osc_port = free_udp_port()
        super().__init__([*engine, "--osc-port", str(self.osc_port), *options], environment)

    def osc(self, *message: str) -> None:
        """Sends one message through liblo's oscsend: address, types, values."""
        subprocess.run(["oscsend", "127.0.0.1", str(self.osc_port), *message], check=True, timeout=PATIENCE_S)


@contextmanager
def playing(
    server: JackServer, engine: Sequence[str] = FAKE_ENGINE, options: Sequence[str] = ()
) -> Iterator[tuple[Play, Listener]]:
    """Runs `sideman play` on the server, with a listener on its output."""
    play = Play(engine, options, server.environment)
    listener: Listener | None = None
    try:
        play.wait_for("Ctrl-C stops", 60.0)
        listener = Listener("Sideman Out", server.environment)
        yield play, listener
    finally:
        play.kill()
        if listener is not None and listener.process.poll() is None:
            listener.finish()


def pianist(server: JackServer, script: Sequence[tuple[float, str, Sequence[int]]]) -> list[tuple[int, str, list[int]]]:
    """Lets tests/support/live/chord_player.py play to Sideman In; (monotonic us, kind, pitches) of what it sent."""
    done = subprocess.run(
        [sys.executable, str(HERE / "chord_player.py"), "Sideman In", json.dumps(script)],
        env=server.environment, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def send_raw(server: JackServer, script: Sequence[tuple[str, float]]) -> None:
    """Lets raw_player.py send these bytes, in hexadecimal with the seconds to wait after them, to Sideman In."""
    subprocess.run(
        [sys.executable, str(HERE / "raw_player.py"), "Sideman In", "-"],
        input=json.dumps(script), env=server.environment, text=True, timeout=60, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
