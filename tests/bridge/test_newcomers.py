"""What a newcomer types on Windows and on a Mac, word for word, on fakes of them and with the shipped base."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import mido
import pytest

from bridge import cli
from bridge.app import arguments
from bridge.commands import doctor, welcome
from engine.platform.macos import MacOS
from tests.support.live.processes import free_udp_port
from tests.support.platform.fake_rtmidi import MidiIn, MidiWorld
from tests.support.platform.mac_machine import MacMachine
from tests.support.platform.transcript import Step, matches, perform, read_transcript
from tests.support.platform.windows_machine import SHELL, WindowsMachine

TRANSCRIPTS = Path(__file__).parent / "transcripts"
D_MINOR_7 = (50, 53, 57, 60)
pytestmark = pytest.mark.timeout(300)


class Newcomer:
    """Types a transcript's steps at a machine. code_page: what its terminal can say."""

    def __init__(self, world: MidiWorld, plays_into: str, hears_from: str, code_page: str) -> None:
        self.world, self.plays_into, self.code_page = world, plays_into, code_page
        self.heard: list[bytes] = []
        ear = MidiIn(world)
        ear.port = hears_from
        ear.set_callback(lambda event, _: self.heard.append(bytes(event[0])))

    def type(self, command: list[str]) -> int:
        if command[0] == "midi":
            assert command[1:4] == ["loopback", "create", "--root-name"]
            self.world.add_pair(command[4])
        elif command[0] == "sideman":
            return cli.main(command[1:])
        else:
            assert command[-2:] == ["install", "sideman"], command  # release/try_wheel.py does that with a real wheel
        return 0

    def follow(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
        wire = io.BytesIO()
        stream = io.TextIOWrapper(wire, encoding=self.code_page, write_through=True)
        left = list(step.answers)

        def answer(prompt: str) -> str:
            expected, text, elsewhere = left.pop(0)
            assert prompt.strip() == expected
            for command in elsewhere:
                self.type(command)
            return text

        def said() -> list[str]:
            return [line for line in wire.getvalue().decode(self.code_page).splitlines() if line]

        def do(what: str) -> None:
            if what.endswith("plays Dm7"):
                for pitch in D_MINOR_7:
                    self.world.carry(self.plays_into, [0x90, pitch, 80])
            elif what.endswith("hears notes"):
                give_up = time.monotonic() + 60
                while not any(message[0] == 0x90 for message in self.heard) and time.monotonic() < give_up:
                    time.sleep(0.01)
            else:
                raise AssertionError(f"nobody knows how {what}")

        monkeypatch.setattr("builtins.input", answer)
        monkeypatch.setattr(welcome.run, "__defaults__", (answer,))
        monkeypatch.setattr(welcome, "sys", SimpleNamespace(stdin=Terminal(), stdout=Terminal()))
        monkeypatch.setattr(sys, "stdout", stream)
        thread = perform(step.events, said, do)
        code = self.type(step.command)
        thread.join(60)
        ended = "^C" in [what for _, what in step.events]
        busy = step.command == ["sideman", "doctor"] and code == 1  # which measures the machine that is there
        assert busy or code == (130 if ended else 0), said()
        assert left == []
        lacking = matches(step.expected, said()) if step.expected else ""
        assert not lacking, f"{step.command}: {lacking!r} did not come in\n" + "\n".join(said())
        if any(what.endswith("hears notes") for _, what in step.events):
            assert any(message[0] == 0x90 for message in self.heard)
            sounding = 0
            for message in self.heard:
                sounding += {0x90: 1, 0x80: -1}.get(message[0], 0)
            assert sounding == 0, "every note has ended"
            self.heard.clear()


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder to work in, and ports of the network that nobody else has."""
    monkeypatch.chdir(tmp_path)
    port = free_udp_port()
    for module in (arguments, doctor):
        monkeypatch.setattr(module, "DEFAULT_PORT", port)
    monkeypatch.setattr("bridge.fl.doctor.examine.__defaults__", (port,))
    monkeypatch.setattr(welcome, "_synthesiser", lambda: None)
    for variable in ("SIDEMAN_LAST_TAKE", "SIDEMAN_CC_MAP", "SIDEMAN_STYLES"):
        monkeypatch.delenv(variable, raising=False)
    return None


def test_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "Müller 音楽"
    machine = WindowsMachine(home, OneDrive=str(home / "OneDrive - Müller GmbH"))
    world = MidiWorld(numbered=True, virtual=False)
    machine.registry[SHELL] = "%OneDrive%/Dokumente"
    (home / "OneDrive - Müller GmbH/Dokumente/Image-Line/FL Studio/Settings").mkdir(parents=True)
    machine.add_midi_console()
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    world.install(monkeypatch, "API_WINDOWS_MM")
    newcomer = Newcomer(world, "Sideman In (A)", "Sideman Out (A)", "cp1252")
    for step in read_transcript(TRANSCRIPTS / "windows.txt"):
        newcomer.follow(step, monkeypatch)
    settings = home / "OneDrive - Müller GmbH/Dokumente/Image-Line/FL Studio/Settings"
    assert (settings / "Hardware/Sideman/device_Sideman.py").is_file()
    assert "score.addNote" in (settings / "Piano roll scripts/Sideman take.pyscript").read_text(encoding="utf-8")
    assert mido.MidiFile(tmp_path / "Erste Übung.mid").length > 0


def test_on_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "Anna Müller"
    machine, world = MacMachine(home), MidiWorld(numbered=False, virtual=True)
    icloud = home / "Library/Mobile Documents/com~apple~CloudDocs/Documents/Image-Line/FL Studio"
    (icloud / "Settings").mkdir(parents=True)
    world.add_cable("USB Keyboard")
    opened: list[Path] = []

    def open_file(self: object, path: Path) -> bool:
        opened.append(path)
        return True

    monkeypatch.setattr(MacOS, "open_file", open_file)
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    world.install(monkeypatch, "API_MACOSX_CORE")
    newcomer = Newcomer(world, "USB Keyboard", "Sideman Out", "utf-8")
    for step in read_transcript(TRANSCRIPTS / "macos.txt"):
        newcomer.follow(step, monkeypatch)
    assert opened == [tmp_path / "sideman-solo.mid"]
    assert (icloud / "Settings/Hardware/Sideman/device_Sideman.py").is_file()
    assert mido.MidiFile(tmp_path / "Übung.mid").length > 0
