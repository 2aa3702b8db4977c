"""The panel's files, read into memory once, and its websocket. What a browser asks for is a key here, never a path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from bridge.panel.hub import Hub
from bridge.panel.talk import PageTalk, Session
from engine.styles.library import list_styles
from osc_protocol.errors import ParameterError
from osc_protocol.oscquery.site import Page
from osc_protocol.table.parameters import COMMANDS, MAX_TEXT, PARAMETERS, check_arguments

__all__ = ["LIVE", "ROOT", "PanelSite"]

ROOT: Final = "/panel/"
LIVE: Final = ROOT + "live"  # the websocket
FILES: Final = Path(__file__).parent / "static"
_TAKE: Final = re.compile(ROOT + r"take-(\d{1,3})\.mid")  # the last so many bars
_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class PanelSite:
    """See osc_protocol.oscquery.site.Site."""

    def __init__(self, hub: Hub, session: Session, last_bars: Callable[[int], bytes]) -> None:
        """last_bars: so many of them as a MIDI file, on any thread."""
        self._hub, self._session, self._last_bars = hub, session, last_bars
        self._pages = {
            ROOT + path.relative_to(FILES).as_posix(): Page(_TYPES[path.suffix], path.read_bytes())
            for path in sorted(FILES.rglob("*"))
            if path.suffix in _TYPES
        }
        self._pages[ROOT + "table.json"] = Page("application/json", json.dumps(_table()).encode())
        self._pages[ROOT] = self._pages[ROOT.rstrip("/")] = self._pages[ROOT + "index.html"]

    def page(self, path: str) -> Page | None:
        take = _TAKE.fullmatch(path)
        if take is None:
            return self._pages.get(path)
        try:
            (bars,) = check_arguments("/sideman/capture", (int(take[1]),))
        except ParameterError:
            return None
        return Page("audio/midi", self._last_bars(int(bars)))

    def talks_at(self, path: str) -> bool:
        return path == LIVE

    def talker(self, request: bytes, wake: Callable[[], None]) -> PageTalk:
        return PageTalk(self._hub, self._session, request, wake)


def _table() -> dict[str, object]:
    """What OSCQuery does not say of the rows: widgets, defaults, meanings; styles, the longest text."""
    return {
        "parameters": [asdict(row) for row in PARAMETERS],
        "commands": [asdict(row) for row in COMMANDS],
        "styles": [style.name for style in list_styles() if style.error is None],
        "longest": MAX_TEXT,
    }
