"""Files that this user alone may read: what plug-ins believe."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["write_own_file"]


def write_own_file(path: Path, text: str) -> None:
    """Writes the file anew, whole, with its folder. OSError: it cannot be written."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(made, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    new.replace(path)
