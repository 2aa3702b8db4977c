"""One way through a gap: a fork that improvises around the notes that stay, and reads what they lead to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from engine.inference.fill.gap import Gap, Struck, events_of
from engine.inference.streams import TokenStream
from engine.notes import Event

__all__ = ["Ahead", "Particle", "Surroundings"]

TOGETHER = 3  # events that are read at once: some eight tokens, as many as go through a compiled network together


class Ahead(NamedTuple):
    """What is read beyond a gap: natural log of the probability of so many tokens of the music that stands there.

    glance: the same of those that were looked at first.
    """

    log_probability: float
    tokens: int
    glance: float = 0.0

    @property
    def nats(self) -> float:
        """Nats a token."""
        return -self.log_probability / max(self.tokens, 1)


class Surroundings(NamedTuple):
    """A gap as its particles meet it: what happens in it whatever they do, what follows, and what rings on."""

    begin: int
    end: int
    given: tuple[Event, ...]
    right: tuple[Event, ...]
    ends: tuple[Event, ...]  # beyond the gap, of notes that were struck before and stay
    shift: int = 0  # to the steps of a guide

    @classmethod
    def of(cls, gap: Gap, shift: int = 0) -> Surroundings:
        ends = [(note.end, note.pitch, -1) for note in gap.standing if note.end >= gap.end]
        return cls(gap.begin, gap.end, tuple(gap.given()), tuple(events_of(gap.right)), tuple(sorted(ends)), shift)


class Particle:
    """A stream that stands where the gap begins, and what it has played in it. One thread at a time."""

    def __init__(self, around: Surroundings, stream: TokenStream, guide: TokenStream | None = None) -> None:
        """guide: a stream in the order of Foresight, which then draws; the other one reads what was drawn."""
        self._around, self.stream, self._guide, self.played = around, stream, guide, list[Event]()
        self._at = around.begin - 1  # what happens after this step is still to come
        self._before = (stream.log_probability, stream.length)

    def play(self, until: int | None = None) -> None:
        """Improvises on, up to the gap's end at most, and lets happen what happens anyway."""
        around, stream = self._around, self.stream
        last = around.end - 1 if until is None else min(until, around.end - 1)
        for event in around.given:
            if self._at < event[0] <= last:
                if stream.until < event[0] - 1:
                    self._draw(event[0] - 1)
                self._happen(event)
        if stream.until < last:
            self._draw(last)
        self._at = max(self._at, last)

    def _draw(self, until: int) -> None:
        if self._guide is None:
            self.played += self.stream.generate(until)
            return
        shift = self._around.shift
        drawn = [(step - shift, pitch, bin_) for step, pitch, bin_ in self._guide.generate(until + shift)]
        self.played += drawn
        self.stream.feed(drawn)
        if self.stream.until < until:
            self.stream.rollback(until)  # forwards: nothing more happens up to there

    def _happen(self, event: Event) -> None:
        self.stream.feed([event])
        if self._guide is not None:
            step, pitch, bin_ = event
            self._guide.feed([(step + self._around.shift, pitch, bin_)])

    def follow(self, other: Particle, stream: TokenStream, guide: TokenStream | None) -> None:
        """Becomes what another one is, in streams that have become the other's."""
        self.stream, self._guide, self.played, self._at = stream, guide, list(other.played), other._at

    def back(self, to: int) -> None:
        """Takes back what was played after a step of the gap; what comes then is drawn anew."""
        self.stream.rollback(to)
        self.stream.refresh()
        if self._guide is not None:
            self._guide.rollback(to + self._around.shift)
            self._guide.refresh()
        self.played = [event for event in self.played if event[0] <= to]
        self._at = to

    @property
    def own_nats(self) -> float:
        """Nats a token of what happened in the gap so far, what happens anyway included."""
        sum_, length = self._before
        return (sum_ - self.stream.log_probability) / max(1, self.stream.length - length)

    def notes(self) -> tuple[Struck, ...]:
        """The new notes so far; what sounds still ends where the gap does."""
        given = {(step, pitch) for step, pitch, _ in self._around.given}
        open_: dict[int, tuple[int, int]] = {}
        notes: list[Struck] = []
        happened = [(event, True) for event in self.played] + [(event, False) for event in self._around.given]
        for (step, pitch, velocity), mine in sorted(happened, key=lambda item: (item[0][0], item[0][2] >= 0)):
            if pitch in open_:
                start, loud = open_.pop(pitch)
                notes.append(Struck(start, step, pitch, loud))
            if velocity >= 0 and mine and (step, pitch) not in given:
                open_[pitch] = (step, velocity)
        notes += [Struck(start, self._around.end, pitch, loud) for pitch, (start, loud) in open_.items()]
        return tuple(sorted(note for note in notes if note.end > note.step))

    def ahead(self, tokens: int, glance: int = 0, least: float = -math.inf) -> Ahead:
        """How likely the music beyond the gap is after what was played: as many of its first tokens as asked, or a few
        more.

        glance: after so many it is left at that where their log-probability lies below `least`.

        The stream is fed that music and then stands at the gap's end again, exactly. Notes of the gap end there. Their
        ends, and those of notes held over it, are no part of what is read.
        """
        around, stream = self._around, self.stream
        held = {pitch for _, pitch, _ in around.ends}
        mine = [(around.end, pitch, -1) for pitch in stream.sounding() if pitch not in held]
        happens = [(event, False) for event in (*mine, *around.ends)] + [(event, True) for event in around.right]
        sum_, count, seen = 0.0, 0, 0.0
        for events, counts in _some_at_once(happens):
            before, length = stream.log_probability, stream.length
            stream.feed(events)
            if counts:
                sum_ += stream.log_probability - before
                if count < glance:
                    seen = sum_
                count += stream.length - length
            if count >= tokens or (count >= glance and seen < least):
                break
        stream.rollback(around.end - 1)
        stream.refresh()
        return Ahead(sum_, count, seen)


def _some_at_once(happens: Sequence[tuple[Event, bool]]) -> Iterator[tuple[list[Event], bool]]:
    """Yields events in their order with whether they count, a few that stand together at a time."""
    ordered = sorted(happens, key=lambda item: (item[0][0], item[0][2] >= 0, item[1]))
    for counts, some in groupby(ordered, key=lambda item: item[1]):
        events = [event for event, _ in some]
        for at in range(0, len(events), TOGETHER):
            yield events[at : at + TOGETHER], counts
