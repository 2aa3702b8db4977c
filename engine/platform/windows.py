"""Windows 10 and 11."""

from __future__ import annotations

import ctypes
import importlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from engine.platform.face import FolderKind, MidiServices, Priority

__all__ = ["Windows"]

_SHELL_KEY: Final = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
_MIDI_KEY: Final = r"SYSTEM\CurrentControlSet\Services\MidiSrv"
_LONG: Final = 248  # of a folder's 260 characters Windows keeps twelve for a file in it
# Of a locked file: far behind what it holds, which others may go on to read; the C library's place has 31 bits.
_LOCKED_BYTE: Final = (1 << 31) - (1 << 16)
_NEW_PROCESS_GROUP: Final = 0x200
_PATIENCE_S: Final = 1.0  # for a virus scanner, OneDrive or the search index to let go of a file
_TIMER_MS: Final = 1  # winmm's finest
_THIS_PROCESS: Final = -1
_POWER_THROTTLING: Final = 4  # of PROCESS_INFORMATION_CLASS
_SPEED, _TIMER = 0x1, 0x4  # PROCESS_POWER_THROTTLING_EXECUTION_SPEED, ..._IGNORE_TIMER_RESOLUTION


class _Throttling(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("control", ctypes.c_uint32), ("state", ctypes.c_uint32))


def _load(name: str) -> Any:
    return ctypes.WinDLL(name)  # type: ignore[attr-defined,unused-ignore]


class Windows:
    """See System for what each method promises."""

    name = "Windows"
    priority_remedy = "the Multimedia Class Scheduler service must run"
    soundfont_folders = ("C:/soundfonts", "C:/ProgramData/soundfonts", "~/Music/soundfonts")
    synthesiser_remedy = "`choco install fluidsynth`, and a .sf2 file in C:/soundfonts"

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        home: Callable[[], Path] = Path.home,
        load: Callable[[str], Any] = _load,
        module: Callable[[str], Any] = importlib.import_module,
    ) -> None:
        """load: opens a DLL by its name. module: imports winreg and msvcrt, which only Windows has."""
        self._environ, self._home, self._load, self._module = environ, home, load, module

    def has_screen(self) -> bool:
        return True

    def open_file(self, path: Path) -> bool:
        try:
            self._module("os").startfile(path)
        except (OSError, AttributeError):  # no program is known for such files
            return False
        return True

    plugin_is_bundle = False

    def plugin_folder(self) -> Path:
        local = Path(self._environ.get("LOCALAPPDATA") or self._home() / "AppData" / "Local")
        return local / "Programs" / "Common" / "CLAP"

    def user_folder(self, kind: FolderKind) -> Path:
        return Path(self._environ.get("LOCALAPPDATA") or self._home() / "AppData" / "Local") / "Sideman"

    def documents(self) -> Iterator[Path]:
        moved = self.registry_text(
            _SHELL_KEY, "Personal"
        )  # Windows knows best: OneDrive moves them more often than not
        if moved:
            yield Path(moved)
        yield self._home() / "Documents"
        for variable in ("OneDrive", "OneDriveCommercial", "OneDriveConsumer"):
            if self._environ.get(variable):
                yield Path(self._environ[variable]) / "Documents"
        yield from sorted(self._home().glob("OneDrive*/Documents"))

    def registry_text(self, key: str, name: str) -> str | None:
        return self._registry("HKEY_CURRENT_USER", key, name)

    def midi_services(self) -> MidiServices:
        if shutil.which("midi.exe", path=self._environ.get("PATH", "")):
            return "console"
        return "none" if self._registry("HKEY_LOCAL_MACHINE", _MIDI_KEY, "ImagePath") is None else "service"

    def long_path(self, path: Path) -> Path:
        r"""Behind `\\?\` Windows takes paths of 32,767 characters, whatever the user's settings are."""
        known = PureWindowsPath(path)
        if not known.is_absolute() or len(str(known)) < _LONG or str(known).startswith("\\\\?\\"):
            return path
        text = str(known)
        return Path("\\\\?\\UNC\\" + text[2:] if text.startswith("\\\\") else "\\\\?\\" + text)

    def replace(self, source: Path, target: Path) -> None:
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            try:
                os.replace(source, target)
                return
            except PermissionError:  # while another program looks into either of them
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)

    def swap(self, one: Path, other: Path) -> bool:
        return False

    def lock(self, file: int) -> bool:
        msvcrt = self._module("msvcrt")
        place = os.lseek(file, 0, os.SEEK_CUR)
        try:
            os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, place, os.SEEK_SET)
        return True

    def child_options(self) -> dict[str, Any]:
        return {"creationflags": _NEW_PROCESS_GROUP}

    def processor_s(self, pid: int) -> float | None:
        return None

    def bound_memory(self, limit_bytes: int) -> None:
        return None  # Windows has no such limit for a process by itself

    def slept_us(self) -> int:
        return 0  # the performance counter goes on: a sleep shows as a wait that lasted too long

    def raise_priority(self, priority: Priority) -> bool:
        """Also has the process woken to the millisecond from now on, and not slowed down behind other windows."""
        self._sharpen_timer()
        task = ctypes.c_ulong(0)
        try:
            characteristics = self._load("avrt").AvSetMmThreadCharacteristicsW
            characteristics.restype = ctypes.c_void_p
            return bool(characteristics("Pro Audio", ctypes.byref(task)))
        except (OSError, AttributeError):
            return False

    def _sharpen_timer(self) -> None:
        """Windows wakes sleepers every 15.6 ms unless asked; Windows 11 forgets it while the window is hidden."""
        try:
            self._load("winmm").timeBeginPeriod(_TIMER_MS)
            wanted = _Throttling(1, _SPEED | _TIMER, 0)  # both under our control, both off
            self._load("kernel32").SetProcessInformation(
                ctypes.c_void_p(_THIS_PROCESS), _POWER_THROTTLING, ctypes.byref(wanted), ctypes.sizeof(wanted)
            )
        except (OSError, AttributeError):  # before Windows 10 1709 there is nothing to switch off
            return

    def _registry(self, root: str, key: str, name: str) -> str | None:
        winreg = self._module("winreg")
        try:
            with winreg.OpenKey(getattr(winreg, root), key) as opened:
                text = str(winreg.QueryValueEx(opened, name)[0])
        except OSError:
            return None
        known = {variable.upper(): value for variable, value in self._environ.items()}
        return re.sub(r"%([^%]+)%", lambda found: known.get(found[1].upper(), found[0]), text)
