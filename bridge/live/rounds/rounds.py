"""The bars of a chart that come back: kept as they were heard, or let go again, from the next bar line on.

A kept bar is fed to the stream as its own music, so that what comes after it goes on from it. It belongs to the chart,
not to the stream: whatever is taken back and made anew, it is played there again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.errors import ModeError
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.rounds.bars import bars_text
from bridge.live.rounds.heard import Bar, Bars, Heard, Pass, Played, sounding_after
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["Rounds"]

UNDONE: Final = 64  # so many changes can be undone
_EPSILON_S: Final = 1e-6
_FAR: Final = 1 << 40  # a bar beyond all


@dataclass(eq=False)
class _Kept:
    """A pass that comes back. bar: what was played; None: to be looked up, for the stream may still change it."""

    at: Pass
    bar: Bar | None = None


_Mapping = Mapping[int, _Kept]
"""By the bar of the chart, counted from 0."""


class Rounds:
    """What comes back of one chart. Stream seconds are those of the stream that plays. The session thread owns it.

    until_s: bars that end later are new, for there the music ends.
    """

    def __init__(self, chart_bars: int, beats_per_bar: int) -> None:
        self._chart_bars = chart_bars
        self._heard = Heard(chart_bars, beats_per_bar)
        self._plans: list[tuple[Pass, _Mapping]] = [(Pass(0, 0), {})]  # what comes back, from which pass on
        self._undo: list[_Mapping] = []
        self._returned: dict[Pass, _Kept] = {}  # passes that were what had been kept
        self._fed: tuple[Pass, int] | None = None  # of the pass that comes back now: so many events have been fed
        self.until_s = math.inf

    @property
    def kept(self) -> tuple[int, ...]:
        """The bars that come back, counted from 1."""
        return tuple(bar + 1 for bar in sorted(self._plans[-1][1]))

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self._undo)

    # ---- what the player asks ---------------------------------------------------------------------------------------

    # now_s: what sounds; from_s: from where on the stream can still be another.

    def keep(self, bars: Collection[int], now_s: float, from_s: float) -> str:
        """Keeps bars, counted from 1, as they were heard last, all of them where none is named; returns what to say.

        ModeError: they have not been heard yet.
        """
        self._check(bars)
        latest = self._heard.latest(now_s)
        if not latest:
            raise ModeError("there is nothing to keep yet: let a bar go by from its beginning to its end")
        chosen = {bar - 1 for bar in bars} or set(latest)
        if missing := chosen - set(latest):
            raise ModeError(f"{_text(missing)} cannot be kept: not heard yet, or heard too long ago; let it come round")
        new = {bar: self._returned.get(latest[bar]) or _Kept(latest[bar]) for bar in chosen}
        for kept in new.values():
            if self._is_over(kept.at, now_s):
                kept.bar = kept.bar or self._heard.look_up(kept.at)
        self._change({**self._plans[-1][1], **new}, from_s)
        return f"{_text(chosen)} kept"

    def again(self, bars: Collection[int], from_s: float) -> str:
        """Has kept bars played anew from the next round on, all of them where none is named; returns what to say.

        ModeError: they are new in every round.
        """
        self._check(bars)
        now = self._plans[-1][1]
        chosen = ({bar - 1 for bar in bars} or set(now)) & set(now)
        if not chosen:
            raise ModeError("nothing of that is kept: every round of it is new; /sideman/keep keeps what was heard")
        self._change({bar: kept for bar, kept in now.items() if bar not in chosen}, from_s)
        return f"{_text(chosen)} again"

    def undo(self, from_s: float) -> str:
        """Takes back the last keep or again. ModeError: there is none."""
        if not self._undo:
            raise ModeError("there is nothing to undo: no bars were kept or asked for again")
        before = self._undo.pop()
        self._plan(before, from_s)
        return f"{_text(before)} kept" if before else "nothing kept"

    def change_s(self, from_s: float) -> float:
        """The first stream second from from_s on at which a change holds; infinity where nothing is played."""
        bars = self._heard.bars
        return math.inf if bars is None else bars.begin_s(bars.at(from_s) + 1)

    def _check(self, bars: Collection[int]) -> None:
        if beyond := [bar for bar in bars if bar > self._chart_bars]:
            raise ModeError(f"{bars_text(beyond)} cannot be had: the chart ends with bar {self._chart_bars}")

    def _change(self, mapping: _Mapping, from_s: float) -> None:
        self._undo = [*self._undo, self._plans[-1][1]][-UNDONE:]
        self._plan(mapping, from_s)

    def _plan(self, mapping: _Mapping, from_s: float) -> None:
        """Has another mapping hold from the first bar on that begins after from_s."""
        bars = self._heard.bars
        from_ = Pass(self._heard.run, _FAR if bars is None else bars.at(from_s) + 1)
        self._plans = [*(plan for plan in self._plans if plan[0] < from_), (from_, mapping)][-UNDONE:]

    # ---- what the stream does ---------------------------------------------------------------------------------------

    def lay(self, timeline: StreamTimeline, from_s: float) -> None:
        """Hears that the chart's beats lie there from a stream second on."""
        if self._heard.lay(timeline, from_s):
            self._broken_off()

    def stop(self, at_s: float) -> None:
        """Hears that the music is broken off at a stream second."""
        self._heard.stop(at_s)
        self._broken_off()

    def rolled_back(self, to_s: float) -> None:
        """Hears that the stream has forgotten what came after a stream second."""
        bars = self._heard.bars
        if bars is None:
            return
        self._heard.forget_after(to_s)
        at = Pass(self._heard.run, bars.at(to_s))
        for kept in self._all():
            if kept.at >= at:
                kept.bar = None  # it is played anew
        self._fed = None
        kept_now = self._kept_at(at, bars)
        if kept_now is not None and to_s > bars.begin_s(at.bar) + _EPSILON_S:
            times = self._times(kept_now, at, bars)
            self._fed = at, sum(time_s <= to_s + _EPSILON_S for time_s in times)

    def play(self, improviser: Improviser, limit_s: float) -> tuple[list[NoteEvent], Sequence[float]]:
        """Plays on up to limit_s, or to the first strike. Returns the events, and of those that come back when each was
        played first.
        """
        bars = self._heard.bars
        assert bars is not None
        time_s = improviser.time_s
        at = Pass(self._heard.run, bars.at(time_s))
        kept = self._kept_at(at, bars)
        first: list[Played] = []
        if kept is None:
            self._returned.pop(at, None)
            # The bar that comes next is looked at when it is reached.
            events = improviser.generate(min(limit_s, bars.begin_s(at.bar + 1)), to_strike=True)
        else:
            events, first = self._return(improviser, kept, at, bars, min(limit_s, bars.begin_s(at.bar + 1)))
        self._heard.add(events, first)
        return events, [played.event.time_s for played in first]

    def _return(
        self, improviser: Improviser, kept: _Kept, at: Pass, bars: Bars, limit_s: float
    ) -> tuple[list[NoteEvent], list[Played]]:
        """Feeds what was played then, up to limit_s or to the moment of the first strike."""
        time_s = improviser.time_s
        bar = self._bar(kept)
        times = self._times(kept, at, bars)
        done = self._fed[1] if self._fed is not None and self._fed[0] == at else None
        if done is None:  # the bar begins, or is entered on the way
            done = sum(moment_s < time_s - _EPSILON_S for moment_s in times)
            if done == 0:
                self._returned[at] = kept
                while len(self._returned) > 4 * self._chart_bars:
                    del self._returned[next(iter(self._returned))]
        due: list[tuple[NoteEvent, Played]] = []
        sounding = set(improviser.sounding())
        expected = sounding_after(bar.sounding, (played.event for played in bar.events[:done]))
        # What sounds on from other music has nobody to end it.
        ends_s = min(time_s + STEP_S, limit_s)
        for pitch in sorted(sounding - expected):
            end = NoteEvent(ends_s, "off", pitch, 0)
            due.append((end, Played(bars.timeline.beat(ends_s) - at.bar * bars.beats, end)))
        sounding &= expected
        if due:
            time_s = limit_s = ends_s
        while done < len(times) and times[done] <= limit_s + _EPSILON_S:
            played = bar.events[done]
            event = played.event._replace(time_s=max(times[done], time_s))
            done += 1
            if event.kind == "on":
                limit_s = event.time_s  # and what is struck or ended with it
            elif event.pitch not in sounding:
                continue
            (sounding.add if event.kind == "on" else sounding.discard)(event.pitch)
            due.append((event, played))
        self._fed = at, done
        improviser.feed([event for event, _ in due])
        if improviser.time_s < limit_s - _EPSILON_S:
            improviser.wait(limit_s)
        return [event for event, _ in due], [played for _, played in due]

    def _times(self, kept: _Kept, at: Pass, bars: Bars) -> list[float]:
        """When each event of a bar that comes back is due, on the grid and within the bar."""
        begin_s, end_s = bars.begin_s(at.bar) + STEP_S, bars.begin_s(at.bar + 1)
        line = at.bar * bars.beats
        moments = (round(bars.timeline.seconds(line + beat) / STEP_S) * STEP_S for beat, _ in self._bar(kept).events)
        return [min(max(moment_s, begin_s), end_s) for moment_s in moments]

    def _bar(self, kept: _Kept) -> Bar:
        if kept.bar is None:
            kept.bar = self._heard.look_up(kept.at)
        return kept.bar

    def _kept_at(self, at: Pass, bars: Bars) -> _Kept | None:
        """What comes back in a pass; None where it is new."""
        mapping = next(mapping for from_, mapping in reversed(self._plans) if from_ <= at or from_.run == 0)
        kept = mapping.get(at.bar % self._chart_bars)
        ends = bars.begin_s(at.bar + 1) > self.until_s
        return None if kept is None or ends or kept.at >= at else kept

    def _is_over(self, at: Pass, now_s: float) -> bool:
        bars = self._heard.bars
        return at.run < self._heard.run or bars is None or bars.begin_s(at.bar + 1) <= now_s

    def _all(self) -> list[_Kept]:
        """Every bar that comes back, or may again."""
        mappings = [*self._undo, *(mapping for _, mapping in self._plans)]
        return [kept for mapping in mappings for kept in mapping.values() if kept.at.run == self._heard.run]

    def _broken_off(self) -> None:
        """A bar that was kept while it sounded, and broken off, cannot come back."""
        self._fed = None
        cut = {kept for kept in self._all() if kept.bar is None and not self._heard.is_whole(kept.at)}

        def whole(mapping: _Mapping) -> _Mapping:
            return {bar: kept for bar, kept in mapping.items() if kept not in cut}

        if cut:
            self._undo = [whole(mapping) for mapping in self._undo]
            self._plans = [(from_, whole(mapping)) for from_, mapping in self._plans]


def _text(bars: Collection[int]) -> str:
    return bars_text([bar + 1 for bar in bars])
