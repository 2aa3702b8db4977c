"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from engine.errors import SidemanError
from engine.platform.system import this_system

__all__ = ["atomic_write", "check_file", "check_folder", "make_folder", "write_whole"]

STEM = 48  # characters, of at most four bytes each, of a file system's 255
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave in a folder that they have shown


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Hands out a path beside `path`; the file or folder that the body makes there takes its place when the body ends.

    The path keeps the suffix, since writers choose formats by it. When the body raises, or the program dies, `path`
    stays as it was. A folder already at `path` is replaced whole, never mixed (check_folder says whether it may be);
    where the system cannot swap folders, the old one has a hidden name beside it for the moment between two renames.
    A symbolic link is followed.

    SidemanError: the folder around it is missing, it cannot be written, or `path` is a device.
    """
    target = _place(path)
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise SidemanError(f"{path}: is a device, not a file: give the name of a file")
    beside = _beside(target)
    try:
        yield beside
        _replace(beside, target)
    except (OSError, SafetensorError) as error:
        raise _unwritable(path, error) from error
    finally:
        _remove(beside)


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes a file, of a text as UTF-8 with \\n at its lines' ends. SidemanError: as atomic_write."""
    with atomic_write(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def make_folder(folder: Path, remedy: str) -> None:
    """Makes a folder with those around it, if it is not there. SidemanError, with the remedy: it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SidemanError(f"{folder}: cannot be made ({error.strerror}): {remedy}") from None


def check_folder(path: str | Path, files: Collection[str]) -> None:
    """SidemanError unless a folder can be written at `path`: there is nothing yet, or nothing but these files.

    Replacing a folder deletes what it holds; a slip of `-o` must not cost anyone their music. Nor the work of minutes:
    the folder around it is tried, with a file that is gone again.
    """
    target = _place(path)
    if target.is_dir():
        strangers = sorted({item.name for item in target.iterdir()} - set(files) - _LITTER)
        if strangers:
            reason = f"holds {strangers[0]!r}, which would be lost"
            raise SidemanError(f"{path}: {reason}: give another folder, or move it away")
    elif target.exists():
        raise SidemanError(f"{path}: is a file: give the name of a folder")
    _try(path, target)


def check_file(path: str | Path) -> None:
    """SidemanError unless a file can be written at `path`: for who would only find out after minutes of work."""
    target = _place(path)
    if target.is_dir():
        raise SidemanError(f"{path}: is a folder: give the name of a file")
    _try(path, target)


def _try(path: str | Path, target: Path) -> None:
    trial = _beside(target)
    try:
        trial.touch()
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        _remove(trial)


def _place(path: str | Path) -> Path:
    """Where a path leads. SidemanError: the folder around it is missing, or nothing can have such a name."""
    target = this_system().long_path(Path(os.path.realpath(path)))
    if not os.path.isdir(target.parent):
        raise SidemanError(f"{path}: there is no folder {target.parent}: create it first")
    try:
        target.lstat()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unwritable(path, error) from None
    return target


def _beside(target: Path) -> Path:
    # Of a long name the beginning: what is allowed as a name must be allowed beside it, too.
    return target.with_name(f".{target.stem[:STEM]}-{os.urandom(4).hex()}{target.suffix}")


def _unwritable(path: str | Path, error: OSError | SafetensorError) -> SidemanError:
    reason = getattr(error, "strerror", None) or str(error)
    # What safetensors says of a full disk begins with where in its own code it was.
    reason = reason.removeprefix("Error while serializing: ").removeprefix("I/O error: ")
    return SidemanError(f"{path}: cannot be written ({reason}): choose another place")


def _replace(beside: Path, target: Path) -> None:
    for file in beside.rglob("*") if beside.is_dir() else [beside]:
        if not file.is_dir():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())  # the name must not reach the disk before the bytes
    if not beside.is_dir():
        this_system().replace(beside, target)
        return
    if not target.exists():
        this_system().replace(beside, target)
        return
    if this_system().swap(beside, target):
        return  # the old folder is now `beside`, which the caller removes
    # The old one steps aside, and comes back if the new one cannot.
    aside = target.with_name(f"{beside.name}.old")
    this_system().replace(target, aside)
    try:
        this_system().replace(beside, target)
    except OSError:
        this_system().replace(aside, target)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # never made, or not ours to remove: why was said where it was to be written
            path.unlink()
