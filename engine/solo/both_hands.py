"""Keeps a left hand in the solo: it plays from the start, and is called back after two silent bars.

A solo that happens to begin in the right hand alone goes on so to its end, whatever is asked: the model follows its
past, and in its practice pieces one hand alone is a role of its own. So at the beginning, and when the left hand has
been silent for two bars, the next strike must be the left hand's: higher pitches are shut out until it has come, for
half a bar at most.
"""

from __future__ import annotations

import math

from engine.inference.session import Session
from engine.notes import NoteEvent

__all__ = ["LEFT_TOP", "BothHands"]

LEFT_TOP = 56  # G#3; the control "bass" counts what lies below A3
PATIENCE_BARS = 2


class BothHands:
    """Generates with a session and calls its left hand back. Times are the session's seconds."""

    def __init__(self, session: Session, bar_s: float, register_high: int) -> None:
        """register_high: the player's limit, which is put back after each call for the left hand."""
        self._session, self._bar_s, self._high = session, bar_s, register_high
        self._heard_s = -math.inf  # when it last struck

    def generate(self, until_s: float) -> list[NoteEvent]:
        """On to until_s: the new events in time order. Call it a bar at a time, as it looks for the left hand once."""
        session = self._session
        events: list[NoteEvent] = []
        away = session.time_s - self._heard_s > PATIENCE_BARS * self._bar_s
        if away and not any(pitch <= LEFT_TOP for pitch in session.sounding()):
            session.set_params(register_high=min(self._high, LEFT_TOP))
            events += session.generate(min(until_s, session.time_s + self._bar_s / 2), to_strike=True)
            session.set_params(register_high=self._high)
        events += session.generate(until_s)
        self._heard_s = max(
            [event.time_s for event in events if event.kind == "on" and event.pitch <= LEFT_TOP], default=self._heard_s
        )
        return events
