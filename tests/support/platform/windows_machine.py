"""A Windows machine: its registry, DLLs, environment and folders, under a folder of this one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.platform.windows import Windows

SHELL = ("HKEY_CURRENT_USER", r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders", "Personal")
FL = ("HKEY_CURRENT_USER", r"Software\Image-Line\Shared\Paths", "Shared data")
MIDI_SERVICE = ("HKEY_LOCAL_MACHINE", r"SYSTEM\CurrentControlSet\Services\MidiSrv", "ImagePath")


class Library:
    """A DLL: each function gives what it was set to, and its calls are noted. One that is not set is missing."""

    def __init__(self, **answers: object) -> None:
        self.calls: list[tuple[Any, ...]] = []
        for name, answer in answers.items():
            setattr(self, name, self._function(name, answer))

    def _function(self, name: str, answer: object) -> Any:
        def call(*arguments: Any) -> object:
            self.calls.append((name, *map(_value, arguments)))
            return answer

        return call


class WindowsMachine:
    """What Windows() is given. registry: (root, key, name) -> text; libraries: those it has, by name."""

    def __init__(self, home: Path, **environ: str) -> None:
        self.home = home
        self.environ = {"USERPROFILE": str(home), "PATH": "", **environ}
        self.registry: dict[tuple[str, str, str], str] = {}
        self.libraries = {
            "avrt": Library(AvSetMmThreadCharacteristicsW=7),
            "winmm": Library(timeBeginPeriod=0),
            "kernel32": Library(SetProcessInformation=1),
        }
        self.opened: list[Path] = []  # files, by the user's own program for them
        self.opens = True
        self.locks: set[tuple[int, int]] = set()  # of file and place, whoever holds them
        self.system = Windows(self.environ, lambda: self.home, self.load, self.module)

    def load(self, name: str) -> Library:
        if name not in self.libraries:
            raise OSError(126, "The specified module could not be found")
        return self.libraries[name]

    def module(self, name: str) -> types.ModuleType:
        module = types.ModuleType(name)
        if name == "winreg":
            module.__dict__.update(
                HKEY_CURRENT_USER="HKEY_CURRENT_USER", HKEY_LOCAL_MACHINE="HKEY_LOCAL_MACHINE",
                OpenKey=self._open_key, QueryValueEx=self._query,
            )  # fmt: skip
        elif name == "os":
            module.__dict__.update(startfile=self._startfile)
        else:
            module.__dict__.update(LK_NBLCK=2, locking=self._locking)
        return module

    def add_midi_console(self) -> None:
        """Windows MIDI Services with its command."""
        tools = self.home / "AppData" / "Local" / "Midi"
        tools.mkdir(parents=True)
        (tools / "midi.exe").touch(mode=0o755)
        self.environ["PATH"] = str(tools)

    @contextlib.contextmanager
    def _open_key(self, root: str, key: str) -> Iterator[tuple[str, str]]:
        if not any((root, key) == there[:2] for there in self.registry):
            raise FileNotFoundError(2, "The system cannot find the file specified")
        yield root, key

    def _query(self, opened: tuple[str, str], name: str) -> tuple[str, int]:
        if (*opened, name) not in self.registry:
            raise FileNotFoundError(2, "The system cannot find the file specified")
        return self.registry[(*opened, name)], 2

    def _startfile(self, path: Path) -> None:
        if not self.opens:
            raise OSError(1155, "No application is associated with the specified file for this operation")
        self.opened.append(path)

    def _locking(self, file: int, mode: int, count: int) -> None:
        assert (mode, count) == (2, 1)
        place = (os.fstat(file).st_ino, os.lseek(file, 0, os.SEEK_CUR))
        if place in self.locks:
            raise OSError(36, "Resource deadlock avoided")
        self.locks.add(place)


def _value(argument: Any) -> Any:
    """What a C function would read of an argument."""
    inner = getattr(argument, "_obj", argument)  # of byref
    if isinstance(inner, ctypes.Structure):
        return tuple(getattr(inner, field[0]) for field in inner._fields_)
    return getattr(inner, "value", inner)
