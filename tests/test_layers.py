"""The layer law: imports only point down, and the engine stays light until somebody trains, plays or plots."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = {
    "bridge": {"osc_protocol", "engine", "native"},
    "engine": {"native", "osc_protocol.parameters", "osc_protocol.options"},  # pure data, one table for both
    "osc_protocol": set[str](),
    "native": set[str](),
    "fl_scripts": set[str](),
}
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(path: Path) -> list[str]:
    """Dotted names of all that a file imports, wherever in it; `from a import b` counts as a.b."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def test_the_tree_is_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(LAYERS)
    assert len(FILES) > 40


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_point_down(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    allowed = {layer, *LAYERS[layer]}
    for name in imports(path):
        if name.split(".")[0] in LAYERS:
            below = any(name == top or name.startswith(f"{top}.") for top in allowed)
            assert below, f"{path.relative_to(ROOT)} imports {name}: {layer} may import {', '.join(sorted(allowed))}"


HEAVY = ("torch", "bitsandbytes", "peft", "rtmidi", "matplotlib", "pythonosc", "socketserver", "http.server", "bridge")


@pytest.mark.parametrize(
    "module",
    ["engine", "engine.generate_command", "engine.data.prepare", "engine.checkpoint", "engine.inference.session",
     "bridge.evaluate_command", "bridge.prepare_command"],
)  # fmt: skip
def test_an_import_stays_light(module: str) -> None:
    """No torch, no port, no socket, no display: `import engine` works on a bare machine, and at once."""
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split()) - ({"bridge"} if module.startswith("bridge") else set())
    assert not loaded


def test_only_the_engine_reads_weights_and_none_of_it_unpickles() -> None:
    for path in FILES:
        names = imports(path)
        assert not [name for name in names if name.split(".")[0] in ("pickle", "dill", "joblib", "shelve", "marshal")]
        assert "torch.load(" not in path.read_text(encoding="utf-8"), path
