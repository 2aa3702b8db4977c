"""sideman doctor: what it concludes from its figures, and a whole run without and with a MIDI system."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import pytest

from bridge.commands import doctor
from bridge.commands.doctor import look_ahead_ms, verdict
from bridge.commands.machine_check import DecodeSpeed, Spread, decode_speed, loop_back, timer_jitter
from bridge.midi.system import find_system
from tests.support.live.fake_session import FakeSession
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import Lines
from tests.support.platform.fake_rtmidi import MidiWorld
from tests.support.platform.windows_machine import WindowsMachine

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
        examination = Lines([sys.executable, "-m", "bridge.cli", "doctor", "--json"], server.environment)
        code = examination.join(40)
        report = json.loads(examination.lines[-1])
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


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WindowsMachine, MidiWorld]:
    machine, world = WindowsMachine(tmp_path), MidiWorld(numbered=True, virtual=False)
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    world.install(monkeypatch, "API_WINDOWS_MM")
    return machine, world


def examined(capsys: pytest.CaptureFixture[str], *options: str) -> list[str]:
    """What `sideman doctor` says of a machine's MIDI; measuring the rest is left out."""
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    doctor._ports(doctor._Teller(quiet=False), {}, parser.parse_args(options))
    return capsys.readouterr().out.splitlines()


def test_a_windows_without_any_port_is_told_what_to_type(
    windows: tuple[WindowsMachine, MidiWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = examined(capsys)
    assert lines[0].startswith(
        "no  Windows with 0 inputs and 0 outputs of others, `sideman play` has no cable Sideman In"
    )
    assert lines[1].startswith("-       install loopMIDI from https://")
    windows[0].add_midi_console()
    assert examined(capsys)[1:] == [
        f'-       midi loopback create --root-name "{name}"'
        for name in ("Sideman In", "Sideman Out", "Sideman Control")
    ]


@pytest.mark.parametrize("how", ["add_cable", "add_pair"])
def test_a_windows_with_its_cables_is_measured_over_them(
    windows: tuple[WindowsMachine, MidiWorld], capsys: pytest.CaptureFixture[str], how: str
) -> None:
    for name in ("Sideman In", "Sideman Out", "Sideman Control"):
        getattr(windows[1], how)(name)
    lines = examined(capsys)
    assert lines[0].endswith("`sideman play` uses the cables Sideman In, Sideman Out, Sideman Control")
    assert lines[1].startswith("ok  MIDI comes back after p50 ")


def test_a_windows_with_other_ports_may_use_those(
    windows: tuple[WindowsMachine, MidiWorld], capsys: pytest.CaptureFixture[str]
) -> None:
    windows[1].add_cable("Studio")
    lines = examined(capsys)
    assert lines[0].startswith("-   Windows with 1 inputs")
    assert "--in and --out" in lines[-2]
    assert examined(capsys, "--in", "studio", "--out", "studio")[-1].startswith("ok  MIDI comes back")
