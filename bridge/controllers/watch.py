"""Notices that the controller map's file has changed, so that a map is taken over while the music plays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bridge.controllers.map import CcMap, load_cc_map, parse_cc_map

__all__ = ["MapWatch"]


class MapWatch:
    """Looks at one file when it is asked to. One thread."""

    def __init__(self, path: Path | None) -> None:
        """path: of the map now in force; it need not exist yet. None: of none, which never changes."""
        self._path = path
        self._seen = self._state()

    def changed(self) -> CcMap | None:
        """Returns the map if its file has changed since the last look, else None. CcMapError, once, if it is broken."""
        state = self._state()
        if state == self._seen or self._path is None:
            return None
        self._seen = state
        if state is None:  # removed: the user's own map is optional, and the table's numbers are back
            return replace(parse_cc_map({}), path=self._path)
        return load_cc_map(self._path)

    def _state(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
