"""Where a user's own files lie, by the rules of each system."""

from __future__ import annotations

import os
from pathlib import Path

from engine.platform.face import FolderKind
from engine.platform.system import this_system

__all__ = ["user_place"]


def user_place(variable: str, name: str, kind: FolderKind) -> Path:
    """The user's own file or folder of a name; the environment variable names another. It need not exist yet."""
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen)
    return this_system().user_folder(kind) / name
