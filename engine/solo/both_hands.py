"""Keeps two hands in the solo: the left one plays from the start, and either is called back after two silent bars.

A solo that happens to begin in one hand alone goes on so to its end, whatever is asked: the model follows its past, and
in its practice pieces one hand alone is a role of its own. So at the beginning, and when the left hand has been silent
for two bars, the next strike must be the left hand's: higher pitches are shut out until it has come, for half a bar at
most. When the right hand has been silent for two bars, the next half bar is its alone: one strike is a chord's top
note to the model, and the hand stays away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import takewhile

from engine.inference.reach import LEFT_TOP, RIGHT_BOTTOM, Hand
from engine.inference.session import Session
from engine.notes import NoteEvent
from osc_protocol.table.parameters import AUTO

__all__ = ["BothHands", "Hands", "has_both"]

PATIENCE_BARS = 2
KEPT = 512  # strikes; more than are made within what a stream takes back


def has_both(auto: Mapping[str, str | float], asked: Mapping[str, str | float]) -> bool:
    """Tells whether the music is to have both hands: a solo whose left hand is the sideman's own business.

    auto: as judged; asked: of the player.
    """
    return auto.get("role") == "solo" and "bass" in auto and asked.get("bass", AUTO) == AUTO


class Hands:
    """When each hand has struck. Times are a stream's seconds."""

    def __init__(self) -> None:
        self._begin_s = 0.0
        self._strikes: list[tuple[float, int]] = []  # (time_s, pitch), in time order

    def begin(self, at_s: float) -> None:
        """Forgets all: the music begins there."""
        self._begin_s, self._strikes = at_s, []

    def hear(self, events: Iterable[NoteEvent]) -> None:
        """Takes what was played, in time order."""
        self._strikes += [(event.time_s, event.pitch) for event in events if event.kind == "on"]
        if len(self._strikes) > 2 * KEPT:
            del self._strikes[:-KEPT]

    def forget_after(self, time_s: float) -> None:
        """Hears that the stream was rolled back."""
        while self._strikes and self._strikes[-1][0] > time_s:
            self._strikes.pop()

    def called(self, line_s: float, bar_s: float, sounding: Collection[int]) -> Hand | None:
        """Returns the hand that is to strike next in the first half of the bar that began at line_s; None: either.

        sounding: the pitches that sound now.
        """
        before_s = line_s - PATIENCE_BARS * bar_s
        recent = takewhile(lambda strike: strike[0] >= before_s, reversed(self._strikes))
        pitches = [pitch for time_s, pitch in recent if time_s <= line_s]
        if not any(pitch <= LEFT_TOP for pitch in (*pitches, *sounding)):
            return None if self._strikes and self._strikes[-1][0] > line_s else "left"
        stays_away = self._begin_s < before_s and not any(pitch >= RIGHT_BOTTOM for pitch in pitches)
        return "right" if stays_away else None


class BothHands:
    """Generates with a session and calls its hands back. Times are the session's seconds."""

    def __init__(self, session: Session, bar_s: float) -> None:
        self._session, self._bar_s, self._hands = session, bar_s, Hands()
        self._hands.begin(session.time_s)

    def generate(self, until_s: float) -> list[NoteEvent]:
        """On to until_s: the new events in time order. Call it a bar at a time, as it looks for the hands once."""
        session = self._session
        events: list[NoteEvent] = []
        line_s = session.time_s
        hand = self._hands.called(line_s, self._bar_s, session.sounding())
        if hand is not None:
            session.call_hand(hand)
            events += session.generate(min(until_s, line_s + self._bar_s / 2), to_strike=hand == "left")
            session.call_hand(None)
        events += session.generate(until_s)
        self._hands.hear(events)
        return events
