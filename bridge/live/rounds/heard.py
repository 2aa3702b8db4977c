"""What was played in each bar of each round, as far as memory reaches: so that a bar can be had again.

A bar counts from a little before its line, for a hand that comes early means the bar to come. Whatever breaks the music
off or moves it to another bar begins a new run, and only what was played within one run is whole.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bridge.live.playing.timeline import EPSILON_S, StreamTimeline
from engine.inference.stream_rules import PHRASE_GRACE_S
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["Bar", "Bars", "Heard", "Pass", "Played", "sounding_after"]

SAME_S: Final = 0.015  # a beat that moved less than this goes on
LATE_BEATS: Final = 0.1  # a bar that was entered later than this was not heard from its beginning
MOST_PASSES: Final = 512  # that are remembered: ten minutes and more
MOST_RUNS: Final = 64


class Pass(NamedTuple):
    """One time that a bar was played: the run, and the bar counted on from round to round. They sort by time."""

    run: int
    bar: int


class Played(NamedTuple):
    """One event of a bar: beats after its line, and the event as it was first played, whose time is the stream's."""

    beat: float
    event: NoteEvent


@dataclass(frozen=True)
class Bar:
    """What was played in one bar. sounding: the pitches that sounded when it began."""

    sounding: frozenset[int]
    events: tuple[Played, ...]


def sounding_after(pitches: Iterable[int], events: Iterable[NoteEvent]) -> set[int]:
    """Returns what sounds after some events, where these pitches sounded before."""
    sounding = set(pitches)
    for event in events:
        (sounding.add if event.kind == "on" else sounding.discard)(event.pitch)
    return sounding


class Bars:
    """Where bars lie on the stream's grid: a bar is what comes after begin_s(bar), up to begin_s(bar + 1)."""

    def __init__(self, timeline: StreamTimeline, beats: int) -> None:
        """beats: of a bar."""
        self.timeline, self.beats = timeline, beats

    def begin_s(self, bar: int) -> float:
        """The last point of the grid before the bar."""
        line_s = self.timeline.seconds(bar * self.beats) - PHRASE_GRACE_S
        return (math.ceil(line_s / STEP_S - 1e-6) - 1) * STEP_S

    def line_after_s(self, stream_s: float) -> float:
        """Where the first bar begins that begins after a stream second."""
        return self.begin_s(self.at(stream_s) + 1)

    def at(self, stream_s: float) -> int:
        """The bar of what comes right after a stream second."""
        bar = math.floor(self.timeline.beat(stream_s) / self.beats)
        while stream_s >= self.begin_s(bar + 1) - EPSILON_S:
            bar += 1
        while stream_s < self.begin_s(bar) - EPSILON_S:
            bar -= 1
        return bar


@dataclass
class _Run:
    """Music without a break; beats as a chart's, counted on from round to round."""

    from_beat: float
    to_beat: float = math.inf  # infinite while it goes on


@dataclass
class _Notes:
    """The notes of one pass."""

    sounding: frozenset[int]
    events: list[tuple[float, Played]] = field(default_factory=list)  # with the stream second at which it was played

    def sounding_after(self) -> frozenset[int]:
        return frozenset(sounding_after(self.sounding, (event for _, (_, event) in self.events)))


class Heard:
    """The memory of one chart. Stream seconds are those of the stream that plays. The session thread owns it."""

    def __init__(self, chart_bars: int, beats_per_bar: int) -> None:
        self.chart_bars, self._beats = chart_bars, beats_per_bar
        self._runs: deque[_Run] = deque(maxlen=MOST_RUNS)
        self._passes: dict[Pass, _Notes] = {}  # in time order; a silent bar has none
        self._lost = Pass(0, 0)  # up to here passes are forgotten
        self.run = 0  # the run that goes on, or went on last
        self.bars: Bars | None = None  # where they lie; None: nothing is played over them

    def lay(self, timeline: StreamTimeline, from_s: float) -> bool:
        """Hears that the beat lies there from a stream second on. Returns whether that begins a new run."""
        bars, beat = Bars(timeline, self._beats), timeline.beat(from_s)
        if self.bars is not None:
            moved_s = abs(self.bars.timeline.beat(from_s) - beat) * 60.0 / timeline.tempo_bpm
            if moved_s < SAME_S:
                self.bars = bars
                return False
            self.stop(from_s)
        self.bars = bars
        self._runs.append(_Run(beat))
        self.run += 1
        return True

    def stop(self, at_s: float) -> None:
        """Hears that the music is broken off at a stream second."""
        if self.bars is not None:
            self._runs[-1].to_beat = self.bars.timeline.beat(at_s)
            self.bars = None

    def add(self, played: Sequence[NoteEvent], first: Sequence[Played]) -> None:
        """Takes events that the stream has played. first: how each came about, if it comes back; else ()."""
        assert self.bars is not None
        for i, event in enumerate(played):
            at = Pass(self.run, self.bars.at(event.time_s - STEP_S / 2))
            notes = self._passes.get(at)
            if notes is None:
                notes = self._passes[at] = _Notes(self._sounding_before(at))
                if len(self._passes) > MOST_PASSES:
                    self._lost = next(iter(self._passes))
                    del self._passes[self._lost]
            beat = self.bars.timeline.beat(event.time_s) - at.bar * self._beats
            notes.events.append((event.time_s, first[i] if first else Played(beat, event)))

    def forget_after(self, stream_s: float) -> None:
        """Hears that the stream was rolled back."""
        for at in reversed(list(self._passes)):
            if at.run != self.run:
                return
            events = self._passes[at].events
            while events and events[-1][0] > stream_s + EPSILON_S:
                events.pop()
            if events:
                return
            del self._passes[at]

    def latest(self, now_s: float) -> dict[int, Pass]:
        """The last time that each bar of the chart, counted from 0, was played as a whole.

        The bar that sounds at now_s counts if half of it is over.
        """
        found: dict[int, Pass] = {}
        for age, run in enumerate(reversed(self._runs)):
            to_beat = run.to_beat
            if self.bars is not None and age == 0:
                to_beat = self.bars.timeline.beat(now_s) + self._beats / 2
            first = math.ceil((run.from_beat - LATE_BEATS) / self._beats)
            last = math.floor(to_beat / self._beats + 1e-6) - 1
            for bar in range(last, max(first, last - self.chart_bars + 1) - 1, -1):
                at = Pass(self.run - age, bar)
                if at > self._lost:
                    found.setdefault(bar % self.chart_bars, at)
        return found

    def is_whole(self, at: Pass) -> bool:
        """Tells whether a pass was, or may still be, played to its end."""
        age = self.run - at.run
        return age < len(self._runs) and self._runs[-1 - age].to_beat >= (at.bar + 1) * self._beats - 1e-6

    def is_over(self, at: Pass, now_s: float) -> bool:
        """Tells whether a pass has been played by a stream second."""
        return at.run < self.run or self.bars is None or self.bars.begin_s(at.bar + 1) <= now_s

    def look_up(self, at: Pass) -> Bar:
        """What was played then, as far as it has come."""
        notes = self._passes.get(at)
        if notes is None:
            return Bar(self._sounding_before(at), ())
        return Bar(notes.sounding, tuple(played for _, played in notes.events))

    def _sounding_before(self, at: Pass) -> frozenset[int]:
        """The pitches that sounded when a pass began."""
        for before in reversed(self._passes):
            if before < at:
                return self._passes[before].sounding_after() if before.run == at.run else frozenset()
        return frozenset()
