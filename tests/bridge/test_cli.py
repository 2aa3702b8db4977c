"""The command line's frame: subcommands found lazily, errors in one line, exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from bridge import cli
from bridge.errors import LiveFailure, PortError
from engine.atomic import atomic_write
from osc_protocol.errors import ParameterError


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A subcommand `probe` whose run() raises what the test puts into `module.error`, or returns `module.code`."""
    module = ModuleType("tests_cli_probe")
    module.error, module.code = None, 0  # type: ignore[attr-defined]

    def run(args: argparse.Namespace) -> int:
        if module.error is not None:
            raise module.error
        return int(module.code)

    module.add_arguments = lambda parser: parser.add_argument("--number", type=int)  # type: ignore[attr-defined]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(cli, "COMMANDS", (*cli.COMMANDS, cli.Command("probe", module.__name__, "a probe")))
    return module


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (PortError("no port 'x': those there are 'y'"), 2, "sideman: no port 'x': those there are 'y'"),
        (ParameterError("top_p 2 lies outside 0.05..1"), 2, "sideman: top_p 2 lies outside 0.05..1"),
        (LiveFailure("the JACK server went away"), 1, "sideman: the JACK server went away"),
        (RuntimeError("two\nlines"), 1, "sideman: RuntimeError: two lines"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_every_failure_is_one_line_and_an_exit_code(
    command: ModuleType, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    command.error = error  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == code
    assert capsys.readouterr().err.strip() == line


def test_a_program_that_is_ended_leaves_nothing_half_made(
    command: ModuleType, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def run(args: argparse.Namespace) -> int:
        with atomic_write(tmp_path / "data") as folder:
            folder.mkdir()
            signal.raise_signal(signal.SIGTERM)
        return 0

    command.run = run  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 143
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_program_around_us_keeps_its_own_way_with_signals(command: ModuleType) -> None:
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        command.run = lambda args: signal.raise_signal(signal.SIGTERM) or 0  # type: ignore[attr-defined]
        assert cli.main(["probe"]) == 0
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("arguments", [["--debug", "probe"], ["probe", "--debug"]])
def test_debug_adds_the_traceback(
    command: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    command.error = RuntimeError("inside")  # type: ignore[attr-defined]
    assert cli.main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nope"], ["probe", "--number", "x"], ["probe", "--nope"], ["probe", "extra"]])
def test_a_wrong_command_line_is_one_line_and_exit_2(
    command: ModuleType, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("sideman: ")


def test_a_command_returns_its_own_code(command: ModuleType) -> None:
    command.code = 7  # type: ignore[attr-defined]
    assert cli.main(["probe", "--number", "3"]) == 7


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_every_command_shows_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    assert f"usage: sideman {name}" in capsys.readouterr().out


def test_help_imports_neither_numpy_nor_ports() -> None:
    code = (
        "import sys; from bridge.cli import main; main(['--help']); "
        "print(sorted({'numpy', 'rtmidi'} & set(sys.modules)))"
    )
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("[]\n")
    assert time.monotonic() - began < 30  # 0.1 s on a calm machine


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("name", ["\u266f\u66f2.mid", "caf\u00e9.mid"])
def test_a_name_that_the_terminal_cannot_say_ends_no_command(name: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no music")

    def sideman(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli", *arguments], cwd=tmp_path, capture_output=True, check=False,
            env=os.environ | {"PYTHONIOENCODING": encoding},
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).decode(encoding)

    for command in (["chords", name], ["prepare", ".", "-o", "data", "--workers", "1"]):
        code, said = sideman(*command)
        assert code == 2, said
        assert "no MThd header" in said
        assert "Traceback" not in said
        assert "Error:" not in said
    code, said = sideman("generate", "--chords", "C", "--bars", "1", "-o", f"solo {name}")
    assert code == 0, said
    assert (tmp_path / f"solo {name}").is_file()
