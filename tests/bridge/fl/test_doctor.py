"""Laws of `sideman fl doctor`: what install did is good, every fault is named with its remedy, nothing changes."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.commands import fl as fl_command
from bridge.commands.fl import run
from bridge.errors import PortError
from bridge.fl import doctor as fl_doctor
from bridge.fl.doctor import Finding, examine, examine_engine, examine_folder, examine_ports
from bridge.fl.install import install, probe, script_files, uninstall
from bridge.midi import system
from bridge.midi.system import MidiSystem
from tests.support.osc.fake_engine import FakeEngine
from tests.support.platform.windows_machine import WindowsMachine


@pytest.fixture
def hardware(tmp_path: Path) -> Path:
    user_folder = tmp_path / "Image-Line" / "FL Studio"
    (user_folder / "Settings").mkdir(parents=True)
    install(user_folder)
    return user_folder / "Settings" / "Hardware"


def test_what_install_did_is_good(hardware: Path) -> None:
    (finding,) = examine_folder(hardware)
    assert finding.good
    assert f"({len(script_files())} files)" in finding.text


def remove_one(hardware: Path) -> None:
    (hardware / "Sideman" / "sideman_wire.py").unlink()


def edit_one(hardware: Path) -> None:
    (hardware / "Sideman" / "sideman_wire.py").write_text("old")


def edit_map(hardware: Path) -> None:
    (hardware / "Sideman" / "sideman_map.py").write_text("CONTROLS = {}")


def copy_by_hand(hardware: Path) -> None:
    (hardware / "My Sideman").mkdir()
    (hardware / "My Sideman" / "device_Sideman.py").write_text("# name=Sideman")


def remove_all(hardware: Path) -> None:
    uninstall(hardware)


FAULTS = [
    (remove_one, False, "lacks sideman_wire.py: run `sideman fl install`"),
    (edit_one, False, "sideman_wire.py of another version or edited: run `sideman fl install`"),
    (copy_by_hand, False, "My Sideman is a second copy"),
    (edit_map, None, "is your own map of knobs and pads; install keeps it"),
    (remove_all, False, "is not there: run `sideman fl install`"),
    (lambda hardware: (hardware / "Sideman" / "own.py").write_text(""), None, "also holds own.py, which is not ours"),
    (lambda hardware: probe(hardware), None, "holds the probe"),
]


@pytest.mark.parametrize(("spoil", "good", "text"), FAULTS, ids=[row[2] for row in FAULTS])
def test_every_fault_is_named_with_its_remedy(
    spoil: Callable[[Path], object], good: bool | None, text: str, hardware: Path
) -> None:
    spoil(hardware)
    before = sorted(hardware.rglob("*"))
    found = [finding for finding in examine_folder(hardware) if text in finding.text]
    assert [finding.good for finding in found] == [good]
    assert len(found[0].text.splitlines()) == 1
    assert sorted(hardware.rglob("*")) == before


@pytest.mark.parametrize("fault", [remove_one, edit_one])
def test_install_cures_what_doctor_found(fault: Callable[[Path], None], hardware: Path) -> None:
    fault(hardware)
    assert any(finding.good is False for finding in examine_folder(hardware))
    install(hardware)
    assert all(finding.good for finding in examine_folder(hardware))


def test_a_windows_machine_needs_three_cables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = ["Sideman In 1", "Sideman Control 2"]
    monkeypatch.setattr("engine.platform.system._chosen", WindowsMachine(tmp_path).system)
    monkeypatch.setattr(MidiSystem, "input_names", lambda self: names)
    monkeypatch.setattr(MidiSystem, "output_names", lambda self: names[:1])
    monkeypatch.setattr(system, "find_system", lambda: MidiSystem("Windows", 4, has_virtual=False))
    inside, lacking, *how = examine_ports()
    assert inside == Finding(True, "Windows has the cable 'Sideman In'")
    assert lacking == Finding(False, "Windows has no cable 'Sideman Out', 'Sideman Control'. In a terminal:")
    assert how[-1].text.endswith("type each of these names there and press +: Sideman Out, Sideman Control")
    names += ["Sideman Out 0"]
    monkeypatch.setattr(MidiSystem, "output_names", lambda self: names)
    assert [finding.good for finding in examine_ports()] == [True] * 3
    monkeypatch.setattr(system, "find_system", lambda: MidiSystem("CoreMIDI", 2, has_virtual=True))
    assert [finding.good for finding in examine_ports()] == [True]


def test_no_midi_system_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> MidiSystem:
        raise PortError("no MIDI system: start jackd")

    monkeypatch.setattr(system, "find_system", fail)
    assert examine_ports() == [Finding(False, "no MIDI system: start jackd")]


def test_an_engine_that_answers_is_told_and_one_that_does_not_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fl_doctor, "PONG_TIMEOUT_S", 5.0)
    with FakeEngine().server() as server:
        assert examine_engine(server.port).good
    monkeypatch.setattr(fl_doctor, "PONG_TIMEOUT_S", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        finding = examine_engine(mute.getsockname()[1])
    assert finding.good is None
    assert "start it before FL Studio" in finding.text
    assert examine_engine(70000).good is None


def test_the_command_prints_a_line_each_and_fails_only_for_faults(
    hardware: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fl_doctor, "examine_engine", lambda port: Finding(None, "no engine"))
    monkeypatch.setattr(fl_doctor, "examine_ports", lambda: [Finding(True, "ports")])
    parser = argparse.ArgumentParser()
    fl_command.add_arguments(parser)
    args = parser.parse_args(["doctor", "--dir", str(hardware)])
    assert run(args) == 0
    assert [line[:4] for line in capsys.readouterr().out.splitlines()] == ["ok  ", "ok  ", "-   "]
    remove_one(hardware)
    assert run(args) == 1
    assert capsys.readouterr().out.startswith("no  ")
    assert examine(hardware / "nowhere")[0].good is False


def test_uninstall_says_what_it_left(hardware: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = hardware / "Sideman" / "notes.txt"
    own.write_text("mine")
    parser = argparse.ArgumentParser()
    fl_command.add_arguments(parser)
    assert run(parser.parse_args(["uninstall", "--dir", str(hardware)])) == 0
    assert f"left alone, it is not ours: {own}" in capsys.readouterr().out
