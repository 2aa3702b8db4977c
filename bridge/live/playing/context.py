"""What every mode plays with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.beat import Beat
from bridge.live.playing.keyboard import Keyboard
from bridge.live.playing.knobs import Knobs
from bridge.live.playing.observer import Observer
from bridge.live.playing.report import Report

__all__ = ["Context"]


@dataclass(frozen=True)
class Context:
    """The parts of one session. The session thread owns them."""

    ahead: PlayAhead  # the stream, played ahead
    keyboard: Keyboard  # the player's
    clock: Callable[[], int]  # microseconds, as the session's inbox tells them
    report: Report
    knobs: Knobs
    beat: Beat
    observer: Observer
