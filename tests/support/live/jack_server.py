"""A JACK server of our own, with the dummy driver: real MIDI ports on a machine without sound hardware.

with running_jack() as environment:
    subprocess.Popen([...], env=environment)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.waiting import PATIENCE_S


@dataclass
class JackServer:
    """environment: what a process needs to find this server, and no other."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    realtime: bool = False
    frames: int = 64

    def kill(self, with_signal: int = signal.SIGKILL) -> None:
        """Ends it as a crash would, without the goodbye to clients that SIGTERM gives."""
        self.process.send_signal(with_signal)
        self.process.wait(PATIENCE_S)

    def start(self) -> None:
        """Starts it again under its name."""
        self.process = _started(self.environment, self.realtime, self.frames)

    def ports(self) -> list[str]:
        """Returns the names of all ports, as jack_lsp lists them."""
        return _jack_lsp(self.environment).stdout.split("\n")

    def connect(self, source: str, sink: str) -> None:
        """Connects two ports by their whole names."""
        subprocess.run(["jack_connect", source, sink], env=self.environment, check=True, timeout=PATIENCE_S)


@contextmanager
def running_jack(*, realtime: bool = False, frames: int = 64) -> Iterator[JackServer]:
    """Starts jackd under a name of its own, and ends it. Skips where there is none, unless everything is required.

    realtime: its threads, and those of its clients that it calls, run ahead of others; not every machine lets it.
    frames: of an audio block, 48 to the millisecond.
    """
    if shutil.which("jackd") is None:
        if os.environ.get("SIDEMAN_NATIVE") == "require":
            pytest.fail("jackd is not installed: apt-get install jackd2")
        pytest.skip("jackd is not installed")
    with _free_name() as name:
        yield from _run(name, realtime, frames)


def _run(name: str, realtime: bool, frames: int) -> Iterator[JackServer]:
    environment = dict(
        os.environ,
        JACK_DEFAULT_SERVER=name,
        JACK_NO_AUDIO_RESERVATION="1",
        JACK_NO_START_SERVER="1",
        SIDEMAN_MIDI="jack",
        PYTHONUNBUFFERED="1",
    )
    server = JackServer(environment, _started(environment, realtime, frames), realtime, frames)
    try:
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait(PATIENCE_S)


def _started(environment: dict[str, str], realtime: bool, frames: int) -> subprocess.Popen[bytes]:
    # -S: in the default mode Python's callbacks lose and duplicate messages.
    process = subprocess.Popen(
        ["jackd", "-R" if realtime else "-r", "-S", "-n", environment["JACK_DEFAULT_SERVER"],
         "-d", "dummy", "-r", "48000", "-p", str(frames)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _pid_file(environment["JACK_DEFAULT_SERVER"]).write_text(str(process.pid))
    give_up = time.monotonic() + PATIENCE_S
    while not _answers(environment):
        if process.poll() is not None or time.monotonic() > give_up:
            process.kill()
            pytest.fail(f"jackd did not start (exit code {process.wait()})")
        time.sleep(0.05)
    return process


@contextmanager
def _free_name() -> Iterator[str]:
    """Finds a server name that no other test run on this machine uses.

    From a small pool, because a machine remembers eight servers: one that was killed keeps its place until another
    starts under its name. Where all are taken, another run's is waited for.
    """
    give_up = time.monotonic() + PATIENCE_S
    while True:
        for number in range(4):
            name = f"sideman-test-{number}"
            with open(Path(tempfile.gettempdir()) / f"{name}.lock", "w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                if _answers(dict(os.environ, JACK_DEFAULT_SERVER=name, JACK_NO_START_SERVER="1")):
                    _end_orphan(name)
                    continue
                yield name
                return
        if time.monotonic() > give_up:
            pytest.fail("four jackd of tests run on this machine: wait for one to end, or kill those of killed runs")
        time.sleep(0.5)


def _end_orphan(name: str) -> None:
    """Ends the server of a test run that was killed: nobody holds the lock of its name, and yet it answers."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(_pid_file(name).read_text())
        if name in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):  # and no later process of that number
            os.kill(pid, signal.SIGKILL)


def _pid_file(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"{name}.pid"


def _answers(environment: dict[str, str]) -> bool:
    try:
        return _jack_lsp(environment).returncode == 0
    except subprocess.TimeoutExpired:  # beside other work
        return False


def _jack_lsp(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["jack_lsp"], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)
