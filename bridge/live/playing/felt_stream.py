"""A stream of music with its feel: what it is told, what it generates, and where its notes are moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.playing.turns import Turns
from engine.beats.feel import Feel, NoteMover
from engine.metre import Metre
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["FeltStream", "first_strike", "grid"]

SEARCH_S: Final = 3.0  # how far a start or a change looks for its first note
SEARCH_STEP_S: Final = 0.1  # of it between two looks at the clock
EPSILON_S: Final = 1e-6  # a bar line so near counts as reached


class FeltStream:
    """Holds one stream, of which nothing has a moment on the wall yet. The session thread owns it."""

    def __init__(self, improviser: Improviser, clock: Callable[[], int], seed: int) -> None:
        """clock: monotonic microseconds. seed: of humanise."""
        self._improviser, self._clock = improviser, clock
        self.turns = Turns()
        self._mover = NoteMover(Feel(seed=seed))
        self.timeline: StreamTimeline | None = None  # the beat that model and feel were told last; None: none

    def turn_feel(self, **values: float) -> None:
        """Sets quantise, swing or humanise, by name, for the notes that are not generated yet."""
        self._mover.feel = self._mover.feel.turned(**values)

    @property
    def misses_beat(self) -> bool:
        """Whether quantise or swing have nothing to go by."""
        return self.timeline is None and self._mover.feel.params.needs_beat

    @property
    def improviser(self) -> Improviser:
        """The stream that is played."""
        return self._improviser

    def set_beat(self, timeline: StreamTimeline | None, metre: Metre, from_s: float, *, is_form: bool = False) -> None:
        """Tells model and feel the beat of what comes from from_s on; nobody else does. None: it is unknown.

        is_form: a chart begins on beat 0; else that is a bar line like the others.
        """
        self.timeline = timeline
        tempo_bpm = None if timeline is None else timeline.tempo_bpm
        bar_s = from_s  # the bar line that is nearest before it
        if timeline is not None:
            bar_s = timeline.seconds(metre.beats * (timeline.beat(from_s + EPSILON_S) // metre.beats))
        self._improviser.set_tempo(tempo_bpm, metre.beats, bar_s)
        self._improviser.set_form(self.origin_s if is_form else None)
        self._mover.feel = replace(
            self._mover.feel, tempo_bpm=tempo_bpm, origin_s=self.origin_s, thirds=metre.is_compound
        )

    @property
    def origin_s(self) -> float:
        """Stream second of a bar line, where a chart plays that of its beginning; 0 where there is no beat."""
        return 0.0 if self.timeline is None else self.timeline.origin_s

    def _roll_back(self, to_s: float) -> None:
        self._improviser.rollback(to_s)
        self.turns.go_back(to_s)

    def _to_first_note(self, give_up_us: float = math.inf) -> list[NoteEvent]:
        """Generates up to the next strike, and no further, because it waits for this; at most SEARCH_S.

        give_up_us: the moment after which it is not looked for any longer.
        """
        give_up_s = self._improviser.time_s + SEARCH_S
        moved: list[NoteEvent] = []
        while first_strike(moved) is None and self._improviser.time_s < give_up_s and self._clock() <= give_up_us:
            moved += self._take(grid(self._improviser.time_s + SEARCH_STEP_S))
        return moved

    def _take(self, until_s: float) -> list[NoteEvent]:
        """Generates up to the first strike, or until_s: a chord of ten takes ten times as long to make as a note."""
        self.turns.reach(self._improviser.time_s)
        events = self._improviser.generate(min(until_s, self.turns.next_s), to_strike=True)
        return self._mover.take(events, self._improviser.time_s)


def first_strike(events: Sequence[NoteEvent]) -> NoteEvent | None:
    """Returns the first strike of events that the mover handed out: strikes among them are in time order."""
    return next((event for event in events if event.kind == "on"), None)


def grid(stream_s: float) -> float:
    """Returns the nearest point of the engine's 10 ms grid, in seconds."""
    return round(stream_s / STEP_S) * STEP_S
