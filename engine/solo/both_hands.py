"""Keeps two hands in the solo: the left one plays from the start, and either is called back after two silent bars.

A solo that happens to begin in one hand alone goes on so to its end, whatever is asked: the model follows its past, and
in its practice pieces one hand alone is a role of its own. So at the beginning, and when the left hand has been silent
for two bars, the next strike must be the left hand's: higher pitches are shut out until it has come, for half a bar at
most. When the right hand has been silent for two bars, the next half bar is its alone: one strike is a chord's top
note to the model, and the hand stays away.
"""

from __future__ import annotations

import math

from engine.inference.session import Session
from engine.notes import NoteEvent

__all__ = ["LEFT_TOP", "RIGHT_BOTTOM", "ROOM", "BothHands"]

LEFT_TOP = 56  # G#3; the control "bass" counts what lies below A3
RIGHT_BOTTOM = 64  # E4
PATIENCE_BARS = 2
ROOM = 12  # semitones that a hand needs within the player's limits


class BothHands:
    """Generates with a session and calls its hands back. Times are the session's seconds."""

    def __init__(self, session: Session, bar_s: float, register_low: int, register_high: int) -> None:
        """register_low, register_high: the player's limits, which are put back after each call for a hand."""
        self._session, self._bar_s, self._low, self._high = session, bar_s, register_low, register_high
        self._left_s = -math.inf  # when it last struck
        self._right_s = session.time_s  # the same

    def generate(self, until_s: float) -> list[NoteEvent]:
        """On to until_s: the new events in time order. Call it a bar at a time, as it looks for the hands once."""
        session = self._session
        events: list[NoteEvent] = []
        half_s = min(until_s, session.time_s + self._bar_s / 2)
        if self._away(self._left_s) and not any(pitch <= LEFT_TOP for pitch in session.sounding()):
            session.set_params(register_high=min(self._high, LEFT_TOP))
            events += session.generate(half_s, to_strike=True)
            session.set_params(register_high=self._high)
        elif self._away(self._right_s) and self._high >= RIGHT_BOTTOM + ROOM:
            session.set_params(register_low=max(self._low, RIGHT_BOTTOM))
            events += session.generate(half_s)
            session.set_params(register_low=self._low)
        events += session.generate(until_s)
        for event in events:
            if event.kind == "on" and event.pitch <= LEFT_TOP:
                self._left_s = event.time_s
            if event.kind == "on" and event.pitch >= RIGHT_BOTTOM:
                self._right_s = event.time_s
        return events

    def _away(self, heard_s: float) -> bool:
        return self._session.time_s - heard_s > PATIENCE_BARS * self._bar_s
