"""The other order: what stands behind a gap is heard first, then what stands before it, and then the gap is played.

A causal stream plays without a thought of what comes. Music repeats itself, though, and a stream that has heard the
bars behind the gap some bars ago takes up their figures and their texture. So candidates are drawn from a stream that
was told the take in this order; how good they are is read in the order of the take.

A base that was trained with gaps (training.gaps) has learnt this order, and is told it as it learnt it: SEAM stands
where what is behind the gap ends, and from the gap on the control `ending` counts down to the gap's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.chords import Chord
from engine.inference.fill.gap import Gap, events_of
from engine.inference.streams import TokenStream
from engine.notes import Event
from engine.vocabulary import SEAM, STEP_S

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
        # Step 0 of this order is the gap's end, so the take's bar lines lie at theirs less gap.end here. What stands
        # before the gap moves by `shift` instead. Its bar lines fall on the same where the two differ by whole bars:
        # shift + gap.end = behind + before + gap, so these together are whole bars.
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

    @property
    def seam(self) -> int:
        """The step of SEAM: before the gap, so that nobody who goes back to where that begins takes it back."""
        return min(self.behind, self.behind + self.before - 1)

    def sides(self) -> tuple[list[Event], list[Event]]:
        """The events before SEAM and those after it."""
        first = [event for event in self.events if event[0] < self.behind or (event[0] == self.behind and event[2] < 0)]
        return first, list(self.events[len(first) :])

    def tell(self, stream: TokenStream, gap: Gap, learnt: bool) -> None:
        """Tells a new stream this order, up to where the gap begins. learnt: its base was trained with gaps."""
        if learnt:
            behind, before = self.sides()
            stream.feed(behind)
            stream.mark(self.seam, SEAM)
            stream.feed(before)
            stream.set_ending(gap.end + self.shift)
        else:
            stream.feed(self.events)
        stream.rollback(gap.begin + self.shift)  # forwards: nothing more happens up to there

    def inside(self, gap: Gap) -> list[Event]:
        """What happens in the gap, in the steps of this order: of its own notes, and the ends of those held into it."""
        held = [note for note in gap.left if note.end > gap.begin and note.step >= gap.begin - self.before]
        return [
            (step + self.shift, pitch, bin_)
            for step, pitch, bin_ in events_of((*held, *gap.removed, *gap.kept))
            if gap.begin <= step < gap.end
        ]

    def chords(self, gap: Gap, chords: Sequence[tuple[float, Chord | None]]) -> list[tuple[float, Chord | None]]:
        """(onset_s, chord) of the take in this order, from 0 on."""
        end_s, from_s = gap.end * STEP_S, (gap.begin - self.before) * STEP_S
        seam_s, shift_s = self.behind * STEP_S, self.shift * STEP_S
        first = [(onset_s - end_s, chord) for onset_s, chord in chords if end_s < onset_s < end_s + seam_s]
        then = [(onset_s + shift_s, chord) for onset_s, chord in chords if onset_s > from_s]
        return [(0.0, _at(chords, end_s)), *first, (seam_s, _at(chords, from_s)), *then]


def _at(chords: Sequence[tuple[float, Chord | None]], moment_s: float) -> Chord | None:
    return next((chord for onset_s, chord in reversed(chords) if onset_s <= moment_s), None)
