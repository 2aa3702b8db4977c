"""What Linux and macOS have in common."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.platform.face import MidiServices

__all__ = ["Posix"]


class Posix:
    """The shared half of the face; see System for what each method promises."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        home: Callable[[], Path] = Path.home,
        load: Callable[[str | None], Any] = ctypes.CDLL,
    ) -> None:
        """load: opens a library by its name, None for the C library of this process."""
        self._environ, self._home, self._load = environ, home, load

    opener = "xdg-open"  # the program that opens any file in the user's own one for it

    def has_screen(self) -> bool:
        return any(self._environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))

    def open_file(self, path: Path) -> bool:
        import subprocess  # which a command that opens no file need not load

        program = shutil.which(self.opener, path=self._environ.get("PATH", ""))
        if program is None or not self.has_screen():
            return False
        done = subprocess.run(
            [program, path], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return done.returncode == 0

    def registry_text(self, key: str, name: str) -> str | None:
        return None

    def midi_services(self) -> MidiServices:
        return "none"

    def long_path(self, path: Path) -> Path:
        return path

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def lock(self, file: int) -> bool:
        fcntl: Any = importlib.import_module("fcntl")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def child_options(self) -> dict[str, Any]:
        return {"start_new_session": True}

    def bound_memory(self, limit_bytes: int) -> None:
        with contextlib.suppress(ImportError, OSError, ValueError):  # macOS takes the limit and does not keep it
            resource: Any = importlib.import_module("resource")
            soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
            if soft == resource.RLIM_INFINITY or soft > limit:
                resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
