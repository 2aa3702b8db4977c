"""macOS."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.platform.face import FolderKind, Priority
from engine.platform.posix import Posix

__all__ = ["MacOS"]

_CONSTRAINT_US: Final = {"deadline": (1_000, 100, 500), "session": (10_000, 3_000, 8_000)}  # period, work, deadline
_TIME_CONSTRAINT_POLICY: Final = 2
_SWAP: Final = 2  # RENAME_SWAP


class _Policy(ctypes.Structure):
    _fields_ = (
        ("period", ctypes.c_uint32),
        ("computation", ctypes.c_uint32),
        ("constraint", ctypes.c_uint32),
        ("preemptible", ctypes.c_uint32),
    )


class _Timebase(ctypes.Structure):
    _fields_ = (("numer", ctypes.c_uint32), ("denom", ctypes.c_uint32))


class MacOS(Posix):
    """See System for what each method promises."""

    name = "macOS"
    opener = "open"
    priority_remedy = "macOS refused it: other programs may have used it up"
    soundfont_folders = (
        "/opt/homebrew/share/soundfonts",
        "/opt/homebrew/share/fluid-synth/sf2",
        "/usr/local/share/soundfonts",
        "/usr/local/share/fluid-synth/sf2",
        "~/Library/Audio/Sounds/Banks",
    )
    synthesiser_remedy = "`brew install fluid-synth`, and a .sf2 file in ~/Library/Audio/Sounds/Banks"

    def has_screen(self) -> bool:
        return True

    plugin_is_bundle = True

    def plugin_folder(self) -> Path:
        return self._home() / "Library" / "Audio" / "Plug-Ins" / "CLAP"

    def user_folder(self, kind: FolderKind) -> Path:
        return self._home() / "Library" / "Application Support" / "Sideman"

    def documents(self) -> Iterator[Path]:
        home = self._home()
        yield home / "Documents"
        yield home / "Library/Mobile Documents/com~apple~CloudDocs/Documents"  # Documents in iCloud
        yield from sorted(home.glob("Library/CloudStorage/OneDrive*/Documents"))

    def swap(self, one: Path, other: Path) -> bool:
        libc: Any = self._load(None)
        if not hasattr(libc, "renamex_np"):
            return False
        return bool(libc.renamex_np(os.fsencode(one), os.fsencode(other), _SWAP) == 0)

    def processor_s(self, pid: int) -> float | None:
        return None

    def slept_us(self) -> int:
        return 0  # the monotonic clock goes on: a sleep shows as a wait that lasted too long

    def raise_priority(self, priority: Priority) -> bool:
        try:
            system: Any = self._load(None)
            base = _Timebase()
            system.mach_timebase_info(ctypes.byref(base))
            ticks = [time_us * 1000 * base.denom // base.numer for time_us in _CONSTRAINT_US[priority]]
            policy = _Policy(*ticks, 1)
            system.pthread_mach_thread_np.restype = ctypes.c_uint32
            system.pthread_self.restype = ctypes.c_void_p
            thread = system.pthread_mach_thread_np(ctypes.c_void_p(system.pthread_self()))
            count = ctypes.sizeof(policy) // 4
            return bool(system.thread_policy_set(thread, _TIME_CONSTRAINT_POLICY, ctypes.byref(policy), count) == 0)
        except (OSError, AttributeError):
            return False
