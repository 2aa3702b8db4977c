"""Puts Sideman's controller script and the probe into FL Studio's user data folder, and takes them out again.

FL reads controller scripts from <user data folder>/Settings/Hardware/<any name>.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bridge.fl.folders import FlInstallError, settings_folders
from osc_protocol.generate.fl import render

__all__ = ["FlInstallError", "hardware_folders", "install", "leftovers", "probe", "script_files", "uninstall"]

SOURCE: Final = Path(__file__).resolve().parents[2] / "fl_scripts" / "Sideman"
SCRIPT: Final = "Sideman"  # folder names in FL's Hardware folder
PROBE: Final = "SidemanProbe"
_PROBE_FILE: Final = "device_SidemanProbe.py"
_CACHE: Final = "__pycache__"
USER_MAP: Final = "sideman_map.py"  # the one file of the script that is the user's to edit


def install(target_dir: Path | None) -> list[Path]:
    """Copies the script into FL's user data folder (None: all that are found); returns the files written.

    An older copy is replaced as a whole, only once the new one is complete and verified; the user's own map of knobs
    and whatever else lies there stays. FlInstallError if FL Studio is not found, or the folder cannot be written.
    """
    return [path for hardware in hardware_folders(target_dir) for path in _place(script_files(), hardware / SCRIPT)]


def script_files() -> dict[str, bytes]:
    """Returns the files of the script, name -> content: those that ship, and two made of the engine's own sources."""
    shipped = {path.name: path.read_bytes() for path in SOURCE.glob("*.py") if path.name != _PROBE_FILE}
    return dict(sorted((shipped | {name: text.encode("ascii") for name, text in render().items()}).items()))


def probe(target_dir: Path | None) -> list[Path]:
    """Copies the probe script alone, as `install` does."""
    files = {_PROBE_FILE: (SOURCE / _PROBE_FILE).read_bytes()}
    return [path for hardware in hardware_folders(target_dir) for path in _place(files, hardware / PROBE)]


def uninstall(target_dir: Path | None) -> list[Path]:
    """Removes what install and probe wrote, and nothing else; returns the files removed."""
    removed: list[Path] = []
    for hardware in hardware_folders(target_dir):
        for folder, names in ((hardware / SCRIPT, list(script_files())), (hardware / PROBE, [_PROBE_FILE])):
            try:
                _bring_back(folder)
                removed += _remove(folder, names)
            except OSError as error:
                raise FlInstallError(f"{folder} cannot be removed ({error.strerror}): close FL Studio first") from error
    if not removed:
        raise FlInstallError("nothing is installed there: `sideman fl install` puts the script in place")
    return removed


def leftovers(target_dir: Path | None) -> list[Path]:
    """Returns what is left in our folders after uninstall: the user's own files. FlInstallError as above."""
    folders = [hardware / name for hardware in hardware_folders(target_dir) for name in (SCRIPT, PROBE)]
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


def hardware_folders(target_dir: Path | None) -> list[Path]:
    """Returns <user data folder>/Settings/Hardware of the folder given, or of all found. FlInstallError."""
    return [settings / "Hardware" for settings in settings_folders(target_dir)]


def _place(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Writes the files to `folder`, made beside it and renamed, so that FL never sees half a script."""
    fresh, old = folder.with_name(f".{folder.name}.new"), _old(folder)
    try:
        _bring_back(folder)
        if folder.exists() and not _is_ours(folder):
            raise FlInstallError(f"{folder} holds something that is not ours: move it away, then install again")
        _clear(fresh)
        fresh.mkdir(parents=True)
        for name, shipped in files.items():
            copy = fresh / name
            own = folder / USER_MAP
            content = own.read_bytes() if name == USER_MAP and own.is_file() else shipped
            copy.write_bytes(content)
            if copy.read_bytes() != content:
                raise FlInstallError(f"{copy} does not read back as it was written: is the disk full?")
        for path in folder.iterdir() if folder.exists() else ():
            if path.name not in (*files, _CACHE):
                _copy(path, fresh / path.name)
        _clear(old)
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        _clear(old)
    except OSError as error:
        raise FlInstallError(
            f"{folder} cannot be written ({error.strerror}): close FL Studio, or choose --dir"
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return [folder / name for name in files]


def _is_ours(folder: Path) -> bool:
    """Whether the folder holds one of our scripts, a map that an uninstall has left, or nothing."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    return any(folder.glob("device_Sideman*.py")) or names <= {USER_MAP}


def _old(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _bring_back(folder: Path) -> None:
    """Undoes an install that was killed between its two renames: the older copy has the user's own files."""
    if _old(folder).exists() and not folder.exists():
        _old(folder).rename(folder)


def _copy(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.copytree(path, target, symlinks=True)
    else:
        shutil.copy2(path, target, follow_symlinks=False)


def _remove(folder: Path, names: Sequence[str]) -> list[Path]:
    """Removes our files from the folder, and the folder if nothing of the user's own stays in it."""
    if not folder.is_dir():
        return []
    own_map = folder / USER_MAP
    is_edited = own_map.is_file() and own_map.read_bytes() != (SOURCE / USER_MAP).read_bytes()
    files = [folder / name for name in names if (folder / name).is_file()]
    files = [path for path in files if path != own_map or not is_edited]
    for path in files:
        path.unlink()
    shutil.rmtree(folder / _CACHE, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()
    return files


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
