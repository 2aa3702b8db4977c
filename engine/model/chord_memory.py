"""The chords of a stream as the model sees them: ids and onsets, NO_CHORD first, repeats merged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import numpy as np

from engine.arrays import I64
from engine.chords import Chord
from engine.model.shapes import CHORDS_BACK
from engine.vocabulary import NO_CHORD, STEP_S

__all__ = ["ChordMemory", "chord_track"]


def chord_track(chords: Iterable[tuple[float, Chord | None]], start_s: float = 0.0) -> tuple[list[int], list[int]]:
    """Returns (C,) ids and (C,) onsets in steps from start_s of (onset_s, chord) pairs; the first is NO_CHORD at 0."""
    ids, steps = [NO_CHORD], [0]
    for onset_s, chord in chords:
        _append(ids, steps, max(0, round((onset_s - start_s) / STEP_S)), chord)
    return ids, steps


class ChordMemory:
    """Keeps the chords of a stream.

    Kept for CHORDS_BACK chords before the present, whatever the length of the session.
    """

    def __init__(self) -> None:
        self._ids, self._steps = [NO_CHORD], [0]

    def replace(self, chords: Iterable[tuple[float, Chord | None]], from_s: float) -> None:
        """Replaces the chords from from_s on by `chords`, of which those before from_s are ignored.

        One before the stream's beginning is in force there.
        """
        first = round(from_s / STEP_S)
        keep = max(1, bisect_right(self._steps, first - 1))
        ids, steps = self._ids[:keep], self._steps[:keep]
        for onset_s, chord in chords:
            step = round(onset_s / STEP_S)
            if step >= first:
                _append(ids, steps, max(step, steps[0]), chord)
        surplus = bisect_right(steps, first) - 2 * CHORDS_BACK
        if surplus > 0:  # a long session forgets what no rollback can reach
            del ids[1 : 1 + surplus], steps[1 : 1 + surplus]
        self._ids, self._steps = ids, steps

    def shifted(self, steps: int) -> ChordMemory:
        """The same chords, so many steps later."""
        other = ChordMemory()
        other._ids, other._steps = list(self._ids), [step + steps for step in self._steps]
        other._steps[0] = min(other._steps[0], 0)
        return other

    def track(self) -> tuple[I64, I64]:
        """Returns (C,) ids and (C,) onsets in steps of all that is kept; the first is NO_CHORD at 0."""
        return np.array(self._ids), np.array(self._steps)

    def at(self, step: int) -> Chord | None:
        """Returns the chord in force at a time; None is "no chord"."""
        return Chord.from_id(self._ids[bisect_right(self._steps, step) - 1])


def _append(ids: list[int], steps: list[int], step: int, chord: Chord | None) -> None:
    """Adds a change at the end: of two within one step the later one counts, a repeated chord only goes on."""
    token = NO_CHORD if chord is None else chord.id
    if step == steps[-1] and len(ids) > 1:
        ids.pop(), steps.pop()
    if token != ids[-1]:
        ids.append(token)
        steps.append(step)
