"""`sideman` alone: what it offers, looks for, and leaves running, on machines that are not there."""

from __future__ import annotations

import argparse
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge import cli
from bridge.commands import play as play_command
from bridge.commands import welcome
from bridge.errors import PortError
from bridge.midi.system import MidiSystem
from engine.platform.macos import MacOS
from tests.support.live.jack_server import running_jack
from tests.support.platform.fake_rtmidi import MidiWorld
from tests.support.platform.mac_machine import MacMachine
from tests.support.platform.windows_machine import WindowsMachine


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits there."""
    monkeypatch.setattr(welcome, "sys", SimpleNamespace(stdin=Terminal(), stdout=Terminal()))


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[argparse.Namespace]:
    """The options that `sideman play` is started with; it opens and ends at once."""
    started: list[argparse.Namespace] = []

    def run(args: argparse.Namespace, load: object = None, opened: Callable[[], object] = lambda: None) -> int:
        started.append(args)
        opened()
        return 130

    monkeypatch.setattr(play_command, "run", run)
    return started


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MidiWorld:
    world = MidiWorld(numbered=False, virtual=True)
    monkeypatch.setattr("engine.platform.system._chosen", MacMachine(tmp_path).system)
    world.install(monkeypatch, "API_MACOSX_CORE")
    return world


@pytest.fixture
def windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WindowsMachine, MidiWorld]:
    machine, world = WindowsMachine(tmp_path), MidiWorld(numbered=True, virtual=False)
    monkeypatch.setattr("engine.platform.system._chosen", machine.system)
    world.install(monkeypatch, "API_WINDOWS_MM")
    return machine, world


def answering(*answers: str) -> Callable[[str], str]:
    left = list(answers)
    return lambda prompt: left.pop(0)


def test_where_nobody_can_answer_it_is_plain_text_and_no_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge.cli"], capture_output=True, text=True, timeout=60, check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.stdout == f"{welcome.OFFER}\n{welcome.MORE}\n"
    assert done.stderr == ""
    assert done.stdout.isascii()


def test_every_command_that_it_offers_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    offered = [line.split("sideman ")[1].split()[0] for line in welcome.OFFER.splitlines() if "  sideman " in line]
    assert offered == ["generate", "play", "fl"]
    for name in offered:
        assert cli.main([name, "--help"]) == 0


def test_an_answer_that_is_none_of_the_three_says_where_the_rest_is(
    terminal: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert welcome.run(answering("5")) == 2
    assert capsys.readouterr().out.rstrip().endswith(welcome.MORE)


def test_a_solo_is_made_and_sounds(
    terminal: None, mac: MidiWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(welcome, "_synthesiser", lambda: None)
    opened: list[Path] = []

    def open_file(self: object, path: Path) -> bool:
        opened.append(path)
        return True

    monkeypatch.setattr(MacOS, "open_file", open_file)
    assert welcome.run(answering("")) == 0
    assert opened == [tmp_path / welcome.SOLO]
    assert opened[0].read_bytes().startswith(b"MThd")
    ran: list[list[str]] = []
    monkeypatch.setattr(welcome, "_synthesiser", lambda: ("fluidsynth", "piano.sf2"))
    monkeypatch.setattr(welcome, "subprocess", SimpleNamespace(run=lambda command, **_: ran.append(command), DEVNULL=0))
    assert welcome.run(answering("1")) == 0
    assert ran == [["fluidsynth", "-n", "-i", "-q", "piano.sf2", welcome.SOLO]]
    monkeypatch.setattr(welcome, "_synthesiser", lambda: None)
    monkeypatch.setattr(MacOS, "open_file", lambda self, path: False)
    assert welcome.run(answering("1")) == 0
    assert "brew install fluid-synth" in capsys.readouterr().out


def test_on_a_mac_it_plays_with_the_keyboard_that_is_chosen_and_a_synthesiser_beside_it(
    terminal: None, mac: MidiWorld, played: list[argparse.Namespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    mac.add_cable("USB Keyboard")
    mac.add_cable("Sideman In of another program")
    beside = [sys.executable, "-c", "import time; time.sleep(60)"]
    monkeypatch.setattr(welcome, "_synthesiser", lambda: ("fluidsynth", "piano.sf2"))
    asked: list[list[str]] = []
    monkeypatch.setattr(welcome, "synthesiser_command", lambda *rest: asked.append(list(rest)) or beside)
    running: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **rest: running.append(popen(*args, **rest)) or running[-1])
    assert welcome.run(answering("2", "1")) == 130
    assert played[0].input == "USB Keyboard"
    assert played[0].panel == "open"
    assert len(asked) == len(running) == 1
    assert running[0].poll() is not None, "it ends with the session"
    assert welcome.run(answering("2", "")) == 130
    assert played[1].input is None


def test_on_windows_it_sounds_by_what_windows_has_where_there_is_no_cable(
    terminal: None, windows: tuple[WindowsMachine, MidiWorld], played: list[argparse.Namespace]
) -> None:
    windows[1].sinks.append("Microsoft GS Wavetable Synth")
    windows[1].sources.append("USB Keyboard")
    assert welcome.run(answering("2", "1")) == 130
    assert (played[0].input, played[0].output) == ("USB Keyboard 0", "Microsoft GS Wavetable Synth 0")
    for name in ("Sideman In", "Sideman Out", "Sideman Control"):
        windows[1].add_pair(name)
    assert welcome.run(answering("2", "")) == 130
    assert (played[1].input, played[1].output) == (None, None), "play finds its cables by itself"


def test_on_windows_without_either_the_error_is_the_line_to_type(
    terminal: None, windows: tuple[WindowsMachine, MidiWorld]
) -> None:
    windows[0].add_midi_console()
    with pytest.raises(PortError, match=r'midi loopback create --root-name "Sideman In"; .*then `sideman` again'):
        welcome.run(answering("2"))


def test_fl_studio_is_set_up_and_what_is_lacking_is_waited_for(
    terminal: None,
    windows: tuple[WindowsMachine, MidiWorld],
    played: list[argparse.Namespace],
    capsys: pytest.CaptureFixture[str],
) -> None:
    machine, world = windows
    (machine.home / "Documents/Image-Line/FL Studio/Settings").mkdir(parents=True)

    def ask(prompt: str) -> str:
        if "another window" in prompt:
            for name in ("Sideman In", "Sideman Out", "Sideman Control"):
                world.add_cable(name)
        return "3"

    assert welcome.run(ask) == 130
    said = capsys.readouterr().out
    assert "device_Sideman.py" in said
    assert "type each of these names there and press +: Sideman In, Sideman Out, Sideman Control" in said
    assert played
    assert welcome.run(answering("3")) == 130, "nothing is lacking now, so nothing is asked"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ALSA", ["alsa_seq", "-o", "midi.autoconnect=1"]),
        ("CoreMIDI", ["coremidi", "-o", "midi.autoconnect=1"]),
        ("JACK", ["jack", "-o", "midi.autoconnect=1", "-a", "jack", "-o", "audio.jack.autoconnect=1"]),
        ("Windows", ["winmidi", "-o", "midi.autoconnect=1", "-o", "midi.winmidi.device=Sideman Out (A) 1"]),
    ],
)
def test_the_synthesiser_hears_what_the_sideman_plays(
    name: str, more: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MidiSystem, "input_names", lambda self: ["Keys 0", "Sideman Out (A) 1"])
    command = welcome.synthesiser_command(MidiSystem(name, 0, has_virtual=False), "fluidsynth", "piano.sf2")
    assert command == ["fluidsynth", "-i", "-s", "-q", "-m", *more, "piano.sf2"]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="no FluidSynth")
def test_on_jack_a_real_synthesiser_hears_the_sideman_until_ctrl_c() -> None:
    with running_jack() as server:
        terminal, ours = pty.openpty()
        program = subprocess.Popen(
            [sys.executable, "-m", "bridge.cli"], stdin=ours, stdout=ours, stderr=ours, env=server.environment,
            start_new_session=True,
        )  # fmt: skip
        try:
            os.write(terminal, b"2\n")
            give_up = time.monotonic() + 60
            joined = "Sideman Out:Sideman Out\n   fluidsynth-midi:midi_00"
            listing = ""
            while joined not in listing and time.monotonic() < give_up and program.poll() is None:
                time.sleep(0.2)
                listing = subprocess.run(
                    ["jack_lsp", "-c"], env=server.environment, capture_output=True, text=True, check=False
                ).stdout
            assert joined in listing, os.read(terminal, 100_000).decode()
            program.send_signal(signal.SIGINT)
            assert program.wait(30) == 130
            listing = subprocess.run(
                ["jack_lsp"], env=server.environment, capture_output=True, text=True, check=False
            ).stdout
            assert "fluidsynth" not in listing
        finally:
            program.kill()
            os.close(terminal)
            os.close(ours)


@pytest.mark.parametrize("answer", ["\u00b2", "0", "9", "-1", "x", None])
def test_an_answer_that_is_no_keyboard_is_none(
    answer: str | None, terminal: None, mac: MidiWorld, played: list[argparse.Namespace],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """None: a Ctrl-D."""
    mac.add_cable("USB Keyboard")
    monkeypatch.setattr(welcome, "_synthesiser", lambda: None)

    def ask(prompt: str) -> str:
        if "keyboard" not in prompt:
            return "2"
        if answer is None:
            raise EOFError
        return answer

    assert welcome.run(ask) == 130
    assert played[0].input is None


def test_a_ctrl_d_at_the_first_question_does_nothing(terminal: None) -> None:
    def ask(prompt: str) -> str:
        raise EOFError

    assert welcome.run(ask) == 0


def test_a_program_beside_ours_that_will_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    running: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def started(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        running.append(popen(command, **{**options, "stdout": subprocess.PIPE}))  # type: ignore[call-overload]
        assert running[0].stdout.readline()
        wait = running[0].wait
        running[0].wait = lambda timeout=None: wait(timeout and 0.2)  # type: ignore[method-assign]
        return running[0]

    monkeypatch.setattr(subprocess, "Popen", started)
    with welcome._running([sys.executable, "-c", deaf]):
        pass
    assert running[0].returncode == -signal.SIGKILL
    running[0].stdout.close()
