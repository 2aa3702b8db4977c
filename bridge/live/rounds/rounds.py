"""The bars of a chart that come back: kept as they were heard, or let go again, from the next bar line on.

A kept bar is fed to the stream as its own music, so that what comes after it goes on from it. It belongs to the chart,
not to the stream: whatever is taken back and made anew, it is played there again.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from bridge.errors import ModeError
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.rounds.bars import bars_text, check_bars
from bridge.live.rounds.densities import Densities
from bridge.live.rounds.heard import LATE_BEATS, Bar, Bars, Heard, Pass, Played, sounding_after
from bridge.live.rounds.variations import Kept
from bridge.live.rounds.wishes import Wishes
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["Rounds"]

SETTLED_S: Final = 10.0  # nothing that ended so long ago is rolled back: a stream remembers less
_EPSILON_S: Final = 1e-6
_FAR: Final = 1 << 40  # a bar beyond all


class Rounds:
    """What comes back of one chart. Stream seconds are those of the stream that plays. The session thread owns it.

    until_s: bars that end later are new, for there the music ends.
    """

    def __init__(self, chart_bars: int, beats_per_bar: int) -> None:
        self._chart_bars = chart_bars
        self._heard = Heard(chart_bars, beats_per_bar)
        self.densities = Densities(chart_bars)
        self._wishes = Wishes()
        self._made: set[Kept] = set()  # variations that were played, and may still be others
        self._returned: dict[Pass, Kept] = {}  # passes that were what had been kept
        self._fed: tuple[Pass, int] | None = None  # of the pass that comes back now: so many events have been fed
        self.until_s = math.inf

    @property
    def kept(self) -> tuple[int, ...]:
        """The bars that come back, counted from 1."""
        return tuple(bar + 1 for bar in sorted(self._wishes.last.kept))

    @property
    def variations(self) -> dict[int, tuple[int, tuple[int, ...]]]:
        """Of each bar that has any, counted from 1: the one that comes back, 0 for none, and all their numbers."""
        wish = self._wishes.last
        return {bar + 1: (wish.number(bar), tuple(sorted(own))) for bar, own in sorted(wish.variations.items()) if own}

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return self._wishes.can_undo

    # ---- what the player asks ---------------------------------------------------------------------------------------

    # now_s: what sounds; from_s: from where on the stream can still be another.

    def keep(self, bars: Collection[int], now_s: float, from_s: float) -> str:
        """Keeps bars, counted from 1, as they were heard last, all of them where none is named; returns what to say.

        ModeError: they have not been heard yet.
        """
        check_bars(bars, self._chart_bars)
        latest = self._heard.latest(now_s)
        if not latest:
            raise ModeError("there is nothing to keep yet: let a bar go by from its beginning to its end")
        chosen = {bar - 1 for bar in bars} or set(latest)
        if missing := chosen - set(latest):
            raise ModeError(f"{_text(missing)} cannot be kept: not heard yet, or heard too long ago; let it come round")
        new = {bar: self._as_heard(bar, latest[bar], now_s) for bar in chosen}
        wish = self._wishes.last
        self._wishes.change(wish.keeping({**wish.kept, **new}), self._from(from_s))
        return f"{_text(chosen)} kept{self._not_the_one_that_sounds(latest, chosen, now_s)}"

    def again(self, bars: Collection[int], from_s: float) -> str:
        """Has kept bars played anew from the next round on, all of them where none is named; returns what to say.

        ModeError: they are new in every round.
        """
        check_bars(bars, self._chart_bars)
        wish = self._wishes.last
        chosen = ({bar - 1 for bar in bars} or set(wish.kept)) & set(wish.kept)
        if not chosen:
            raise ModeError("nothing of that is kept: every round of it is new; /sideman/keep keeps what was heard")
        others = {bar: kept for bar, kept in wish.kept.items() if bar not in chosen}
        self._wishes.change(wish.keeping(others), self._from(from_s))
        return f"{_text(chosen)} again"

    def choose(self, number: int, bars: Collection[int], now_s: float, from_s: float) -> str:
        """Has a variation of bars come back, all of them where none is named; returns what to say.

        The first one is what was heard last. One that was never played is made where its bar comes next, and the one
        that comes back already is made anew. ModeError: the chart has no such bar.
        """
        check_bars(bars, self._chart_bars)
        chosen = {bar - 1 for bar in bars} or set(range(self._chart_bars))
        heard = {bar: at for bar, at in self._heard.latest(now_s).items() if bar in chosen}
        wish = self._wishes.last.choosing(
            number, sorted(chosen), {bar: self._as_heard(bar, at, now_s) for bar, at in heard.items()}
        )
        self._wishes.change(wish, self._from(from_s))
        new = [bar for bar in chosen if wish.kept[bar].at is None]
        made = f", {_text(new)} made where {'it comes' if len(new) == 1 else 'they come'}" if new else ""
        return f"{_text(chosen)}: variation {number}{made}"

    def undo(self, from_s: float) -> str:
        """Takes back the last keep, again or choice. ModeError: there is none."""
        self._wishes.undo(self._from(from_s))
        kept = self._wishes.last.kept
        return f"{_text(kept)} kept" if kept else "nothing kept"

    def change_s(self, from_s: float) -> float:
        """The first stream second from from_s on at which a change holds; infinity where nothing is played."""
        bars = self._heard.bars
        return math.inf if bars is None else bars.line_after_s(from_s)

    def _as_heard(self, bar: int, at: Pass, now_s: float) -> Kept:
        """A pass that was heard, or what came back in it."""
        kept = self._returned.get(at) or self._wishes.last.find(bar, at) or Kept(at)
        if kept.at is not None and self._is_over(kept.at, now_s):
            self._bar(kept)
        return kept

    def _not_the_one_that_sounds(self, latest: Mapping[int, Pass], chosen: Collection[int], now_s: float) -> str:
        """Says so where a bar is kept as it was a round ago, while it sounds anew and is not half over."""
        bars = self._heard.bars
        if bars is None:
            return ""
        at = Pass(self._heard.run, bars.at(now_s))
        bar = at.bar % self._chart_bars
        if bar not in chosen or latest[bar] == at or at in self._returned:
            return ""
        return f", {_text([bar])} as it was before the one that sounds now"

    def lies_ready(self, bars: Collection[int], from_s: float, to_s: float) -> bool:
        """Tells whether any of these bars, of all where none is named, lies between two stream seconds."""
        lie = self._heard.bars
        if lie is None:
            return False
        numbers = range(lie.at(from_s), lie.at(to_s) + 1)
        return any(not bars or number % self._chart_bars + 1 in bars for number in numbers)

    def _from(self, from_s: float) -> Pass:
        """The first pass that begins after from_s."""
        bars = self._heard.bars
        return Pass(self._heard.run, _FAR if bars is None else bars.at(from_s) + 1)

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
        for kept in self._wishes.kept_in(self._heard.run):
            if kept.at is None or kept.at < at:
                continue
            kept.bar = None  # it is played anew
            if kept.is_variation and kept.at > at:
                kept.at = None
        self._fed = None
        kept_now = self._kept_at(at, bars)
        if kept_now is not None and to_s > bars.begin_s(at.bar) + _EPSILON_S:
            times = self._times(kept_now, at, bars)
            self._fed = at, sum(time_s <= to_s + _EPSILON_S for time_s in times)

    def asked(self, time_s: float) -> Mapping[str, float]:
        """Returns what is asked at a stream second instead of the table's values."""
        bars = self._heard.bars
        return {} if bars is None else self.densities.asked(bars.at(time_s))

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
            self._make_variation(at, bars, time_s)
            # The bar that comes next is looked at when it is reached.
            events = improviser.generate(min(limit_s, bars.begin_s(at.bar + 1)), to_strike=True)
        else:
            events, first = self._return(improviser, kept, at, bars, min(limit_s, bars.begin_s(at.bar + 1)))
        self._heard.add(events, first)
        return events, [played.event.time_s for played in first]

    def _make_variation(self, at: Pass, bars: Bars, time_s: float) -> None:
        """Has what is new in a pass be the variation that is still to be made, if one is and the pass begins here."""
        wished = self._wished_at(at, bars)
        if wished is None or wished.at is not None or bars.timeline.beat(time_s) - at.bar * bars.beats > LATE_BEATS:
            return
        wished.at = at
        for kept in [kept for kept in self._made if kept.at is None or self._is_over(kept.at, time_s - SETTLED_S)]:
            if kept.at is not None:
                self._bar(kept)
            self._made.discard(kept)
        self._made.add(wished)

    def _return(
        self, improviser: Improviser, kept: Kept, at: Pass, bars: Bars, limit_s: float
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

    def _times(self, kept: Kept, at: Pass, bars: Bars) -> list[float]:
        """When each event of a bar that comes back is due, on the grid and within the bar."""
        begin_s, end_s = bars.begin_s(at.bar) + STEP_S, bars.begin_s(at.bar + 1)
        line = at.bar * bars.beats
        moments = (round(bars.timeline.seconds(line + beat) / STEP_S) * STEP_S for beat, _ in self._bar(kept).events)
        return [min(max(moment_s, begin_s), end_s) for moment_s in moments]

    def _bar(self, kept: Kept) -> Bar:
        """What was played in it, looked up once: it may be asked for when that is no longer remembered."""
        if kept.bar is None:
            assert kept.at is not None
            kept.bar = self._heard.look_up(kept.at)
        return kept.bar

    def _kept_at(self, at: Pass, bars: Bars) -> Kept | None:
        """What comes back in a pass; None where it is new."""
        kept = self._wished_at(at, bars)
        return None if kept is None or kept.at is None or kept.at >= at else kept

    def _wished_at(self, at: Pass, bars: Bars) -> Kept | None:
        """What is to come back in a pass, and may not have been played yet; None where nothing is."""
        ends = bars.begin_s(at.bar + 1) > self.until_s
        return None if ends else self._wishes.at(at).kept.get(at.bar % self._chart_bars)

    def _is_over(self, at: Pass, now_s: float) -> bool:
        bars = self._heard.bars
        return at.run < self._heard.run or bars is None or bars.begin_s(at.bar + 1) <= now_s

    def _broken_off(self) -> None:
        """A bar that was kept while it sounded, and broken off, cannot come back; a variation is made anew."""
        self._fed = None
        kept_now = [kept for kept in self._wishes.kept_in(self._heard.run) if kept.bar is None]
        cut = {kept for kept in kept_now if kept.at is not None and not self._heard.is_whole(kept.at)}
        for kept in cut:
            if kept.is_variation:
                kept.at = None
        if lost := {kept for kept in cut if not kept.is_variation}:
            self._wishes.lose(lost)


def _text(bars: Collection[int]) -> str:
    return bars_text([bar + 1 for bar in bars])
