"""What a stream is told of a gap, as tokens: the order of Foresight as its tell() feeds it, and what stands in the gap.

So a base learns in training what it hears in a fill, token for token; tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.arrays import I64
from engine.inference.fill.foresight import Foresight
from engine.inference.fill.gap import Gap
from engine.notes import Event
from engine.vocabulary import BOS, NOTE_OFF, NOTE_ON, NUM_SHIFTS, SEAM, TIME_SHIFT, VELOCITY

__all__ = ["Told", "told"]


class Told(NamedTuple):
    """tokens: (T,) ids from BOS to the gap's end. steps: (T,) the time after each, in the order's steps. first: the
    number of the first token in the gap.
    """

    tokens: I64
    steps: I64
    first: int


class _Writer:
    """Writes events as a stream that is fed writes them, from BOS at step 0 on."""

    def __init__(self) -> None:
        self.tokens, self.steps = [BOS], [0]
        self._sounding: set[int] = set()
        self._velocity = -1

    def wait(self, until: int) -> None:
        """Lets time pass up to a step."""
        while self.steps[-1] < until:
            shift = min(until - self.steps[-1], NUM_SHIFTS)
            self.tokens.append(TIME_SHIFT + shift - 1)
            self.steps.append(self.steps[-1] + shift)

    def add(self, token: int) -> None:
        """Adds a token that takes no time."""
        self.tokens.append(token)
        self.steps.append(self.steps[-1])

    def feed(self, events: Sequence[Event]) -> None:
        """Adds events in time order; Stream.feed is the model."""
        for step, pitch, bin_ in events:
            self.wait(step)
            if pitch in self._sounding:
                self.add(NOTE_OFF + pitch)
                self._sounding.discard(pitch)
            if bin_ >= 0:
                if bin_ != self._velocity:
                    self.add(VELOCITY + bin_)
                    self._velocity = bin_
                self.add(NOTE_ON + pitch)
                self._sounding.add(pitch)


def told(gap: Gap, ahead: Foresight, learnt: bool = True) -> Told:
    """Returns a gap with both of its sides in the order of Foresight. learnt: as to a base that learns that order."""
    writer = _Writer()
    if learnt:
        behind, before = ahead.sides()
        writer.feed(behind)
        writer.wait(ahead.seam)
        writer.add(SEAM)
        writer.feed(before)
    else:
        writer.feed(ahead.events)
    first = len(writer.tokens)
    writer.feed(ahead.inside(gap))
    writer.wait(gap.end + ahead.shift)
    return Told(np.array(writer.tokens, dtype=np.int64), np.array(writer.steps, dtype=np.int64), first)
