"""Remembers where the last recording lies, so that it can be used without being named."""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.atomic import atomic_write
from engine.errors import SidemanError
from engine.user_folders import user_place

__all__ = ["recall", "remember"]


def remember(take: Path) -> None:
    """Notes that this is the last take. If that fails, the user has to name the take."""
    note = user_place("SIDEMAN_LAST_TAKE", "last_take", "data")
    with contextlib.suppress(OSError, SidemanError, ValueError):  # ValueError: a name that no text can hold
        note.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(note) as beside:
            beside.write_text(str(take.resolve()), encoding="utf-8", errors="surrogateescape")


def recall() -> Path | None:
    """Returns the last take; None if there was none, or it is gone."""
    try:
        note = user_place("SIDEMAN_LAST_TAKE", "last_take", "data")
        path = Path(note.read_text(encoding="utf-8", errors="surrogateescape"))
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None
