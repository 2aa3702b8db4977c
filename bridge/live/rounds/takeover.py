"""Where and when another stream takes over from the one that plays: a bank that is called up, or one that recalls."""

from __future__ import annotations

from typing import Final

from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.rounds.heard import Bars
from engine.metre import Metre

__all__ = ["has_moved", "is_due", "line_s"]

LEAD_US: Final = 150_000  # before another stream takes over its first notes are made


def line_s(ahead: PlayAhead, metre: Metre) -> float:
    """Returns the next bar line at which the music can still be another; the next moment where there are no lines.

    Call it only while playing.
    """
    from_s, timeline = ahead.free_s, ahead.timeline
    return from_s if timeline is None else Bars(timeline, metre.beats).line_after_s(from_s)


def has_moved(ahead: PlayAhead, at_s: float, timeline: StreamTimeline | None) -> bool:
    """Tells whether tempo or position have changed before a bar line that was found on a timeline: it is none now.

    Call it only while playing.
    """
    return ahead.timeline != timeline and ahead.wall_us(at_s) > ahead.handed_over_us


def is_due(ahead: PlayAhead, at_s: float, now_us: int) -> bool:
    """Tells whether what is to take over at a stream second has to do so now; at rest there is nothing to wait for."""
    return not ahead.playing or now_us >= ahead.wall_us(at_s) - LEAD_US - ahead.margin_us
