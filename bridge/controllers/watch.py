"""Notices that the controller map's file has changed, so that a map is taken over while the music plays."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeAlias

from bridge.controllers.map import CcMap, load_cc_map, parse_cc_map

__all__ = ["MapWatch"]

_State: TypeAlias = tuple[int, int, int] | None
"""Of a file: when it was written, how long it is, and which; None where there is none."""

_NEVER: Final = (-1, -1, -1)


class MapWatch:
    """Looks at one file when it is asked to. One thread."""

    def __init__(self, cc_map: CcMap) -> None:
        """cc_map: the one in force, whose file need not exist yet. One without a path never changes."""
        self._path = cc_map.path
        self._map: CcMap | None = cc_map
        self._seen: _State = _NEVER  # the map was read before the model was loaded: it may have changed since

    def changed(self) -> CcMap | None:
        """Returns the map if its file holds another one than at the last look. CcMapError, once, if it is broken."""
        state = self._state()
        if state == self._seen or self._path is None:
            return None
        self._seen, before, self._map = state, self._map, None
        if state is None:  # removed: the user's own map is optional, and the table's numbers are back
            self._map = replace(parse_cc_map({}), path=self._path)
        else:
            self._map = load_cc_map(self._path)
        return None if self._map == before else self._map

    def _state(self) -> _State:
        try:
            stat = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
