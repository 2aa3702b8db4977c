"""Linux, and whatever other Unix Sideman happens to run on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.platform.face import FolderKind, Priority
from engine.platform.posix import Posix

__all__ = ["Linux"]

_FIFO: Final = {"deadline": 20, "session": 5}  # below the 70 and more of the kernel's own audio threads
_XDG: Final = {"config": ("XDG_CONFIG_HOME", ".config"), "data": ("XDG_DATA_HOME", ".local/share")}
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


class Linux(Posix):
    """See System for what each method promises."""

    name = "Linux"
    priority_remedy = (
        "join the group `audio` (or `realtime`) that your system's /etc/security/limits.d names, and log in anew"
    )
    soundfont_folders = (
        "/usr/share/sounds/sf2",  # Debian, Ubuntu
        "/usr/share/sounds/sf3",
        "/usr/share/soundfonts",  # Fedora, Arch
        "/usr/local/share/soundfonts",
        "~/.local/share/soundfonts",
        "~/.local/share/sounds/sf2",
    )
    synthesiser_remedy = "`apt install fluidsynth fluid-soundfont-gm`, or what your distribution calls them"

    plugin_is_bundle = False

    def plugin_folder(self) -> Path:
        return self._home() / ".clap"

    def user_folder(self, kind: FolderKind) -> Path:
        variable, default = _XDG[kind]
        return Path(self._environ.get(variable) or self._home() / default) / "sideman"

    def documents(self) -> Iterator[Path]:
        yield self._home() / "Documents"
        prefix = Path(self._environ.get("WINEPREFIX") or self._home() / ".wine")  # FL Studio runs under Wine here
        yield from sorted(prefix.glob("drive_c/users/*/Documents"))

    def swap(self, one: Path, other: Path) -> bool:
        libc: Any = self._load(None)
        if not hasattr(libc, "renameat2"):
            return False
        return bool(libc.renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0)

    def processor_s(self, pid: int) -> float | None:
        try:
            return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of the process, see clock_getcpuclockid(3)
        except OSError:
            return None

    def slept_us(self) -> int:
        if not hasattr(time, "CLOCK_BOOTTIME"):
            return 0
        awake_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        return (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - awake_ns) // 1000

    def raise_priority(self, priority: Priority) -> bool:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_FIFO[priority]))  # 0: this thread
        except (OSError, AttributeError):  # refused, or a Unix without it
            return False
        return True
