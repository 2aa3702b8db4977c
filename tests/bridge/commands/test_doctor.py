"""sideman doctor: what it concludes from its figures, and a whole run without and with a MIDI system."""

from __future__ import annotations

import json
import sys

import pytest

from bridge.commands.doctor import look_ahead_ms, verdict
from bridge.commands.machine_check import DecodeSpeed, Spread, decode_speed, loop_back, timer_jitter
from bridge.midi.ports import find_system
from tests.support.live.fake_session import FakeSession
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import Lines

FAST = DecodeSpeed(100.0, Spread(1.0, 3.0, 5.0))
SLOW = DecodeSpeed(2.0, Spread(100.0, 160.0, 200.0))
TOO_SLOW = DecodeSpeed(1.1, Spread(180.0, 200.0, 300.0))


@pytest.mark.parametrize(
    ("ports", "speed", "late_ms", "ahead_ms", "words"),
    [
        (True, FAST, 0.1, 200, "will play live: it makes music 100 times as fast as it sounds; the look-ahead of 1000"),
        (True, SLOW, 0.1, 2150, "so leave it little else to do; play with --look-ahead-ms 2150"),
        (True, TOO_SLOW, 0.1, 4000, "will not play live: it makes music 1.1 times as fast"),
        (True, FAST, 50.0, 200, "will not play live as it is: notes leave up to 50 ms late"),
        (False, FAST, 0.1, 200, "is fast enough, but has no MIDI"),
    ],
)
def test_the_verdict_says_whether_and_how(
    ports: bool, speed: DecodeSpeed, late_ms: float, ahead_ms: int, words: str
) -> None:
    assert words in verdict(ports, speed, late_ms, ahead_ms)


@pytest.mark.parametrize(
    ("speed", "latest_ms", "ahead_ms"), [(FAST, 0.2, 200), (FAST, 150.0, 350), (SLOW, 10.0, 2150), (TOO_SLOW, 0, 2950)]
)
def test_the_look_ahead_hides_slow_chunks_and_late_wakes(speed: DecodeSpeed, latest_ms: float, ahead_ms: int) -> None:
    assert look_ahead_ms(speed, latest_ms) == ahead_ms


def test_the_slowest_machine_is_told_the_knobs_end() -> None:
    assert look_ahead_ms(DecodeSpeed(0.1, Spread(900, 2000, 2000)), 0) == 4000


def test_speed_and_jitter_are_measured() -> None:
    speed = decode_speed(FakeSession, 0.1)
    assert speed.times_real_time > 1
    assert speed.chunk_ms.p50 <= speed.chunk_ms.p99 <= speed.chunk_ms.largest
    calls: list[int] = []
    jitter, _ = timer_jitter(0.1, meanwhile=lambda: calls.append(1))
    assert 0 <= jitter.p50 <= jitter.p99 <= jitter.largest
    assert calls


@pytest.mark.real
def test_messages_come_back_over_a_port_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_jack() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        took = loop_back(find_system(), count=10)
        assert took is not None
        assert 0 < took.p50 < 200


@pytest.mark.real
def test_a_whole_run_says_that_this_machine_will_play() -> None:
    with running_jack() as server:
        doctor = Lines([sys.executable, "-m", "bridge.cli", "doctor", "--json"], server.environment)
        code = doctor.join(40)
        report = json.loads(doctor.lines[-1])
        assert report["midi"]["system"] == "JACK"
        assert report["loop_back_ms"]["p50"] > 0
        assert report["plays_live"] == (code == 0)
        assert ("will play live:" in report["verdict"]) == (code == 0), report
        nowhere = {**server.environment, "JACK_DEFAULT_SERVER": "sideman-nobody"}
        without = Lines([sys.executable, "-m", "bridge.cli", "doctor"], nowhere)
        assert without.join(40) == 1
        assert "start jackd" in "\n".join(without.lines)
        one_end = Lines([sys.executable, "-m", "bridge.cli", "doctor", "--in", "x"], nowhere)
        assert one_end.join(40) == 2
        assert "--in and --out together" in one_end.errors[0]
