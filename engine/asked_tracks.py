"""What --tracks is given: which notes of a file of several instruments are meant."""

from __future__ import annotations

from engine.errors import SidemanError

__all__ = ["TRACKS_HELP", "asked_tracks"]

TRACKS_HELP = "auto: the piano, where several instruments play; all; or names of tracks: NAME,NAME [auto]"


def asked_tracks(text: str) -> str | tuple[str, ...]:
    """Reads what --tracks is given: "auto" and "all" are themselves, anything else is names. SidemanError: none."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise SidemanError(f"--tracks {text!r}: give auto, all, or names of tracks: NAME,NAME")
    return names[0] if names in (("auto",), ("all",)) else names
