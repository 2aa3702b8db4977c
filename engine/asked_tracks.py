"""What --tracks is given: which notes of a file of several instruments are meant."""

from __future__ import annotations

from engine.errors import SidemanError

__all__ = ["TRACKS_HELP", "asked_tracks"]

TRACKS_HELP = "auto: the piano, where several instruments play; all; or names of tracks: NAME,NAME [auto]"


def asked_tracks(text: str) -> str | tuple[str, ...]:
    """Reads what --tracks is given: "auto" and "all" are themselves, anything else is names. SidemanError: none.

    Names may hold commas themselves: which of them part names is for the file's tracks to say (midi_io/select).
    """
    if not text.replace(",", " ").strip():
        raise SidemanError(f"--tracks {text!r}: give auto, all, or names of tracks: NAME,NAME")
    word = text.strip(", ")
    return word if word in ("auto", "all") else (text,)
