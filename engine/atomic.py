"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import SidemanError

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yields a path beside `path`; write a file or make a folder there. Renamed into place if the block ends well.

    If it does not, what was at `path` stays untouched. A folder in the way is replaced whole.
    SidemanError: the parent folder does not exist or cannot be written.
    """
    target = Path(path)
    beside = target.parent / f".{target.name}.{os.getpid()}.part"
    if not target.parent.is_dir():
        raise SidemanError(f"{target}: no folder {target.parent}: make it first")
    if not os.access(target.parent, os.W_OK):
        raise SidemanError(f"{target}: cannot write into {target.parent}: choose another place")
    _remove(beside)
    try:
        yield beside
        if beside.is_dir() and target.is_dir():
            old = target.parent / f".{target.name}.{os.getpid()}.old"
            _remove(old)
            target.rename(old)  # two renames: a folder cannot replace a folder in one
            try:
                beside.rename(target)
            except BaseException:
                old.rename(target)
                raise
            _remove(old)
        else:
            os.replace(beside, target)
    finally:
        _remove(beside)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
