"""`sideman fl install | uninstall | probe | doctor | take`: what Sideman puts into FL Studio's user data folder.

FL reads controller scripts from <user data folder>/Settings/Hardware/<any name>.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

from bridge.fl_folders import FlInstallError, settings_folders

__all__ = [
    "FlInstallError", "add_arguments", "hardware_folders", "install", "leftovers", "probe", "run", "script_files",
    "uninstall",
]  # fmt: skip

SOURCE: Final = Path(__file__).resolve().parent.parent / "fl_scripts" / "Sideman"
SCRIPT: Final = "Sideman"  # folder names in FL's Hardware folder
PROBE: Final = "SidemanProbe"
_PROBE_FILE: Final = "device_SidemanProbe.py"
USER_MAP: Final = "sideman_map.py"  # the one file of the script that is the user's to edit

_NEXT_INSTALL: Final = """
In FL Studio, with `sideman play` running:
  1. Options > MIDI settings > Output: choose `Sideman Control`, set its port to 10.
  2. Input: choose `Sideman Control`, enable it, set its port to 10 and its controller type to `Sideman`.
  3. View > Script output shows `Sideman: init ok`, then `Sideman: connected`.
FL that was open during the install lists `Sideman` after a restart. `sideman fl doctor` verifies what can be seen from
outside; docs/FL_STUDIO.md has the rest."""

_NEXT_TAKE: Final = """
In FL Studio: open the piano roll that shall hold it, then Tools (the spanner) > Scripting > Sideman take. After the
first take of all, FL lists it once it was started again."""

_NEXT_PROBE: Final = """
In FL Studio, after a restart: Options > MIDI settings, any enabled input, controller type `Sideman Probe`.
View > Script output then lists what this FL allows. `sideman fl uninstall` removes it."""


def install(target_dir: Path | None) -> list[Path]:
    """Copies the script into FL's user data folder (None: all that are found); returns the files written.

    An older copy is replaced as a whole, but for the user's own map of knobs, and only once the new one is complete
    and verified. FlInstallError if FL Studio is not found, or the folder cannot be written.
    """
    return [path for hardware in hardware_folders(target_dir) for path in _place(script_files(), hardware / SCRIPT)]


def script_files() -> list[Path]:
    """The files of the script as they ship."""
    return [path for path in sorted(SOURCE.glob("*.py")) if path.name != _PROBE_FILE]


def probe(target_dir: Path | None) -> list[Path]:
    """Copies the probe script alone; otherwise as `install`."""
    return [
        path for hardware in hardware_folders(target_dir) for path in _place([SOURCE / _PROBE_FILE], hardware / PROBE)
    ]


def uninstall(target_dir: Path | None) -> list[Path]:
    """Removes what install and probe wrote, and nothing else; returns the files removed."""
    removed: list[Path] = []
    for hardware in hardware_folders(target_dir):
        for folder in (hardware / SCRIPT, hardware / PROBE):
            try:
                removed += _remove(folder)
            except OSError as error:
                raise FlInstallError(f"{folder} cannot be removed ({error.strerror}): close FL Studio first") from error
    if not removed:
        raise FlInstallError("nothing is installed there: `sideman fl install` puts the script in place")
    return removed


def leftovers(target_dir: Path | None) -> list[Path]:
    """What lies in our folders after uninstall: the user's own files, which are left alone. FlInstallError as above."""
    folders = [hardware / name for hardware in hardware_folders(target_dir) for name in (SCRIPT, PROBE)]
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's action and options."""
    parser.add_argument(
        "action",
        choices=(*_ACTIONS, "doctor", "take"),
        help="install the script, remove it, install the probe that tells what FL allows, verify all that FL needs, or "
        "put a take into the piano roll",
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="TAKE", help="for take: a MIDI file [the last recording]")
    parser.add_argument("--dir", type=Path, help="FL Studio's user data folder; it is found where FL puts it")


def run(args: argparse.Namespace) -> int:
    """Does it, says which clicks remain. FlInstallError in one line if it cannot be done. 1 if doctor found fault."""
    if args.file is not None and args.action != "take":
        raise FlInstallError(f"sideman fl {args.action} takes no file: {args.file} is for sideman fl take")
    if args.action == "take":
        from bridge.fl_take import write_take_script

        for path in write_take_script(args.file, args.dir):
            print("wrote", path)
        print(_NEXT_TAKE)
        return 0
    if args.action == "doctor":
        from bridge.fl_doctor import examine

        findings = examine(args.dir)
        print(*findings, sep="\n")
        return int(any(finding.good is False for finding in findings))
    action, done, then = _ACTIONS[args.action]
    for path in action(args.dir):
        print(done, path)
    if args.action == "uninstall":
        for path in leftovers(args.dir):
            print("left alone, it is not ours:", path)
    if then:
        print(then)
    return 0


_ACTIONS: Final = {
    "install": (install, "wrote", _NEXT_INSTALL),
    "uninstall": (uninstall, "removed", ""),
    "probe": (probe, "wrote", _NEXT_PROBE),
}


def hardware_folders(target_dir: Path | None) -> list[Path]:
    """<user data folder>/Settings/Hardware of the folder given, or of all found. FlInstallError."""
    return [settings / "Hardware" for settings in settings_folders(target_dir)]


def _place(files: list[Path], folder: Path) -> list[Path]:
    """Copies the files to `folder`, written beside it and renamed, so that FL never sees half a script."""
    fresh, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    if folder.exists() and not _is_ours(folder):
        raise FlInstallError(f"{folder} holds something that is not ours: move it away, then install again")
    try:
        _clear(fresh)
        fresh.mkdir(parents=True)
        for source in files:
            copy = fresh / source.name
            own = folder / USER_MAP
            content = (own if source.name == USER_MAP and own.is_file() else source).read_bytes()
            copy.write_bytes(content)
            if copy.read_bytes() != content:
                raise FlInstallError(f"{copy} does not read back as it was written: is the disk full?")
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
    return [folder / source.name for source in files]


def _is_ours(folder: Path) -> bool:
    """Whether the folder holds one of our scripts, a map that an uninstall has left, or nothing."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    return any(folder.glob("device_Sideman*.py")) or names <= {USER_MAP}


def _remove(folder: Path) -> list[Path]:
    """Removes our files from the folder, and the folder if nothing of the user's own stays in it."""
    if not folder.is_dir():
        return []
    own_map = folder / USER_MAP
    is_edited = own_map.is_file() and own_map.read_bytes() != (SOURCE / USER_MAP).read_bytes()
    files = sorted([*folder.glob("device_Sideman*.py"), *folder.glob("sideman_*.py")])
    files = [path for path in files if path != own_map or not is_edited]
    for path in files:
        path.unlink()
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()
    return files


def _clear(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
