"""The FL script against a running `sideman play`, over a real JACK port pair: knob to parameter and back."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from pathlib import Path

import pytest

from osc_protocol.codec import decode, encode
from osc_protocol.parameters import BY_CC, from_cc
from tests.jack_server import running_jack
from tests.live_processes import Lines, playing

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed"),
]

ROUND_TRIP_LIMIT_MS = 250  # calm machines need about 20: a tick of FL, two port hops; builds are not calm


def ask(port: int, name: str) -> object:
    """The value in force, over UDP: the other road must agree."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(5)
        peer.sendto(encode("/sideman/get", name), ("127.0.0.1", port))
        return decode(peer.recv(4096))[0].arguments[1]


@pytest.mark.parametrize("profile", ["fl2024", "fl21"])
def test_knobs_reach_a_running_engine_and_values_come_back(profile: str) -> None:
    moves = [(20 + move % 3, move * 13 % 128) for move in range(60)]
    with running_jack() as server, playing(server) as (play, _):
        fl = Lines([sys.executable, str(Path(__file__).with_name("fl_process.py")), profile], server.environment)
        try:
            fl.wait_for("connected")
            assert fl.process.stdin is not None
            fl.process.stdin.writelines(f"{number} {position}\n" for number, position in moves)
            fl.process.stdin.close()
            fl.wait_for("violations", 60.0)
            for number, position in moves[-3:]:
                assert ask(play.osc_port, BY_CC[number].name) == pytest.approx(from_cc(BY_CC[number], position))
            assert fl.join() == 0
            assert play.end() == 130, (
                play.lines,
                play.errors,
            )  # a client killed under jackd would cost it a slot of its registry
        finally:
            fl.kill()
    assert fl.errors == []
    assert json.loads(fl.lines[-1]) == {"violations": [], "disabled": None}
    answers = [json.loads(line) for line in fl.lines[1:-1]]
    assert len(answers) == len(moves)
    latency_ms = sorted(answer[0] for answer in answers)
    print(
        f"\nknob to value back: p50 {latency_ms[30]:.1f} ms, p95 {latency_ms[57]:.1f} ms, most {latency_ms[-1]:.1f} ms"
    )
    assert latency_ms[57] < ROUND_TRIP_LIMIT_MS
    assert answers[-1][1].startswith("Top k ")
