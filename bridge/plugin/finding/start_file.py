"""The file that tells plug-ins how the engine starts: `sideman start 1`, the program, and its arguments, a line each.

It lies beside the engine's address, as `serve.start`, and native/plugin/starter.cpp reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.plugin.finding.address_file import address_path
from bridge.plugin.finding.own_file import write_own_file

__all__ = ["engine_command", "remove_start", "start_path", "write_start"]

_HEAD: Final = "sideman start 1"
# Without the host's current folder, which may hold modules of our names.
_PROGRAM: Final = "import sys; sys.path = [p for p in sys.path if p]; from bridge.cli import main; sys.exit(main())"


def start_path() -> Path:
    """Returns the file's place."""
    address = address_path()
    return address.with_name(f"{address.name}.start")


def engine_command() -> list[str]:
    """Returns how this Sideman's engine is started: it ends by itself when no plug-in has needed it for a while."""
    return [sys.executable, "-c", _PROGRAM, "serve", "--while-used"]


def write_start(command: Sequence[str]) -> Path:
    """Has plug-ins start the engine so, and returns the file's place. BridgeError: it cannot be written, or a word of
    the command holds the end of a line.
    """
    if any("\n" in word for word in command):
        raise BridgeError(f"{command[0]!r}: plug-ins cannot start what has a line's end in its name: move it")
    return write_own_file(start_path(), "\n".join([_HEAD, *command]) + "\n", "start")


def remove_start() -> None:
    """From now on plug-ins only look for an engine. OSError: the file cannot be removed."""
    start_path().unlink(missing_ok=True)
