"""Escapes what the terminal's encoding lacks, so that a file's name cannot end a command half way."""

from __future__ import annotations

import io
import sys

__all__ = ["escape_what_cannot_be_said"]


def escape_what_cannot_be_said() -> None:
    """Makes standard output and error write `\\u266f` where their encoding, such as cp1252 or ASCII, lacks a character.

    The bytes of names that are no text (surrogates) are escaped, too, in UTF-8 as well.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a test or a notebook may have put something else there
            stream.reconfigure(errors="backslashreplace")
