"""The layer law: imports only point down, between layers, between the rooms of a layer, and never in a circle of files.

And the engine stays light until somebody trains, plays or plots.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = {
    "bridge": {"osc_protocol", "engine", "native"},
    "engine": {"native", "osc_protocol.table", "osc_protocol.errors"},  # pure data, one table for both
    "osc_protocol": set[str](),
    "native": set[str](),
    "fl_scripts": set[str](),
}
ROOMS = {
    # The top first: a room imports itself and what stands after it. Folders count with all below them but what has a
    # line of its own; files at the root of a layer are rooms too.
    "bridge": (
        "cli", "commands", "fl", "plugin", "app", "panel", "recording", "live", "live/modes", "live/rounds",
        "live/playing",
        "live/inbox", "live/commands", "controllers", "midi", "plain_json", "errors",
    ),
    "engine": (
        "__main__", "training/finetune", "training", "training/update", "evaluation", "solo", "data",
        "data/practice", "data/report", "data/reading", "inference", "styles", "judgement", "beats", "model",
        "chords/files", "chords", "midi_io", "data/shards", "output", "tokens", "asked_tracks", "atomic", "vocabulary",
        "notes", "metre", "user_folders", "platform", "arrays", "errors",
    ),
    "osc_protocol": ("generate", "oscquery", "server", "wire", "table", "errors"),
    "native": ("__init__", "twins", "layout", "sampler_params", "stream_rules"),
}  # fmt: skip
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
MOST_FILES = 12  # at one level of a folder: what a reader takes in at once
MOST_ARROWS = 24  # between the bridge's rooms


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Dotted names of all that a file imports, wherever in it; `from a import b` counts as a.b."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: imports are absolute"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def own_imports(path: Path) -> set[Path]:
    """The files of ours that a file imports."""
    found = set()
    for name in imports(path):
        while name and name not in MODULES:
            name = name.rpartition(".")[0]
        if name:
            found.add(MODULES[name])
    return found - {path}


def room(path: Path) -> tuple[str, str] | None:
    """Layer and room of a file; None for the fl_scripts, which have none."""
    layer, *parts = path.relative_to(ROOT).with_suffix("").parts
    if layer not in ROOMS or (parts == ["__init__"] and "__init__" not in ROOMS[layer]):
        return None
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in ROOMS[layer]:
            return layer, name
    pytest.fail(f"{path.relative_to(ROOT)} stands in no room: put it into one, or give it a line in ROOMS")


def test_the_tree_is_there() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(LAYERS)
    assert len(FILES) > 40
    for layer, rooms in ROOMS.items():
        for name in rooms:
            assert (ROOT / layer / name).is_dir() or (ROOT / layer / f"{name}.py").is_file(), f"{layer}/{name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_point_down(path: Path) -> None:
    layer = path.relative_to(ROOT).parts[0]
    allowed = {layer, *LAYERS[layer]}
    for name in imports(path):
        if name.split(".")[0] in LAYERS:
            below = any(name == top or name.startswith(f"{top}.") for top in allowed)
            assert below, f"{path.relative_to(ROOT)} imports {name}: {layer} may import {', '.join(sorted(allowed))}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    here = room(path)
    if here is None:
        return
    order = ROOMS[here[0]]
    for other in sorted(own_imports(path)):
        there = room(other)
        if there is not None and there[0] == here[0]:
            assert order.index(here[1]) <= order.index(there[1]), (
                f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}: "
                f"{here[0]}/{there[1]} stands above {here[0]}/{here[1]}"
            )


def circle(graph: dict[Path, set[Path]]) -> list[Path]:
    """Files along one circle of imports, the first again at the end; [] where there is none."""
    done: set[Path] = set()

    def visit(path: Path, way: list[Path]) -> list[Path]:
        if path in way:
            return [*way[way.index(path) :], path]
        if path in done:
            return []
        for other in sorted(graph[path]):
            if found := visit(other, [*way, path]):
                return found
        done.add(path)
        return []

    for path in sorted(graph):
        if found := visit(path, []):
            return found
    return []


def test_no_circle_between_files() -> None:
    found = circle({path: own_imports(path) for path in FILES})
    assert not found, " -> ".join(str(path.relative_to(ROOT)) for path in found)


def test_a_circle_would_be_found() -> None:
    one, two, three, four = (Path(name) for name in "abcd")
    found = circle({one: {two}, two: {three, four}, three: set(), four: {two}})
    assert set(pairwise(found)) == {(two, four), (four, two)}


def test_no_folder_holds_more_than_one_takes_in() -> None:
    tops = (*ROOMS, "tests", "benchmarks")  # FL Studio wants the files of its script in one folder
    for folder in {path.parent for top in tops for path in (ROOT / top).rglob("*.py")}:
        files = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= MOST_FILES, f"{folder.relative_to(ROOT)} holds {len(files)} files: {sorted(files)}"


def test_every_folder_says_what_lives_in_it() -> None:
    for folder in {path.parent for path in FILES if path.relative_to(ROOT).parts[0] != "fl_scripts"}:
        source = (folder / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(source)), f"{folder.relative_to(ROOT)}/__init__.py says nothing"


def test_the_rooms_of_the_bridge_know_few_others() -> None:
    arrows = set()
    for path in (ROOT / "bridge").rglob("*.py"):
        for other in own_imports(path):
            here, there = path.relative_to(ROOT).parts, other.relative_to(ROOT).parts
            if there[0] == "bridge" and here[1] != there[1] and len(here) > 2 and len(there) > 2:  # files are no rooms
                arrows.add((here[1], there[1]))
    assert len(arrows) <= MOST_ARROWS, sorted(arrows)


HEAVY = ("torch", "bitsandbytes", "peft", "rtmidi", "matplotlib", "pythonosc", "socketserver", "http.server", "bridge")


@pytest.mark.parametrize(
    "module",
    ["engine", "engine.solo.command", "engine.data.prepare", "engine.model.checkpoint", "engine.inference.session",
     "bridge.commands.study.evaluate", "bridge.commands.study.prepare"],
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
