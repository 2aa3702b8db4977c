"""The operating system that this process runs on."""

from __future__ import annotations

import sys
from functools import cache

from engine.platform.face import System
from engine.platform.linux import Linux
from engine.platform.macos import MacOS
from engine.platform.windows import Windows

__all__ = ["this_system"]


@cache
def _running_on() -> System:
    if sys.platform == "win32":
        return Windows()
    if sys.platform == "darwin":
        return MacOS()
    return Linux()


_chosen: System | None = None  # set by tests alone


def this_system() -> System:
    """The system that this process runs on."""
    return _chosen or _running_on()
