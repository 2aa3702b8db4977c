"""Files that this user alone may read: what plug-ins believe."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.errors import BridgeError

__all__ = ["write_own_file"]


def write_own_file(path: Path, text: str, purpose: str) -> Path:
    """Writes the file anew, whole, with its folder, and returns its place.

    purpose: what plug-ins do to the engine by it, as in "find". BridgeError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        made = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        raise BridgeError(f"{path}: {error.strerror}: plug-ins could not {purpose} the engine") from error
    return path
