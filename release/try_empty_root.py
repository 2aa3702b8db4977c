"""Installs a Linux wheel in a root that holds Python, its C libraries and nothing else, and has it play there.

    python release/try_empty_root.py dist/sideman-*-manylinux*_x86_64.whl

No compiler, no shell, no package of the distribution is in the root: what a wheel needs beyond Python it must bring.
The dependencies are fetched outside, since an empty root knows no network. Needs root, or a kernel that lends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[1] / "constraints.txt"
PYTHON = Path(os.path.realpath(sys.executable))
STDLIB = Path(sysconfig.get_path("stdlib"))
NOT_NEEDED = ("site-packages", "dist-packages", "test", "idlelib", "tkinter", "turtledemo", "__pycache__", "config-*")
CHART = "Dm7 | G7 | Cmaj7 | %"


def run(*command: str | Path) -> str:
    """Runs a command and returns what it printed; ends the program where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def libraries(files: Sequence[Path]) -> set[Path]:
    """Returns the shared libraries that the files load, and theirs, as ldd finds them; the loader too."""
    found: set[Path] = set()
    for file in files:
        said = subprocess.run(("ldd", file), capture_output=True, text=True, check=False).stdout
        found |= {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}
    return found


def make_root(root: Path) -> None:
    """Lays Python and what it loads into an empty folder, each at its own place."""
    shutil.copytree(STDLIB, root / STDLIB.relative_to("/"), symlinks=False, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    for path in {PYTHON, *libraries([PYTHON, *STDLIB.glob("lib-dynload/*.so")])}:
        there = root / path.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, there)
    for folder in ("tmp", "dev", "home"):
        (root / folder).mkdir()
    (root / "dev" / "null").touch()  # a device takes rights that not everybody has, and here nobody reads it


def inside(root: Path, *command: str) -> str:
    """Runs a command in the root, and nothing of this machine's environment."""
    clean = ("env", "-i", "HOME=/home", "PATH=/venv/bin", "LC_ALL=C.UTF-8")
    enter = ("chroot",) if os.geteuid() == 0 else ("unshare", "--map-root-user", "chroot")
    return run(*clean, shutil.which(enter[0]) or enter[0], *enter[1:], root, *command)


def try_wheel(wheel: Path, root: Path) -> None:
    """See above; root: an empty folder."""
    make_root(root)
    run(sys.executable, "-m", "pip", "download", "-q", "-c", CONSTRAINTS, "-d", root / "wheels", wheel)
    inside(root, str(PYTHON), "-m", "venv", "/venv")
    inside(root, "/venv/bin/pip", "install", "-q", "--no-index", "--find-links", "/wheels", f"/wheels/{wheel.name}")
    variant = inside(root, "/venv/bin/python", "-c", "import native; print(native.VARIANT)").strip()
    if variant != "compiled":
        sys.exit(f"{wheel.name} runs the {variant} decoder in an empty root, not the compiled one")
    said = inside(root, "/venv/bin/sideman", "generate", "--chords", CHART, "--seed", "3", "-o", "/home/solo.mid")
    if not (root / "home" / "solo.mid").read_bytes().startswith(b"MThd"):
        sys.exit(f"no solo came: {said}")
    held = sum(
        1 for path in root.rglob("*") if path.is_file() and "venv" not in path.parts and "wheels" not in path.parts
    )
    print(f"an empty root of {held} files: {variant}, {said.strip()}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="sideman-root-") as empty:
            try_wheel(path.resolve(), Path(empty))
