"""Installs a wheel as a user would, in an environment that holds nothing else, and has it play.

    python release/try_wheel.py dist/sideman-*-manylinux*.whl

Also by `uvx` and `pipx run` where those are installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PLAYED = "s of music in"
CPU = Path("/proc/cpuinfo")


def run(folder: Path, *command: str | Path) -> str:
    """Runs a command in `folder`, in an environment of its own; ends the program where it fails."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", **kept}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout + done.stderr


def try_wheel(wheel: Path, folder: Path) -> None:
    """See above; folder: empty."""
    venv = folder / "venv"
    run(folder, sys.executable, "-m", "venv", venv)
    python = venv / "bin" / "python"
    constraints = Path(__file__).resolve().parents[1] / "constraints.txt"
    run(folder, python, "-m", "pip", "install", "-q", "-c", constraints, wheel)
    variant = run(folder, python, "-c", "import native; print(native.VARIANT)").strip()
    expected = "python" if wheel.name.endswith("-none-any.whl") else "compiled"
    if variant != expected:
        sys.exit(f"{wheel.name} runs the {variant} decoder, not the {expected} one")
    if variant == "compiled" and any(word in CPU.read_text().split() for word in ("avx2", "asimd")):
        kernel = run(folder, python, "-c", "import native; print(native.kernel())").strip()
        if kernel == "portable":
            sys.exit(f"{wheel.name} computes by the portable kernel on a processor that has better")
    play = ("generate", "--chords", "Dm7 | G7 | Cmaj7 | %", "--checkpoint", "small", "--seed", "3", "-o", "solo.mid")
    ways = {"sideman": (venv / "bin" / "sideman", *play)}
    if shutil.which("uvx"):
        ways["uvx"] = ("uvx", "--python", sys.executable, "--from", wheel, "sideman", *play)
    if shutil.which("pipx"):
        ways["pipx run"] = ("pipx", "run", "--python", sys.executable, "--spec", wheel, "sideman", *play)
    for way, command in ways.items():
        said = run(folder, *command)
        if PLAYED not in said or not (folder / "solo.mid").read_bytes().startswith(b"MThd"):
            sys.exit(f"{way}: no solo came: {said}")
        if ("the compiled part is not here" in said) != (variant == "python"):
            sys.exit(f"{way}: does not say in one line whether the compiled part is here: {said}")
        (folder / "solo.mid").unlink()
        print(f"{way}: {variant}, {said.strip()}")


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory(prefix="sideman ü ") as empty:
            try_wheel(path.resolve(), Path(empty))
