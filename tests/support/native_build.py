"""Builds native/ with CMake and runs what comes out, or any other program."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import native

__all__ = ["ROOT", "build_native", "run_program"]

ROOT = Path(native.__file__).parent.parent


def build_native(folder: Path, *options: str, targets: tuple[str, ...]) -> None:
    """Builds the targets in a folder, with CMake's options."""
    generator = ("-G", "Ninja") if shutil.which("ninja") else ()
    run_program("cmake", "-S", ROOT, "-B", folder, *generator, "-DSIDEMAN_TESTS=ON", *options)
    run_program("cmake", "--build", folder, "--parallel", "2", "--target", *targets)


def run_program(*command: str | Path, folder: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Returns what a program prints. AssertionError, with the end of it, where it fails."""
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout
