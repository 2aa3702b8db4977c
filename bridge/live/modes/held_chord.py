"""The player's keys -> the chord to follow."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.live.playing.keyboard import Keyboard, KeyEvent
from engine.chords import Chord
from engine.chords.tracker import ChordFollower

__all__ = ["HeldChord"]


class HeldChord:
    """Keeps the last chord as the one to follow, until forget(). One thread uses it.

    Times are microseconds of one monotonic clock.
    """

    def __init__(self, keyboard: Keyboard) -> None:
        """keyboard is the one whose events are heard here."""
        self._keyboard = keyboard
        self._follower = ChordFollower()
        self._chord: Chord | None = None

    def hear(self, events: Sequence[KeyEvent]) -> None:
        """Takes what the keyboard has just said."""
        keys, sounding = self._keyboard.keys(), self._keyboard.sounding()
        for event in events:
            time_s = event.time_us / 1e6
            if event.kind == "down":
                self._follower.note_on(event.pitch, event.velocity, time_s)
            elif event.kind == "up":
                self._follower.note_off(event.pitch, time_s, pedalled=event.pitch in sounding)
            elif event.pitch not in keys:  # a note struck anew goes on, for a chord
                self._follower.note_end(event.pitch, time_s)

    def chord(self, now_us: int) -> Chord | None:
        """Returns the chord to follow; None until one has settled. A cluster, or no key, keeps the chord before."""
        change = self._follower.poll(now_us / 1e6)
        if change is not None and change.chord is not None:
            self._chord = change.chord
        return self._chord

    def released_for_us(self, now_us: int) -> int:
        """Returns how long neither a key of the chord nor a pedal has been down."""
        if self._follower.holds or self._keyboard.pedal_down:
            return 0
        return now_us - self._keyboard.released_us

    def settles_in_us(self, now_us: int) -> int | None:
        """Returns when chord() may know more; None while no hand moves."""
        due_s = self._follower.due_s
        return None if due_s is None else max(0, round(due_s * 1e6) - now_us)

    def forget(self) -> None:
        """Follows no chord until keys are pressed anew."""
        self._follower = ChordFollower()
        self._chord = None
