"""Puts the plug-in where this user's hosts look for it."""

from __future__ import annotations

import plistlib
import shutil
from pathlib import Path
from typing import Final

import native
from bridge.errors import BridgeError
from engine.atomic import atomic_write, make_folder
from engine.platform.system import this_system

__all__ = ["install", "place", "uninstall"]

NAME: Final = "Sideman.clap"
IDENTIFIER: Final = "sideman.sideman"


def place(folder: Path | None = None) -> Path:
    """Returns where the plug-in stands, or would. folder: None for where hosts look."""
    return (folder or this_system().plugin_folder()) / NAME


def install(folder: Path | None = None) -> Path:
    """Writes the plug-in, whole or not at all, and returns its place. BridgeError: it was not built; SidemanError: the
    folder cannot be written.
    """
    source = native.plugin_file()
    if source is None:
        raise BridgeError("the plug-in is not here, since this Sideman was installed without a compiler: take a wheel")
    target = place(folder)
    make_folder(target.parent, "give another folder with --dir")
    with atomic_write(target) as path:
        if this_system().plugin_is_bundle:
            _write_bundle(path, source)
        else:
            shutil.copyfile(source, path)
    return target


def uninstall(folder: Path | None = None) -> Path | None:
    """Removes the plug-in; returns where it stood, None where there was none."""
    target = place(folder)
    if target.is_dir():
        shutil.rmtree(target)
    elif target.is_file():
        target.unlink()
    else:
        return None
    return target


def _write_bundle(path: Path, source: Path) -> None:
    program = path / "Contents" / "MacOS" / "Sideman"
    program.parent.mkdir(parents=True)
    shutil.copyfile(source, program)
    program.chmod(0o755)
    (path / "Contents" / "Info.plist").write_bytes(
        plistlib.dumps(
            {
                "CFBundleExecutable": "Sideman",
                "CFBundleIdentifier": IDENTIFIER,
                "CFBundleName": "Sideman",
                "CFBundlePackageType": "BNDL",
            }
        )
    )
    (path / "Contents" / "PkgInfo").write_text("BNDL????", encoding="ascii")
