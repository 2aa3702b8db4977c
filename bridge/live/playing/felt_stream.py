"""A stream of music with its feel: what it is told, what it generates, and where its notes are moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import EPSILON_S, StreamTimeline
from bridge.live.playing.turns import Turns
from engine.beats.feel import Feel, NoteMover
from engine.chords.charts.form import Form
from engine.metre import COMMON, Metre
from engine.notes import NoteEvent
from engine.solo.both_hands import Hands
from engine.vocabulary import STEP_S

__all__ = ["FeltStream", "Returning", "first_strike", "grid"]

SEARCH_S: Final = 3.0  # how far a start or a change looks for its first note
SEARCH_STEP_S: Final = 0.1  # of it between two looks at the clock


class Returning(Protocol):
    """Plays in the improviser's place where music comes back that was played before. Times are stream seconds."""

    until_s: float  # what comes back ends before

    def lay(self, timeline: StreamTimeline, from_s: float) -> None:
        """Hears where the beats lie from from_s on."""

    def play(self, improviser: Improviser, limit_s: float) -> tuple[list[NoteEvent], Sequence[float]]:
        """Plays on to limit_s, or to the first strike: the events and, of those that come back, their first times."""

    def asked(self, time_s: float) -> Mapping[str, float]:
        """Returns what is asked at time_s instead of the table's values, by the names of controls."""

    def rolled_back(self, to_s: float) -> None:
        """Hears that the improviser has forgotten what came after to_s."""

    def stop(self, at_s: float) -> None:
        """Hears that the music is broken off, or that others lay the beat from at_s on."""


class FeltStream:
    """Holds one stream, of which nothing has a moment on the wall yet. The session thread owns it."""

    def __init__(self, improviser: Improviser, clock: Callable[[], int], seed: int) -> None:
        """clock: monotonic microseconds. seed: of humanise."""
        self._improviser, self._clock = improviser, clock
        self.turns = Turns()
        self._mover = NoteMover(Feel(seed=seed))
        self._returning: Returning | None = None
        self.timeline: StreamTimeline | None = None  # the beat that model and feel were told last; None: none
        self._metre = COMMON  # the same
        self._form: Form | None = None  # the same
        self._hands = Hands()
        self.home_s: float | None = None  # where the last chord falls; None: the music plays on
        self.calls_hands = False  # whether a hand that stays away is called back, as long as there is a beat

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

    def set_beat(
        self,
        timeline: StreamTimeline | None,
        metre: Metre,
        from_s: float,
        *,
        form: Form | None = None,
        returning: Returning | None = None,
    ) -> None:
        """Tells model and feel the beat of what comes from from_s on; nobody else does. None: it is unknown.

        form: of the chart that begins on beat 0; None: that is a bar line like the others. returning: what may come
        back.
        """
        if self._returning is not None and self._returning is not returning:
            self._returning.stop(from_s)
        self._returning = returning
        if returning is not None and timeline is not None:
            returning.lay(timeline, from_s)
        self.timeline, self._metre, self._form = timeline, metre, form
        self._tell_beat(from_s)

    def _tell_beat(self, from_s: float) -> None:
        timeline, metre = self.timeline, self._metre
        tempo_bpm = None if timeline is None else timeline.tempo_bpm
        bar_s = from_s  # the bar line that is nearest before it
        if timeline is not None:
            bar_s = timeline.seconds(metre.beats * (timeline.beat(from_s + EPSILON_S) // metre.beats))
        self._improviser.set_tempo(tempo_bpm, metre.beats, bar_s)
        self._improviser.set_form(None if self._form is None else self.origin_s, self._form)
        self._mover.feel = replace(
            self._mover.feel, tempo_bpm=tempo_bpm, origin_s=self.origin_s, thirds=metre.is_compound
        )

    @property
    def origin_s(self) -> float:
        """Stream second of a bar line, where a chart plays that of its beginning; 0 where there is no beat."""
        return 0.0 if self.timeline is None else self.timeline.origin_s

    def bring_home(self, at_s: float | None, hold_s: float = 2.0) -> None:
        """Has a last chord fall at at_s; nothing comes back beyond it. None: plays on."""
        self._improviser.bring_home(at_s, hold_s)
        self.home_s = at_s
        if self._returning is not None:
            self._returning.until_s = math.inf if at_s is None else at_s

    def _roll_back(self, to_s: float) -> None:
        self._improviser.rollback(to_s)
        self._hands.forget_after(to_s)
        if self._returning is not None:
            self._returning.rolled_back(to_s)
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
        until_s = min(until_s, self.turns.next_s)
        until_s = self._call_hand(until_s)
        returning = self._returning
        self._improviser.ask_here({} if returning is None else returning.asked(self._improviser.time_s))
        first_s: Sequence[float] = ()
        if returning is None:
            events = self._improviser.generate(until_s, to_strike=True)
        else:
            events, first_s = returning.play(self._improviser, until_s)
        self._hands.hear(events)
        return self._mover.take(events, self._improviser.time_s, first_s)

    def _call_hand(self, until_s: float) -> float:
        """Calls the hand that has stayed away, if one has; returns up to where that holds, until_s at the latest."""
        timeline, hand = self.timeline, None
        if self.calls_hands and timeline is not None:
            now_s, beats = self._improviser.time_s, self._metre.beats
            bar = math.floor(timeline.beat(now_s + EPSILON_S) / beats)
            line_s, next_s = timeline.seconds(bar * beats), timeline.seconds((bar + 1) * beats)
            half_s = (line_s + next_s) / 2
            if now_s < half_s - EPSILON_S:
                hand = self._hands.called(line_s, next_s - line_s, self._improviser.sounding())
                next_s = half_s
            until_s = min(until_s, math.ceil(next_s / STEP_S - EPSILON_S) * STEP_S)
        self._improviser.call_hand(hand)
        return until_s


def first_strike(events: Sequence[NoteEvent]) -> NoteEvent | None:
    """Returns the first strike of events that the mover handed out: strikes among them are in time order."""
    return next((event for event in events if event.kind == "on"), None)


def grid(stream_s: float) -> float:
    """Returns the nearest point of the engine's 10 ms grid, in seconds."""
    return round(stream_s / STEP_S) * STEP_S
