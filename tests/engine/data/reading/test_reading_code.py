"""What a kept entry depends on: no file that reading imports may change without a new reading."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import engine
from engine.data.reading import cache

ROOT = Path(engine.__file__).parent.parent
# Imported by what reads, but nothing of it reaches an entry.
NO_READING = (
    "engine/arrays.py", "engine/atomic.py", "engine/errors.py", "engine/platform", "engine/model/config.py",
    "engine/model/controls.py", "engine/model/shapes.py", "engine/data/shards/augmentation.py",
)  # fmt: skip


def imported(file: Path) -> Iterator[Path]:
    """The files of the engine that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("engine"):
            continue
        place = ROOT / str(node.module).replace(".", "/")
        modules = [place.with_suffix(".py"), place / "__init__.py", *(place / f"{name.name}.py" for name in node.names)]
        yield from (module for module in modules if module.is_file())


def test_every_file_that_reading_imports_is_part_of_what_a_kept_entry_depends_on() -> None:
    waiting, seen = [ROOT / "engine/data/reading/entry.py"], set[Path]()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += imported(file)
    names = {file.relative_to(ROOT).as_posix() for file in seen}
    assert "engine/beats/salience.py" in names, "files behind files are seen"
    known = (*cache._CODE, *NO_READING)
    assert sorted(name for name in names if not any(name == one or name.startswith(f"{one}/") for one in known)) == []
    assert [name for name in cache._CODE if not (ROOT / name).exists()] == [], "a file moved"
