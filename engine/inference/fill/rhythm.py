"""A way through a gap whose moments stay: each note that was there is struck when it was, on another key."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.inference.fill.gap import Struck
from engine.inference.fill.particle import Particle, Surroundings
from engine.inference.streams import TokenStream
from engine.vocabulary import NOTE_ON

__all__ = ["RhythmParticle"]


class RhythmParticle(Particle):
    """Strikes for each of `moments` a key that the model chooses, as loud and as long as the note that was there."""

    def __init__(
        self, around: Surroundings, stream: TokenStream, moments: Sequence[Struck], reach: tuple[int, int], seed: int
    ) -> None:
        """moments: in the gap, in order. reach: lowest and highest pitch. seed: 0 or more."""
        super().__init__(around, stream)
        self._moments, self._reach = tuple(moments), reach
        self._rng = np.random.default_rng(seed)
        self._struck: list[Struck] = []

    def play(self, until: int | None = None) -> None:
        around, stream = self._around, self.stream
        last = around.end - 1 if until is None else min(until, around.end - 1)
        todo = [(moment.step, None, moment) for moment in self._moments]
        rest = [(event[0], event, None) for event in around.given]
        for step, event, moment in sorted([*todo, *rest], key=lambda item: (item[0], item[1] is None)):
            if not self._at < step <= last:
                continue
            self._let_go(step)
            if event is not None:
                stream.feed([event])
            if moment is not None:
                self._strike(moment)
        self._let_go(last)
        if stream.until < last:
            stream.rollback(last)  # forwards: nothing happens up to there
        self._at = max(self._at, last)

    def follow(self, other: Particle, stream: TokenStream, guide: TokenStream | None) -> None:
        super().follow(other, stream, guide)
        assert isinstance(other, RhythmParticle)
        self._struck = list(other._struck)

    def back(self, to: int) -> None:
        super().back(to)
        self._struck = [note for note in self._struck if note.step <= to]

    def notes(self) -> tuple[Struck, ...]:
        return tuple(sorted(self._struck))

    def _let_go(self, now: int) -> None:
        """Feeds the ends that are due."""
        sounding = set(self.stream.sounding())
        due = [note for note in self._struck if self.stream.until < note.end <= now and note.pitch in sounding]
        for note in sorted(due, key=lambda note: note.end):
            self.stream.feed([(note.end, note.pitch, -1)])

    def _strike(self, moment: Struck) -> None:
        stream = self.stream
        stream.feed([(moment.step, 0, -1)])  # the end of a silent key moves the stream there and changes nothing
        low, high = self._reach
        scores = stream.logits()[0, NOTE_ON : NOTE_ON + 128].astype(np.float64)
        open_ = np.zeros(128, dtype=bool)
        open_[low : high + 1] = True
        open_[stream.sounding()] = False
        open_[[note.pitch for note in self._struck if note.end > moment.step]] = False
        near = open_ & (np.abs(np.arange(128) - moment.pitch) <= 12)  # the texture stays: within an octave
        allowed = near if near.any() else open_
        if not allowed.any():
            return
        weights = np.where(allowed, np.exp(scores - scores[allowed].max()), 0.0)
        pitch = int(self._rng.choice(128, p=weights / weights.sum()))
        note = Struck(moment.step, max(moment.end, moment.step + 1), pitch, moment.velocity)
        stream.feed([(note.step, pitch, note.velocity)])
        self._struck.append(note)
