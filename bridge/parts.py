"""What every mode plays with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.ahead import PlayAhead
from bridge.beat import Beat
from bridge.knobs import Knobs
from bridge.witness import Witness

__all__ = ["Parts"]


@dataclass(frozen=True)
class Parts:
    """One session's. Session thread only."""

    ahead: PlayAhead  # the stream, played ahead
    clock: Callable[[], int]  # microseconds, as the session's doors tell them
    report: Callable[[str, str], None]  # what, text: see Report
    knobs: Knobs
    beat: Beat
    witness: Witness
