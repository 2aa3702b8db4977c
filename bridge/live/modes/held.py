"""The player's keys as MIDI bytes -> the chord to follow."""

from __future__ import annotations

from bridge.midi.numbers import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL_CHANGE, NOTE_OFF, NOTE_ON, SUSTAIN_PEDAL
from engine.chords import Chord
from engine.chords.tracker import ChordFollower

__all__ = ["HeldChord"]


class HeldChord:
    """Keys of all channels together. The last chord stays the one to follow until forget(). One thread.

    Times are microseconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._follower = ChordFollower()
        self._down: set[tuple[int, int]] = set()  # (channel, pitch)
        self._pedal = False
        self._released_us = 0  # when the last key, or the pedal after it, came up
        self._chord: Chord | None = None

    def take(self, time_us: int, message: bytes) -> bool:
        """One message; whether it pressed a key. Anything but notes, pedal and all-notes-off is passed over."""
        if len(message) != 3 or message[1] > 127 or message[2] > 127:
            return False
        kind, channel, data1, data2 = message[0] & 0xF0, message[0] & 0x0F, message[1], message[2]
        time_s = time_us / 1e6
        if kind == NOTE_ON and data2:
            self._down.add((channel, data1))
            self._follower.note_on(data1, data2, time_s)
            return True
        if kind in (NOTE_ON, NOTE_OFF):
            self._down.discard((channel, data1))
            if not any(pitch == data1 for _, pitch in self._down):
                self._follower.note_off(data1, time_s)
            self._released_us = time_us
        elif kind == CONTROL_CHANGE and data1 == SUSTAIN_PEDAL:
            self._pedal = data2 >= 64
            self._follower.pedal(self._pedal, time_s)
            self._released_us = time_us
        elif kind == CONTROL_CHANGE and data1 in (ALL_SOUND_OFF, ALL_NOTES_OFF):
            self._down.clear()
            self._pedal = False
            self._follower.clear()
            self._released_us = time_us
        return False

    def chord(self, now_us: int) -> Chord | None:
        """The chord to follow; None until one has settled. A cluster, or nothing held, keeps the chord before."""
        change = self._follower.poll(now_us / 1e6)
        if change is not None and change.chord is not None:
            self._chord = change.chord
        return self._chord

    def released_for_us(self, now_us: int) -> int:
        """How long neither key nor pedal has been down."""
        return 0 if self._down or self._pedal else now_us - self._released_us

    def settles_in_us(self, now_us: int) -> int | None:
        """When chord() may know more; None while no hand moves."""
        due_s = self._follower.due_s
        return None if due_s is None else max(0, round(due_s * 1e6) - now_us)

    def forget(self) -> None:
        """No chord to follow and no key down, until keys are pressed anew."""
        self._follower = ChordFollower()
        self._down.clear()
        self._pedal = False
        self._chord = None
