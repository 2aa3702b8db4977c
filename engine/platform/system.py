"""The operating system that this process runs on."""

from __future__ import annotations

import sys
from functools import cache

from engine.platform.face import System

__all__ = ["this_system"]


@cache
def _running_on() -> System:
    if sys.platform == "win32":
        from engine.platform.windows import Windows

        return Windows()
    if sys.platform == "darwin":
        from engine.platform.macos import MacOS

        return MacOS()
    from engine.platform.linux import Linux

    return Linux()


_chosen: System | None = None  # set by tests alone


def this_system() -> System:
    """The system that this process runs on."""
    return _chosen or _running_on()
