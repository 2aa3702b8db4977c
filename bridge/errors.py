"""Everything the bridge raises on bad input or a broken outside world.

SidemanError (engine.errors)     one line for the user: what, where, the remedy; the command line exits with 2
└── BridgeError
    ├── PortError                a MIDI port that does not exist, or no MIDI system to open one on
    ├── CcMapError               a controller map that cannot be read, or that asks for what does not exist
    ├── ReplayError              a session log that cannot be read, or that this machine cannot play again
    └── ModeError                a mode or command that the live session cannot follow as things stand
LiveFailure                      a running session lost its port or one of its threads; the command line exits with 1
"""

from __future__ import annotations

from engine.errors import SidemanError

__all__ = ["BridgeError", "CcMapError", "LiveFailure", "ModeError", "PortError", "ReplayError"]


class BridgeError(SidemanError):
    """Bad input to the bridge. Its text is one line: what is wrong, where, and the remedy."""


class PortError(BridgeError):
    """A MIDI port that does not exist (those that do are listed), or no MIDI system at all."""


class CcMapError(BridgeError):
    """A controller map that cannot be read, or an entry of it that makes no sense; the text names file and entry."""


class ReplayError(BridgeError):
    """A session log that is none, is broken, or was made with another base or style; the text names the line."""


class ModeError(BridgeError):
    """A mode that is not there, or a command that needs something else first; the text names what works."""


class LiveFailure(Exception):
    """The live session cannot go on: a lost port, a thread that failed. One line, the cause chained."""
