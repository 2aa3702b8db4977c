"""The fake FL host is as strict as FL: each rule is broken once, and the host must notice."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.fl import piano_roll
from tests.support.fl.host import FakeFL
from tests.support.fl.modules import FUNCTIONS

RULES = [
    # profile, body of OnInit, what the host says
    ("fl2024", "import socket; socket.socket()", "SystemError: <slot wrapper '__init__' of '_socket.socket' objects>"),
    ("fl2024", "import threading; threading.Thread(target=print).start()", "SystemError"),
    ("fl2024", "import subprocess; subprocess.run('dir')", "SystemError"),
    ("fl2024", "import os; os.mkdir('x')", "SystemError"),
    ("fl2024", "import os; os.rename('x', 'y')", "SystemError"),
    ("fl2024", "import os; os.remove('x')", "SystemError"),
    ("fl2024", "import ctypes", "ImportError: DLL load failed"),
    ("fl2024", "open('/etc/hostname')", "PermissionError"),
    ("fl2024", "print(__file__)", "NameError"),
    ("fl21", "import socket", "ModuleNotFoundError: No module named 'socket'"),
    ("fl21", "import struct", "ModuleNotFoundError"),
    ("fl21", "import random", "ModuleNotFoundError"),
    ("fl21", "import typing", "ModuleNotFoundError"),
    ("fl21", "open('x')", "PermissionError"),
    ("fl2024", "import ui; ui.setHintMsg('caf\\u00e9')", "TypeError"),
    ("fl2024", "import device; device.midiOutSysex([240, 247])", "TypeError"),
    ("fl2024", "import device; device.noSuchFunction()", "AttributeError"),
]


def host(folder: Path, body: str, profile: str = "fl2024", header: str = "# name=Test", **options: object) -> FakeFL:
    text = f"{header}\nimport device, mixer, transport\ndef OnInit():\n    {body}\ndef OnIdle():\n    pass\n"
    (folder / "device_Test.py").write_text(text, encoding="utf-8")
    return FakeFL(folder, profile, **options).load("device_Test")  # type: ignore[arg-type]


@pytest.mark.parametrize(("profile", "body", "said"), RULES)
def test_what_fl_refuses_disables_the_script(profile: str, body: str, said: str, tmp_path: Path) -> None:
    fl = host(tmp_path, body, profile)
    assert fl.disabled is not None
    assert said in fl.disabled
    fl.call("OnIdle")
    assert fl.disabled.startswith("OnInit")


@pytest.mark.parametrize("module", ["sys", "time", "math", "binascii", "_json", "_struct"])
@pytest.mark.parametrize("profile", ["fl2024", "fl21"])
def test_what_every_fl_has_imports(profile: str, module: str, tmp_path: Path) -> None:
    assert host(tmp_path, f"import {module}", profile).disabled is None


def test_fl21_has_the_syntax_of_python_39(tmp_path: Path) -> None:
    with pytest.raises(SyntaxError):
        host(tmp_path, "match 1:\n        case 1: pass", "fl21")
    with pytest.raises(TypeError, match="unsupported operand"):
        host(tmp_path, "def f(x: int | None): pass", "fl21")


def test_fl21_lacks_even_the_future_module(tmp_path: Path) -> None:
    header = "# name=Test\nfrom __future__ import annotations"
    with pytest.raises(ModuleNotFoundError, match="__future__"):
        host(tmp_path, "pass", "fl21", header)
    assert host(tmp_path, "pass", "fl2024", header).disabled is None


def test_sources_are_ascii_and_named_on_line_one(tmp_path: Path) -> None:
    with pytest.raises(UnicodeDecodeError):
        host(tmp_path, "pass  # é")
    with pytest.raises(ValueError, match="line 1"):
        host(tmp_path, "pass", header="# a script\n# name=Test")


@pytest.mark.parametrize(
    ("message", "options", "passes"),
    [
        (b"\xf0\x7d\xf7", {}, True),
        (b"\xf0\x7d" + bytes(997) + b"\xf7", {}, True),  # 1000 bytes
        (b"\xf0\x7d" + bytes(998) + b"\xf7", {}, False),
        (b"\x7d\x00", {}, False),
        (b"\xf0\x7d", {}, False),
        (b"\xf0\x7d\xf7", {"wine": True}, False),
        (b"\xf0\x7d\xf7", {"assigned": False}, False),
    ],
)
def test_sysex_leaves_fl_framed_and_short_or_not_at_all(
    message: bytes, options: dict[str, object], passes: bool, tmp_path: Path
) -> None:
    fl = host(tmp_path, f"device.midiOutSysex({message!r})", **options)
    assert (fl.sent, fl.lost) == (([message], []) if passes else ([], [message]))
    assert fl.disabled is None


def test_calls_from_another_thread_fail(tmp_path: Path) -> None:
    fl = host(tmp_path, "pass")
    raised: list[BaseException] = []

    def elsewhere() -> None:
        try:
            fl.modules["device_Test"].device.isAssigned()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_budgets_are_noted(tmp_path: Path) -> None:
    assert host(tmp_path, "[device.isAssigned() for _ in range(41)]").violations == [
        "OnInit called FL more than 40 times"
    ]
    assert "took more than" in host(tmp_path, "sum(range(10**7))").violations[0]
    assert "slept" in host(tmp_path, "import time; time.sleep(1)").violations[0]


def test_fl_speaks_in_ints_and_thousandths_and_start_toggles(tmp_path: Path) -> None:
    fl = host(tmp_path, "print(transport.isPlaying(), mixer.getCurrentTempo()); transport.start()")
    assert fl.output == ["0 130000"]
    assert fl.playing
    fl.reinit()
    assert not fl.playing
    plain = host(tmp_path, "print(mixer.getCurrentTempo())", tempo_thousand=False)
    assert plain.output == ["130.0"]


def test_unsafe_times_and_stale_reads(tmp_path: Path) -> None:
    fl = host(tmp_path, "print(transport.isPlaying())", stale=True)
    fl.change(playing=True)
    fl.call("OnInit")
    fl.tick()
    fl.call("OnInit")
    assert fl.output == ["0", "0", "1"]
    fl.unsafe = True
    fl.call("OnInit")
    assert fl.disabled == "OnInit: TypeError: Operation unsafe at current time"


def test_idle_comes_every_10_to_100_ms(tmp_path: Path) -> None:
    fl = host(tmp_path, "pass")
    begin_s = fl.now_s
    for _ in range(100):
        fl.tick()
    assert 1.0 <= fl.now_s - begin_s <= 10.0


STUBS = "fl-studio-api-stubs"  # LGPL-3, and its top-level `midi`, `device`, `utils` must not meet ours: never installed


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the official stubs alone; SIDEMAN_FL_STUBS names one that is there already."""
    if os.environ.get("SIDEMAN_FL_STUBS"):
        return Path(os.environ["SIDEMAN_FL_STUBS"])
    folder = tmp_path_factory.mktemp("stubs")
    names = [STUBS, "typing_extensions"]  # which the stubs import and do not ask for
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--retries", "0", "--target", str(folder)]
    try:
        done = subprocess.run([*command, *names], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{STUBS} cannot be fetched in time")
    if done.returncode:
        pytest.skip(f"{STUBS} cannot be had here: pip is missing or offline")
    return folder


def in_stubs(script: str, wanted: object) -> str:
    """What the script prints, run where no packages are but the standard library's and the stubs."""
    command = [sys.executable, "-I", "-S", "-c", script]
    run = subprocess.run(command, input=json.dumps(wanted), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.real
def test_signatures_are_those_of_the_official_stubs(stubs: Path) -> None:
    wanted = {
        f"{module}.{function.__name__}": [
            [name, None if parameter.default is parameter.empty else parameter.default]
            for name, parameter in list(inspect.signature(function).parameters.items())[1:]
        ]
        for module, functions in FUNCTIONS.items()
        for function in functions
    }
    script = (
        "import importlib, inspect, json, sys\n"
        f"sys.path.insert(0, {str(stubs)!r})\n"
        "out = {}\n"
        "for name in json.load(sys.stdin):\n"
        "    module, function = name.split('.')\n"
        "    signature = inspect.signature(getattr(importlib.import_module(module), function))\n"
        "    pairs = signature.parameters.items()\n"
        "    out[name] = [[key, None if p.default is p.empty else p.default] for key, p in pairs]\n"
        "print(json.dumps(out))\n"
    )
    assert json.loads(in_stubs(script, wanted)) == wanted


@pytest.mark.real
def test_the_piano_roll_is_that_of_the_official_stubs(stubs: Path) -> None:
    """Every class and method that our piano roll offers is there, with its parameters."""
    fakes = (piano_roll.Note, piano_roll.Marker, piano_roll.Score, piano_roll.Dialog)
    classes = dict(zip(("Note", "Marker", "score", "ScriptDialog"), fakes, strict=True))
    wanted = {
        f"{name}.{method}": list(inspect.signature(getattr(own, method)).parameters)
        for name, own in classes.items()
        for method in vars(own)
        if method[0] != "_" and method != "choose"
    }
    wanted |= {"ScriptDialog.__init__": ["self", "title", "description"]}
    script = (
        "import inspect, json, sys\n"
        f"sys.path.insert(0, {str(stubs)!r})\n"
        "import flpianoroll as flp\n"
        "out = {}\n"
        "for name in json.load(sys.stdin):\n"
        "    owner, method = name.split('.')\n"
        "    found = getattr(flp, owner)\n"
        "    found = found if inspect.isclass(found) else type(found)\n"
        "    out[name] = list(inspect.signature(getattr(found, method)).parameters)\n"
        "assert {'number', 'time', 'length', 'velocity'} <= set(dir(flp.Note))\n"
        "assert {'time', 'name'} <= set(dir(flp.Marker))\n"
        "assert 'PPQ' in dir(type(flp.score))\n"
        "print(json.dumps(out))\n"
    )
    assert json.loads(in_stubs(script, wanted)) == wanted
