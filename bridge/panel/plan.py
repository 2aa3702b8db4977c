"""The notes of the sideman as the scheduler has them: planned ones, those that sound, those that are over.

It hears what goes to the scheduler and what the deadline thread sends, and keeps the scheduler's rules (native/twins/
scheduler.py): a note is withdrawn whole, and one whose end was withdrawn is owed a new one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from bridge.midi.numbers import NOTE_OFF, NOTE_ON

__all__ = ["Change", "Note", "Plan"]

KEPT_NOTES: Final = 512  # that are over, for a page that opens late
MISSED_US: Final = 400_000  # past its time and not sent: the deadline thread has left it out
EARLY_US: Final = 5_000  # that a message may be sent before its time, by what clocks round

Change = list[Any]
"""What a page is told: a kind, and its fields. See Plan."""


@dataclass
class Note:
    """One note. Times are microseconds of the monotonic clock."""

    number: int
    channel: int
    pitch: int
    velocity: int
    on_us: int
    off_us: int | None = None  # its end, as planned or as it was; None while nobody knows
    state: str = "planned"  # then "sounds", then "over"

    def told(self) -> Change:
        """As a page is told of it whole."""
        return [self.number, self.on_us, self.off_us, self.pitch, self.velocity, self.channel, self.state]


class Plan:
    """One thread. Its methods return the changes:

    ["plan", number, on_us, pitch, velocity, channel]   a note is planned
    ["end", number, off_us]                             its end is planned, or (None) open again
    ["back", number]                                    it is taken back
    ["on", number, time_us, pitch, velocity, channel]   it sounds, planned or not
    ["off", number, time_us]                            it is over
    """

    def __init__(self) -> None:
        self._planned: dict[tuple[int, int], list[Note]] = {}  # by (channel, pitch), in the order they were pushed
        self._sounding: dict[tuple[int, int], Note] = {}
        self._over: deque[Note] = deque(maxlen=KEPT_NOTES)
        self._numbers = 0

    def planned(self) -> list[Note]:
        """The notes that have not sounded yet, in time order."""
        return sorted((note for notes in self._planned.values() for note in notes), key=lambda note: note.on_us)

    def sounding(self) -> list[Note]:
        """The notes that sound."""
        return list(self._sounding.values())

    def notes(self) -> list[Note]:
        """All: those that are over, those that sound, those that are planned."""
        return [*self._over, *self._sounding.values(), *self.planned()]

    @property
    def until_us(self) -> int:
        """When the last planned note begins; 0 where none is."""
        return max((note.on_us for notes in self._planned.values() for note in notes), default=0)

    def due_us(self, key: tuple[int, int]) -> int | None:
        """When the next note of a (channel, pitch) is due; None where none is planned."""
        return min((note.on_us for note in self._planned.get(key, ())), default=None)

    def push(self, due_us: int, status: int, pitch: int, velocity: int) -> list[Change]:
        """A message goes to the scheduler."""
        key = (status & 0x0F, pitch)
        if status & 0xF0 == NOTE_ON and velocity:
            note = self._new(key, velocity, due_us)
            self._planned.setdefault(key, []).append(note)
            return [["plan", note.number, due_us, pitch, velocity, key[0]]]
        if status & 0xF0 not in (NOTE_ON, NOTE_OFF):
            return []
        notes = [*self._planned.get(key, ()), *([self._sounding[key]] if key in self._sounding else [])]
        open_ones = [note for note in notes if note.off_us is None and note.on_us <= due_us]
        if not open_ones:
            return []
        note = max(open_ones, key=lambda note: note.on_us)
        note.off_us = due_us
        return [["end", note.number, due_us]]

    def refused(self, due_us: int, status: int, pitch: int) -> list[Change]:
        """The scheduler was full: the message pushed last did not go there."""
        key = (status & 0x0F, pitch)
        if status & 0xF0 == NOTE_ON and self._planned.get(key) and self._planned[key][-1].on_us == due_us:
            return [["back", self._forget(self._planned[key][-1]).number]]
        return self._reopen(lambda note: note.off_us == due_us and (note.channel, note.pitch) == key)

    def cancel(self, from_us: int) -> list[Change]:
        """All that is due from then on is withdrawn."""
        withdrawn = [note for note in self.planned() if note.on_us >= from_us]
        changes: list[Change] = [["back", self._forget(note).number] for note in withdrawn]
        return changes + self._reopen(lambda note: note.off_us is not None and note.off_us >= from_us)

    def silence(self) -> list[Change]:
        """All is withdrawn; the ends of what sounds are sent at once."""
        return [["back", self._forget(note).number] for note in self.planned()]

    def sent(self, time_us: int, status: int, pitch: int, velocity: int) -> list[Change]:
        """A message was sent."""
        key = (status & 0x0F, pitch)
        if status & 0xF0 == NOTE_ON and velocity:
            due = [note for note in self._planned.get(key, ()) if note.on_us <= time_us + EARLY_US]
            note = self._forget(due[0]) if due else self._new(key, velocity, time_us)
            changes = self._end(key, time_us)
            note.state, note.on_us = "sounds", time_us
            self._sounding[key] = note
            return [*changes, ["on", note.number, time_us, pitch, velocity, key[0]]]
        if status & 0xF0 in (NOTE_ON, NOTE_OFF):
            return self._end(key, time_us)
        return []

    def missed(self, now_us: int) -> list[Change]:
        """Forgets the notes that should have been sent and were not."""
        late = [note for note in self.planned() if note.on_us < now_us - MISSED_US]
        return [["back", self._forget(note).number] for note in late]

    def lost(self, time_us: int) -> list[Change]:
        """What was planned is not known any more, nor what sounds: whatever does is told again as it begins."""
        changes = self.silence()
        for key in list(self._sounding):
            changes += self._end(key, time_us)
        return changes

    def _new(self, key: tuple[int, int], velocity: int, on_us: int) -> Note:
        self._numbers += 1
        return Note(self._numbers, *key, velocity, on_us)

    def _forget(self, note: Note) -> Note:
        """Takes it off the planned ones."""
        key = (note.channel, note.pitch)
        self._planned[key].remove(note)
        if not self._planned[key]:
            del self._planned[key]
        return note

    def _reopen(self, is_meant: Any) -> list[Change]:
        changes: list[Change] = []
        for note in (*self._sounding.values(), *self.planned()):
            if is_meant(note):
                note.off_us = None
                changes.append(["end", note.number, None])
        return changes

    def _end(self, key: tuple[int, int], time_us: int) -> list[Change]:
        note = self._sounding.pop(key, None)
        if note is None:
            return []
        note.state, note.off_us = "over", time_us
        self._over.append(note)
        return [["off", note.number, time_us]]
