"""One token of a stream's past, as the stream keeps it and the draw listens to it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PastToken"]


@dataclass(frozen=True)
class PastToken:
    """A token, when it left the stream, and the note it started or ended."""

    token: int
    step: int  # after the token
    velocity: int  # bin in force after it; -1: none yet
    onset_step: int = 0  # of a NOTE_OFF: when its note was struck, so that undoing it knows
    improvised: bool = False  # drawn by generate(), not fed
    log_probability: float = 0.0  # of all tokens up to it
