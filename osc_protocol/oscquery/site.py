"""What may be served beside the tree on OSCQuery's port: pages from memory, and websockets that talk with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from osc_protocol.oscquery.frames import Frames

__all__ = ["Page", "Site", "Talker"]


class Page(NamedTuple):
    """The answer to one GET."""

    content_type: str
    body: bytes


class Talker(Protocol):
    """What is said on one websocket, without the socket. All but wake() is called on one thread."""

    @property
    def told_hz(self) -> float:
        """How often flush() is called at most."""

    @property
    def frames(self) -> Frames:
        """What is said, as the websocket has it."""

    def receive(self, data: bytes) -> None:
        """Takes bytes of the other side, none at its end."""

    def flush(self) -> None:
        """Tells what is news since the last call; wake() has asked for it."""

    def close(self) -> None:
        """Says goodbye; nothing is called after it."""


class Site(Protocol):
    """Pages and their websockets. Called on any of the server's threads."""

    def page(self, path: str) -> Page | None:
        """The page at a path such as `/panel/`, None where there is none. It must come from memory: no path opens a
        file."""

    def talks_at(self, path: str) -> bool:
        """Whether a page's websocket is served at this path."""

    def talker(self, request: bytes, wake: Callable[[], None]) -> Talker:
        """Begins to talk with a page. request: as the page sent it. wake(): any thread may call it, it never waits."""
