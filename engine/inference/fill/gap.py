"""A gap in music: what stands before it, in it and after it, and which of its notes stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.notes import Event

__all__ = ["Gap", "Struck", "events_of"]


class Struck(NamedTuple):
    """A note: step of its start and of its end, pitch, velocity bin."""

    step: int
    end: int
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Gap:
    """Steps begin .. end - 1 of a take. Notes belong to where they are struck; each list is in the order of starts.

    left: before the gap; some sound into it. kept: in it, and stay. removed: in it, and played anew. right: after it.
    """

    begin: int
    end: int
    left: tuple[Struck, ...]
    kept: tuple[Struck, ...]
    removed: tuple[Struck, ...]
    right: tuple[Struck, ...]

    @classmethod
    def of(cls, notes: Iterable[Struck], begin: int, end: int, kept: Iterable[Struck] = ()) -> Gap:
        """Cuts a take. kept: those of the notes in the gap that stay. ValueError: the gap has no length."""
        if not begin < end:
            raise ValueError(f"a gap from step {begin} to {end} has no length")
        ordered = sorted(notes)
        stays = set(kept)
        inside = [note for note in ordered if begin <= note.step < end]
        return cls(
            begin,
            end,
            tuple(note for note in ordered if note.step < begin),
            tuple(note for note in inside if note in stays),
            tuple(note for note in inside if note not in stays),
            tuple(note for note in ordered if note.step >= end),
        )

    @property
    def standing(self) -> tuple[Struck, ...]:
        """The notes that sound in the gap whatever is played in it: of the left, and the kept ones."""
        return (*(note for note in self.left if note.end > self.begin), *self.kept)

    def lead(self) -> list[Event]:
        """What happens before the gap."""
        return [event for event in events_of(self.left) if event[0] < self.begin]

    def given(self) -> list[Event]:
        """What happens in the gap whatever is played in it."""
        return [event for event in events_of(self.standing) if self.begin <= event[0] < self.end]

    def lawful(self, notes: Sequence[Struck]) -> tuple[Struck, ...]:
        """New notes such that no key is struck while a note that stays holds it, and none sounds beyond the gap."""
        result: list[Struck] = []
        for note in sorted(notes):
            others = [other for other in self.standing if other.pitch == note.pitch]
            if any(other.step <= note.step < other.end for other in others):
                continue
            end = min([note.end, self.end, *(other.step for other in others if other.step > note.step)])
            if end > note.step:
                result.append(note._replace(end=end))
        return tuple(result)


def events_of(notes: Iterable[Struck]) -> list[Event]:
    """In the order in which a stream is fed: by time, ends first."""
    events: list[Event] = []
    for note in notes:
        events += [(note.step, note.pitch, note.velocity), (note.end, note.pitch, -1)]
    return sorted(events, key=lambda event: (event[0], event[2] >= 0, event[1]))
