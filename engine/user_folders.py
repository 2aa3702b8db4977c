"""Where a user's own files lie, by the rules of each system."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

__all__ = ["user_place"]


def user_place(variable: str, name: str, kind: Literal["config", "data"]) -> Path:
    """The user's own file or folder of a name; the environment variable names another. It need not exist yet."""
    chosen = os.environ.get(variable)
    if chosen:
        return Path(chosen)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Sideman" / name
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Sideman" / name
    xdg, default = {"config": ("XDG_CONFIG_HOME", ".config"), "data": ("XDG_DATA_HOME", ".local/share")}[kind]
    return Path(os.environ.get(xdg) or home / default) / "sideman" / name
