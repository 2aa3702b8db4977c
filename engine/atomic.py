"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import SidemanError

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Hands out a path beside `path`; the file or folder that the body makes there takes its place when the body ends.

    The path keeps the suffix, since writers choose formats by it. When the body raises, or the program dies, `path`
    stays as it was. A folder already at `path` is replaced whole, never mixed. A symbolic link is followed.

    SidemanError: the folder around it is missing, it cannot be written, or `path` is a device.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise SidemanError(f"{path}: there is no folder {target.parent}: create it first")
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise SidemanError(f"{path}: is a device, not a file: give the name of a file")
    beside = target.with_name(f".{target.stem}-{uuid.uuid4().hex[:8]}{target.suffix}")
    try:
        yield beside
        _replace(beside, target)
    except OSError as error:
        raise SidemanError(f"{path}: cannot be written ({error.strerror or error}): choose another place") from error
    finally:
        _remove(beside)


def _replace(beside: Path, target: Path) -> None:
    if not beside.is_dir():
        with beside.open("rb+") as file:
            os.fsync(file.fileno())  # the name must not reach the disk before the bytes
        os.replace(beside, target)
        return
    if not target.exists():
        os.rename(beside, target)
        return
    # No system call swaps two folders everywhere: the old one steps aside first, and back if the new one cannot come.
    aside = target.with_name(f"{beside.name}.old")
    os.rename(target, aside)
    try:
        os.rename(beside, target)
    except OSError:
        os.rename(aside, target)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
