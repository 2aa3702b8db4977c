"""Quantise, swing and humanise move notes when they are played. The model's own past stays as it was.

Onsets go through a monotonic warp of time and then through a random spread that keeps their order. So for every moment
that is heard there is one in the stream such that the same notes come before both, which playing ahead needs
(bridge/live/playing/ahead.py). A note's end moves with its onset. A strike on a key that would still sound ends the
note before it; one that falls on the same moment as the note before it is left out.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.beats.warp import STRAIGHT_GRID, THIRD_GRID, Grid, grid_under, warp, warp_inverse
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["FEEL_NAMES", "Feel", "FeelParams", "NoteMover"]

FEEL_NAMES: Final = ("quantise", "swing", "humanise")
SPREAD_S: Final = 0.015  # the most that humanise 1 moves an onset either way
SPREAD_VELOCITY: Final = 12  # and a velocity
MIN_NOTE_S: Final = 0.03  # no note is made shorter than this, unless it was; no key struck again within it
FORGET_S: Final = 10.0  # more than any rollback reaches
_EPSILON_S: Final = 1e-6


@dataclass(frozen=True)
class FeelParams:
    """The three knobs, as in osc_protocol.table.parameters."""

    quantise: float = 0.0
    swing: float = 0.5
    humanise: float = 0.0

    @property
    def needs_beat(self) -> bool:
        """Whether quantise or swing is on, which do nothing without a known beat."""
        return self.quantise > 0 or self.swing != 0.5


@dataclass(frozen=True)
class Feel:
    """The knobs with what they need to know. tempo_bpm None: the beat is unknown, quantise and swing do nothing."""

    params: FeelParams = FeelParams()
    tempo_bpm: float | None = None
    origin_s: float = 0.0  # where a beat lies
    thirds: bool = False  # whether the beat is dotted, as in 6/8: its thirds are eighths, and their halves swing
    seed: int = 0

    def warped_s(self, time_s: float) -> float:
        """Returns the time in seconds to which quantise and swing move an onset; it rises with time_s."""
        if self.tempo_bpm is None or not self.params.needs_beat:
            return time_s
        return self._moved_s(warp, time_s, self.tempo_bpm)

    def unwarped_s(self, time_s: float) -> float:
        """Returns the last time in seconds from which an onset would move to time_s or before."""
        if self.tempo_bpm is None or not self.params.needs_beat:
            return time_s
        return self._moved_s(warp_inverse, time_s, self.tempo_bpm)

    def _moved_s(self, move: Callable[[float, float, float, Grid], float], time_s: float, tempo_bpm: float) -> float:
        per_s = tempo_bpm / 60.0 * (3 if self.thirds else 1)
        grid = THIRD_GRID if self.thirds else grid_under(self.params.swing)
        moved = move((time_s - self.origin_s) * per_s, self.params.quantise, self.params.swing, grid)
        return self.origin_s + moved / per_s

    @property
    def early_s(self) -> float:
        """Returns the seconds by which an onset is moved earlier at most."""
        beat_s = 0.0 if self.tempo_bpm is None else 60.0 / self.tempo_bpm
        widest = THIRD_GRID[1] / 3 if self.thirds else STRAIGHT_GRID[1]  # of the beat
        return self.params.quantise * beat_s * widest / 2 + self.params.humanise * SPREAD_S

    def turned(self, **values: float) -> Feel:
        """Returns the same feel with some of its parameters changed, by names of FEEL_NAMES."""
        return replace(self, params=replace(self.params, **values))

    def spread(self, event: NoteEvent) -> tuple[float, int]:
        """Returns the seconds and velocity steps that humanise adds: the same for the same seed, moment and key."""
        if self.params.humanise == 0:
            return 0.0, 0
        draw = random.Random((self.seed * 1_000_003 + round(event.time_s / STEP_S)) * 128 + event.pitch)
        # The mean of two is likelier to be small than large, and still bounded.
        late, loud = (draw.random() - draw.random() for _ in range(2))
        return late * SPREAD_S * self.params.humanise, round(loud * SPREAD_VELOCITY * self.params.humanise)


@dataclass
class _Note:
    """A note of the stream and when it is played, in stream seconds; None: not known, or not handed out yet."""

    struck: NoteEvent
    due_s: float
    left_out: bool
    ended_s: float | None = None  # in the stream
    end_due_s: float | None = None  # handed out


class NoteMover:
    """Events of a stream, as it generates them -> the same events where they are to sound. One thread.

    Ends are held back until no later strike of their key can come before them.
    """

    def __init__(self, feel: Feel, not_before_s: float = -math.inf) -> None:
        """not_before_s: no strike is moved before this moment."""
        self.feel = feel
        self._notes: list[_Note] = []  # in the order struck, a few seconds back
        self._open: dict[int, _Note] = {}  # pitch -> its note that the stream has not ended
        self._held: list[_Note] = []  # ended in the stream, the end not handed out
        self._last: dict[int, _Note] = {}  # pitch -> its newest note that was not left out
        self._floor_s = not_before_s
        self._now_s = -math.inf

    def take(self, events: Sequence[NoteEvent], until_s: float, first_s: Sequence[float] = ()) -> list[NoteEvent]:
        """Takes new events up to until_s in time order; returns them moved, in order for each key but not overall.

        first_s: when each was played first, if it comes again: humanise then moves it as it did.
        """
        moved: list[NoteEvent] = []
        for i, event in enumerate(events):
            if event.kind == "on":
                self._strike(event, first_s[i] if first_s else event.time_s, moved)
            else:
                note = self._open.pop(event.pitch, None)
                if note is None:  # struck before this began: the end is all that is known
                    moved.append(event)
                    continue
                note.ended_s = event.time_s
                self._held.append(note)
        self._release(self.feel.warped_s(until_s) - SPREAD_S * self.feel.params.humanise, moved)
        self._forget(until_s - FORGET_S)
        return moved

    def release(self, until_s: float) -> list[NoteEvent]:
        """Returns the ends that were held back and are due up to until_s."""
        moved: list[NoteEvent] = []
        self._release(until_s, moved)
        return moved

    def clear(self, not_before_s: float = -math.inf) -> None:
        """Forgets every note: all have been ended by someone else."""
        self._notes, self._held = [], []
        self._open, self._last = {}, {}
        self._floor_s, self._now_s = not_before_s, -math.inf

    def is_now(self, now_s: float) -> None:
        """Sets the moment before which no event is moved. An event that is late by itself stays late."""
        self._now_s = now_s

    def cut(self, at_s: float, *, back: bool = False) -> tuple[float, float]:
        """Returns where to cut the stream so that what sounds from at_s on can change: stream second, sounding second.

        Strikes up to the first, a grid point, sound before the second; strikes after the first, at the second or later.
        back: at the grid point before at_s, not after it, for a stream that is laid anew from there.
        """
        step = self.feel.unwarped_s(at_s) / STEP_S
        stream_s = (math.floor(step + 1e-6) if back else math.ceil(step - 1e-6)) * STEP_S
        sounds_s = at_s
        for note in self._notes:  # in the order of their due times, too
            if note.struck.time_s <= stream_s + _EPSILON_S or note.due_s < sounds_s:
                stream_s = max(stream_s, note.struck.time_s)
                sounds_s = max(sounds_s, note.due_s + STEP_S / 2)
        return stream_s, sounds_s

    def will_strike(self, low: int, high: int, from_s: float) -> bool:
        """Whether a strike of a key from low to high was handed out that sounds at from_s or later."""
        notes = reversed(self._notes)
        later = itertools.takewhile(lambda note: note.due_s >= from_s, notes)
        return any(low <= note.struck.pitch <= high and not note.left_out for note in later)

    def rollback(self, stream_s: float, sounds_s: float, at_s: float) -> list[NoteEvent]:
        """Forgets what came after a cut, and returns the ends that are due again. Nothing is struck before at_s."""
        kept = [note for note in self._notes if note.struck.time_s <= stream_s + _EPSILON_S]
        self.clear(not_before_s=at_s)
        self._notes = kept
        for note in kept:
            if note.ended_s is not None and note.ended_s > stream_s + _EPSILON_S:
                note.ended_s = note.end_due_s = None
            if not note.left_out:
                self._last[note.struck.pitch] = note
            if note.ended_s is None:
                self._open[note.struck.pitch] = note
            elif note.end_due_s is None or note.end_due_s >= sounds_s:
                note.end_due_s = None
                self._held.append(note)
        return self.take((), stream_s)

    def _strike(self, event: NoteEvent, first_s: float, moved: list[NoteEvent]) -> None:
        late_s, louder = self.feel.spread(event._replace(time_s=first_s))
        latest_s = self._notes[-1].due_s if self._notes else -math.inf
        not_past_s = min(event.time_s, self._now_s)
        due_s = max(self.feel.warped_s(event.time_s) + late_s, latest_s, self._floor_s, not_past_s)
        before = self._last.get(event.pitch)
        left_out = False
        if before is not None:
            gap_s = min(MIN_NOTE_S, event.time_s - before.struck.time_s)  # moved together, not written so
            left_out = due_s < before.due_s + gap_s - _EPSILON_S
        if before is not None and not left_out:
            if before.end_due_s is None:
                self._end(before, min(self._end_wanted_s(before), due_s), moved)
                self._held = [note for note in self._held if note is not before]
            due_s = max(due_s, before.end_due_s or due_s)
        note = _Note(event, due_s, left_out)
        self._notes.append(note)
        self._open[event.pitch] = note
        if not left_out:
            self._last[event.pitch] = note
            velocity = min(max(event.velocity + louder, 1), 127)
            moved.append(event._replace(time_s=due_s, velocity=velocity))

    def _release(self, until_s: float, moved: list[NoteEvent]) -> None:
        waiting = []
        for note in self._held:
            due_s = self._end_wanted_s(note)
            if note.left_out:
                note.end_due_s = due_s
            elif due_s <= until_s + _EPSILON_S:
                self._end(note, due_s, moved)
            else:
                waiting.append(note)
        self._held = waiting

    def _end_wanted_s(self, note: _Note) -> float:
        """Returns when a note should end to keep its length."""
        if note.ended_s is None:
            return math.inf
        return max(note.due_s, note.ended_s + (note.due_s - note.struck.time_s))  # exact where nothing moves

    def _end(self, note: _Note, due_s: float, moved: list[NoteEvent]) -> None:
        if note.left_out or note.end_due_s is not None:
            return
        note.end_due_s = due_s
        moved.append(NoteEvent(due_s, "off", note.struck.pitch, 0))

    def _forget(self, before_s: float) -> None:
        if len(self._notes) > 256 and self._notes[0].struck.time_s < before_s:
            self._notes = [note for note in self._notes if note.struck.time_s >= before_s or note.end_due_s is None]
