"""Finds where FL Studio keeps its user's data: scripts, presets, settings.

By default Documents/Image-Line/FL Studio. On Windows the registry knows better: FL writes there where its data was
moved to, and Windows where Documents lies, which OneDrive moves more often than not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from engine.platform.system import this_system

__all__ = ["FlInstallError", "find_user_folders", "settings_folders"]

_WHERE: Final = "FL shows it under Options > File settings > User data folder: give it with --dir"
_FL_KEY: Final = r"Software\Image-Line\Shared\Paths"


class FlInstallError(BridgeError):
    """FL Studio's folder was not found, or the script could not be written to or removed from it."""


def find_user_folders() -> list[Path]:
    """Returns FL Studio's existing user data folders on this machine, the likeliest first."""
    found: dict[Path, Path] = {}
    for image_line in _image_line_folders():
        versions = [folder for folder in sorted(image_line.glob("FL Studio ?*")) if (folder / "Settings").is_dir()]
        for folder in (image_line / "FL Studio", *versions):  # one for all versions, but for those that were given own
            if folder.is_dir():
                found.setdefault(folder.resolve(), folder)
    return list(found.values())


def settings_folders(target_dir: Path | None) -> list[Path]:
    """Returns <user data folder>/Settings of the folder given, or of all found. FlInstallError."""
    if target_dir is None:
        found = find_user_folders()
        if not found:
            raise FlInstallError(f"FL Studio's user data folder was not found in Documents/Image-Line. {_WHERE}")
        return [folder / "Settings" for folder in found]
    folder = Path(os.path.expanduser(target_dir))
    if not folder.is_dir():
        raise FlInstallError(f"{folder} is not a folder. {_WHERE}")
    if folder.name == "Hardware":
        return [folder.parent]
    for candidate in (folder, folder / "FL Studio", folder / "Image-Line" / "FL Studio"):
        if (candidate / "Settings").is_dir():
            return [candidate / "Settings"]
    raise FlInstallError(f"{folder} is not FL Studio's user data folder: it has no Settings folder. {_WHERE}")


def _image_line_folders() -> Iterator[Path]:
    shared = this_system().registry_text(_FL_KEY, "Shared data")
    if shared:
        yield Path(shared)
    for documents in this_system().documents():
        yield documents / "Image-Line"
