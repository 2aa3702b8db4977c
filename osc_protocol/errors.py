"""Everything the wire raises on bad input.

OscError                     one line for the user: what, where, the remedy
├── ParameterError           a value or argument that the table refuses; names the legal range
├── PacketError              bytes that are no OSC packet, or one too large or too deeply nested
└── OscPortError             a UDP port that cannot be opened
"""

from __future__ import annotations

__all__ = ["OscError", "OscPortError", "PacketError", "ParameterError"]


class OscError(Exception):
    """Bad input on the wire. Its text is one line: what is wrong, where, and the remedy."""


class ParameterError(OscError, ValueError):
    """A value or argument that the parameter table refuses; the text ends in the legal range."""


class PacketError(OscError, ValueError):
    """Bytes that are no OSC packet, or one past the limits of size or nesting.

    address: that of the message as far as it can be read, else the root, `/`.
    """

    address = "/"


class OscPortError(OscError):
    """A UDP port that is in use or not permitted; the text names the port and the option that moves it."""
