"""`sideman serve` as a process of its own, with sessions that have no model: plug-ins start it, tests kill it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from bridge.commands import serve
from bridge.plugin.finding.address_file import address_path
from bridge.plugin.finding.start_file import write_start
from tests.support.live.fake_session import FakeSession
from tests.support.plugin.fake_engine import wait_for

__all__ = ["have_it_started", "kill_engine", "stop_engine"]

ROOT = Path(__file__).parents[3]


def have_it_started(program: str = "") -> None:
    """Has plug-ins start it, or another Python program."""
    word = program or f"import sys; sys.path[:0] = [{str(ROOT)!r}]; from {__name__} import main; main()"
    write_start([sys.executable, "-c", word])


def kill_engine(number: int = signal.SIGKILL) -> None:
    """Ends the one that runs, without a chance to say anything, and waits until it has ended."""
    pid = int(pid_path().read_text())
    os.kill(pid, number)
    if number == signal.SIGKILL:
        wait_for(lambda: not runs(pid), "it lives on")


def stop_engine() -> None:
    """Ends the one that runs, if any."""
    with suppress(FileNotFoundError, ProcessLookupError):
        kill_engine()


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def pid_path() -> Path:
    address = address_path()
    return address.with_name(f"{address.name}.pid")


def main() -> None:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)

    def load(checkpoint: Path | None, device: str) -> type[FakeSession]:
        new = pid_path().with_suffix(".new")
        new.write_text(str(os.getpid()))
        new.rename(pid_path())
        return FakeSession

    sys.exit(serve.run(parser.parse_args(["--while-used"]), load))
