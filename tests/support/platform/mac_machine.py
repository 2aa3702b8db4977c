"""A Mac: its C library and folders, under a folder of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.platform.macos import MacOS


class MacLibrary:
    """The C library of macOS, as far as Sideman calls it. grants: whether the time constraint is given."""

    def __init__(self, *, grants: bool = True) -> None:
        self.grants = grants
        self.policies: list[tuple[int, ...]] = []
        self.pthread_self = _Function(lambda: 0x7000_0000_1000)
        self.pthread_mach_thread_np = _Function(lambda thread: 771 if thread.value == 0x7000_0000_1000 else 0)

    def mach_timebase_info(self, base: Any) -> None:
        base._obj.numer, base._obj.denom = 125, 3  # of Apple's own processors: 24 ticks a microsecond

    def thread_policy_set(self, thread: int, flavour: int, policy: Any, count: int) -> int:
        assert (thread, flavour, count) == (771, 2, 4)
        self.policies.append(tuple(getattr(policy._obj, field[0]) for field in policy._obj._fields_))
        return 0 if self.grants else 46  # KERN_POLICY_LIMIT

    def renamex_np(self, one: bytes, other: bytes, flags: int) -> int:
        assert flags == 2
        aside = one + b".swap"
        os.rename(one, aside)
        os.rename(other, one)
        os.rename(aside, other)
        return 0


class _Function:
    """A C function that lets its result's type be set."""

    def __init__(self, call: Any) -> None:
        self._call, self.restype = call, None

    def __call__(self, *arguments: Any) -> Any:
        assert self.restype is not None, "a pointer would be cut to 32 bits"
        return self._call(*arguments)


class MacMachine:
    """What MacOS() is given."""

    def __init__(self, home: Path, *, grants: bool = True) -> None:
        self.home, self.library = home, MacLibrary(grants=grants)
        self.environ = {"HOME": str(home)}
        self.system = MacOS(self.environ, lambda: self.home, lambda name: self.library)
