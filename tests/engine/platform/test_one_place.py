"""Only engine/platform asks which operating system this is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from engine.platform import system

ROOT = Path(__file__).parents[3]
LAYERS = ("bridge", "engine", "osc_protocol", "native")
QUESTIONS = {"sys.platform", "os.name", "platform.system", "platform.win32_ver", "platform.mac_ver", "os.uname"}
ONE_SYSTEMS_OWN = {"winreg", "msvcrt", "fcntl", "resource", "_winapi"}


def questions(source: str) -> list[str]:
    """What a file asks of the system it runs on, or imports that only one system has."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in QUESTIONS or node.attr in ("WinDLL", "windll"):
                found.append(name)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in ONE_SYSTEMS_OWN]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [name for name in names if name in QUESTIONS or node.module in ONE_SYSTEMS_OWN]
    return found


def test_nobody_else_asks() -> None:
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            if ROOT / "engine" / "platform" not in path.parents:
                asked = questions(path.read_text(encoding="utf-8"))
                assert not asked, f"{path.relative_to(ROOT)} asks {asked}: engine/platform answers"


def test_a_question_would_be_seen() -> None:
    asking = (
        "import sys\nif sys.platform == 'x': pass",
        "from os import name",
        "import os\nos.name",
        "import fcntl",
        "import ctypes\nctypes.WinDLL('x')",
        "import platform\nplatform.system()",
    )
    for source in asking:
        assert questions(source), source
    assert not questions("import platform\nplatform.python_version()\nthing.name\nos.path")


def test_the_room_hides_no_module_of_pythons_own() -> None:
    code = "import platform, engine.platform; assert platform.python_version(); assert platform is not engine.platform"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(
    ("platform", "name"), [("win32", "Windows"), ("darwin", "macOS"), ("linux", "Linux"), ("freebsd14", "Linux")]
)
def test_each_system_has_its_file(monkeypatch: pytest.MonkeyPatch, platform: str, name: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert system._running_on.__wrapped__().name == name
