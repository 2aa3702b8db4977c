"""How a session says what it does, in words."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Report"]


class Report(Protocol):
    """Hears what happens, on the session thread. It must return at once."""

    def __call__(self, what: str, text: str, /) -> None:
        """what: `chord`, `rest`, `count-in`, `playing`, `listening`, `feel`, `note`, `asked`, `error`. text: one line.

        `asked`: the names of parameters of which something else applies now, whoever decided it.
        """
