"""What every mode plays with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.beat import Beat
from bridge.live.playing.knobs import Knobs
from bridge.live.playing.witness import Witness

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
