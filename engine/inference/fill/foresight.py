"""The other order: what stands behind a gap is heard first, then what stands before it, and then the gap is played.

A causal stream plays without a thought of what comes. Music repeats itself, though, and a stream that has heard the
bars behind the gap some bars ago takes up their figures and their texture. So candidates are drawn from a stream that
was told the take in this order; how good they are is read in the order of the take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.chords import Chord
from engine.inference.fill.gap import Gap, events_of
from engine.notes import Event
from engine.vocabulary import STEP_S

__all__ = ["Foresight"]

BEHIND_STEPS, BEFORE_STEPS = 400, 400  # about so much of each side is heard: what lies far back counts for little


class Foresight(NamedTuple):
    """behind, before: steps of the music from either side. shift: from the steps of the gap to those of this order.
    events: what is heard before the gap.
    """

    behind: int
    before: int
    shift: int
    events: tuple[Event, ...]

    @classmethod
    def of(cls, gap: Gap, bar_steps: float) -> Foresight | None:
        """None where nothing stands behind the gap. Every note keeps its place in the bar."""
        before = min(round(max(1, round(BEFORE_STEPS / bar_steps)) * bar_steps), gap.begin)
        # Behind, before and the gap together are whole bars.
        over = (before + gap.end - gap.begin) % bar_steps
        behind = round(max(1, round((BEHIND_STEPS + over) / bar_steps)) * bar_steps - over)
        if behind < 1:
            behind += round(bar_steps)
        shift = behind + before - gap.begin
        notes = [
            note._replace(step=note.step - gap.end, end=min(note.end - gap.end, behind))
            for note in gap.right
            if note.step < gap.end + behind
        ]
        if not notes:
            return None
        notes += [
            note._replace(step=note.step + shift, end=note.end + shift)
            for note in gap.left
            if note.step >= gap.begin - before
        ]
        begin = gap.begin + shift
        return cls(behind, before, shift, tuple(event for event in events_of(notes) if event[0] < begin))

    def chords(self, gap: Gap, chords: Sequence[tuple[float, Chord | None]]) -> list[tuple[float, Chord | None]]:
        """(onset_s, chord) of the take in this order, from 0 on."""
        end_s, from_s = gap.end * STEP_S, (gap.begin - self.before) * STEP_S
        seam_s, shift_s = self.behind * STEP_S, self.shift * STEP_S
        first = [(onset_s - end_s, chord) for onset_s, chord in chords if end_s < onset_s < end_s + seam_s]
        then = [(onset_s + shift_s, chord) for onset_s, chord in chords if onset_s > from_s]
        return [(0.0, _at(chords, end_s)), *first, (seam_s, _at(chords, from_s)), *then]


def _at(chords: Sequence[tuple[float, Chord | None]], moment_s: float) -> Chord | None:
    return next((chord for onset_s, chord in reversed(chords) if onset_s <= moment_s), None)
