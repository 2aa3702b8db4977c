"""The FL script against a running `sideman play`, over a real JACK port pair: knobs there, values back, restarts."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from osc_protocol.table.parameters import BY_CC, PARAMETERS, from_cc
from tests.support.live.jack_server import JackServer, running_jack
from tests.support.live.processes import FAKE_ENGINE, Lines, Play, ask, playing
from tests.support.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed"),
]

ROUND_TRIP_LIMIT_MS = 250  # calm machines need about 20: a tick of FL, two port hops; builds are not calm


class FL(Lines):
    """tests/support/fl/process.py, joined to a running engine."""

    def __init__(self, server: JackServer, osc_port: int, profile: str = "fl2024") -> None:
        program = Path(__file__).parents[1] / "support" / "fl" / "process.py"
        super().__init__([sys.executable, str(program), profile, str(osc_port)], server.environment)
        self.wait_for("connected")

    def do(self, *what: object, timeout_s: float = 30.0) -> Any:
        """Has one thing done; what it told of it."""
        assert self.process.stdin is not None
        count = len(self.lines)
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        give_up_s = time.monotonic() + timeout_s
        while len(self.lines) == count and time.monotonic() < give_up_s:
            time.sleep(0.002)
        assert len(self.lines) > count, (what, self.errors)
        return json.loads(self.lines[count])

    def finish(self) -> None:
        """No rule of FL was broken."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.join() == 0
        assert self.errors == []
        assert json.loads(self.lines[-1]) == {"violations": [], "disabled": None}


@contextmanager
def fl_beside(server: JackServer, osc_port: int, profile: str = "fl2024") -> Iterator[FL]:
    fl = FL(server, osc_port, profile)
    try:
        yield fl
        fl.finish()
    finally:
        fl.kill()


@pytest.mark.parametrize("profile", ["fl2025", "fl2024", "fl21"])
def test_knobs_reach_a_running_engine_and_values_come_back(profile: str) -> None:
    moves = [(20 + move % 3, move * 13 % 128) for move in range(60)]
    with running_jack() as server, playing(server) as (play, _):
        with fl_beside(server, play.osc_port, profile) as fl:
            answers = [fl.do("turn", number, position) for number, position in moves]
            for number, position in moves[-3:]:
                assert ask(play.osc_port, BY_CC[number].name) == pytest.approx(from_cc(BY_CC[number], position))
        assert play.end() == 130, (play.lines, play.errors)
    there_ms, back_ms = (sorted(answer[index] for answer in answers) for index in (0, 1))
    for what, times_ms in (("in force", there_ms), ("shown", back_ms)):
        print(
            f"\nknob to value {what}: p50 {times_ms[30]:.1f} ms, p95 {times_ms[57]:.1f} ms, most {times_ms[-1]:.1f} ms"
        )
    assert back_ms[57] < ROUND_TRIP_LIMIT_MS
    assert answers[-1][2].startswith("Top k ")


def test_a_thousand_moves_a_second_end_at_the_last_value_of_every_knob() -> None:
    with running_jack() as server, playing(server) as (play, _):
        with fl_beside(server, play.osc_port) as fl:
            seconds, frames = fl.do("flood", 1000, 1000.0, timeout_s=60.0)
            for move in range(990, 1000):
                row = BY_CC[20 + move % 10]
                assert ask(play.osc_port, row.name) == pytest.approx(from_cc(row, move * 7 % 128))
        assert play.end() == 130, (play.lines, play.errors)
    assert frames <= 60 * seconds + 10  # one a tick; a flood of SysEx has crashed FL
    print(f"\na thousand moves: all ten values right after {seconds:.2f} s, {frames} frames sent")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_went_and_was_started_again_gets_its_knobs_back(by: signal.Signals) -> None:
    with running_jack() as server:
        first = Play(FAKE_ENGINE, (), server.environment)
        second: Play | None = None
        try:
            first.wait_for("Ctrl-C stops", 60.0)
            with fl_beside(server, first.osc_port) as fl:
                fl.do("turn", 20, 127)
                fl.do("turn", 24, 1)
                fl.do("wait", "Density 0", 5.0)
                first.process.send_signal(by)
                first.join()
                assert fl.do("wait", "no Sideman engine: run `sideman play`", 10.0)[0]
                begun_s = time.monotonic()
                options = ("--osc-port", str(first.osc_port))
                second = Play(FAKE_ENGINE, options, server.environment)
                second.wait_for("Ctrl-C stops", 60.0)
                join_ports(server)
                ready_s = time.monotonic()
                assert fl.do("wait", "Sideman: connected", 10.0)[0]
                print(f"\nback after {ready_s - begun_s:.2f} s, FL noticed {time.monotonic() - ready_s:.2f} s later")
                until(lambda: ask(first.osc_port, "density") == 0.0)
                values = {row.name: ask(first.osc_port, row.name) for row in PARAMETERS}
                assert (values["temperature"], values["density"], values["top_k"]) == (2.0, 0.0, 0)
                assert fl.do("turn", 22, 127)[2] == "Top k 388"
            assert second.end() == 130, (second.lines, second.errors)
        finally:
            first.kill()
            if second is not None:
                second.kill()


def join_ports(server: JackServer) -> None:
    """What a loop-back port does by itself: FL's side meets the new engine's ports."""
    names = server.ports()
    own = [name for name in names if "Sideman Control" in name]
    fl_in, fl_out = (next(name for name in names if name.startswith(client)) for client in ("FL in", "FL out"))
    for name in own:
        for source, sink in ((name, fl_in), (fl_out, name)):
            try:
                server.connect(source, sink)
            except subprocess.CalledProcessError:  # the other direction's port
                continue
