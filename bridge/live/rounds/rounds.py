"""The bars of a chart that come back: kept as they were heard, or let go again, from the next bar line on.

A kept bar is fed to the stream as its own music, so that what comes after it goes on from it. It belongs to the chart,
not to the stream: whatever is taken back and made anew, it is played there again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import EPSILON_S, StreamTimeline
from bridge.live.rounds.densities import Densities
from bridge.live.rounds.heard import LATE_BEATS, Bar, Bars, Heard, Pass, Played, sounding_after
from bridge.live.rounds.variations import Kept
from bridge.live.rounds.wishes import Wishes
from engine.notes import NoteEvent
from engine.vocabulary import STEP_S

__all__ = ["Rounds"]

SETTLED_S: Final = 10.0  # nothing that ended so long ago is rolled back: a stream remembers less


class Rounds:
    """What comes back of one chart. Stream seconds are those of the stream that plays. The session thread owns it.

    heard, wishes, densities: what was played, and what the player asks (asked_bars). returned: the passes that were
    what had been kept. until_s: bars that end later are new, for there the music ends.
    """

    def __init__(self, chart_bars: int, beats_per_bar: int) -> None:
        self.heard, self.wishes, self.densities = Heard(chart_bars, beats_per_bar), Wishes(), Densities(chart_bars)
        self.returned: dict[Pass, Kept] = {}
        self._made: set[Kept] = set()  # variations that were played, and may still be others
        self._fed: tuple[Pass, int] | None = None  # of the pass that comes back now: so many events have been fed
        self.until_s = math.inf

    def lay(self, timeline: StreamTimeline, from_s: float) -> None:
        """Hears that the chart's beats lie there from a stream second on."""
        if self.heard.lay(timeline, from_s):
            self._broken_off()

    def stop(self, at_s: float) -> None:
        """Hears that the music is broken off at a stream second."""
        self.heard.stop(at_s)
        self._broken_off()

    def rolled_back(self, to_s: float) -> None:
        """Hears that the stream has forgotten what came after a stream second."""
        bars = self.heard.bars
        if bars is None:
            return
        self.heard.forget_after(to_s)
        at = Pass(self.heard.run, bars.at(to_s))
        for kept in self.wishes.kept_in(self.heard.run):
            if kept.at is None or kept.at < at:
                continue
            kept.bar = None  # it is played anew
            if kept.is_variation and kept.at > at:
                kept.at = None
        self._fed = None
        kept_now = self._kept_at(at, bars)
        if kept_now is not None and to_s > bars.begin_s(at.bar) + EPSILON_S:
            times = self._times(kept_now.look_up(self.heard), at, bars)
            self._fed = at, sum(time_s <= to_s + EPSILON_S for time_s in times)

    def asked(self, time_s: float) -> Mapping[str, float]:
        """Returns what is asked at a stream second instead of the table's values."""
        bars = self.heard.bars
        return {} if bars is None else self.densities.asked(bars.at(time_s))

    def play(self, improviser: Improviser, limit_s: float) -> tuple[list[NoteEvent], Sequence[float]]:
        """Plays on up to limit_s, or to the first strike. Returns the events, and of those that come back when each was
        played first.
        """
        bars = self.heard.bars
        assert bars is not None
        time_s = improviser.time_s
        at = Pass(self.heard.run, bars.at(time_s))
        kept = self._kept_at(at, bars)
        first: list[Played] = []
        if kept is None:
            self.returned.pop(at, None)
            self._make_variation(at, bars, time_s)
            # The bar that comes next is looked at when it is reached.
            events = improviser.generate(min(limit_s, bars.begin_s(at.bar + 1)), to_strike=True)
        else:
            events, first = self._return(improviser, kept, at, bars, min(limit_s, bars.begin_s(at.bar + 1)))
        self.heard.add(events, first)
        return events, [played.event.time_s for played in first]

    def _make_variation(self, at: Pass, bars: Bars, time_s: float) -> None:
        """Has what is new in a pass be the variation that is still to be made, if one is and the pass begins here."""
        wished = self._wished_at(at, bars)
        if wished is None or wished.at is not None or bars.timeline.beat(time_s) - at.bar * bars.beats > LATE_BEATS:
            return
        wished.at = at
        for kept in [kept for kept in self._made if kept.at is None or self.heard.is_over(kept.at, time_s - SETTLED_S)]:
            if kept.at is not None:
                kept.look_up(self.heard)
            self._made.discard(kept)
        self._made.add(wished)

    def _return(
        self, improviser: Improviser, kept: Kept, at: Pass, bars: Bars, limit_s: float
    ) -> tuple[list[NoteEvent], list[Played]]:
        """Feeds what was played then, up to limit_s or to the moment of the first strike."""
        time_s = improviser.time_s
        bar = kept.look_up(self.heard)
        times = self._times(bar, at, bars)
        done = self._fed[1] if self._fed is not None and self._fed[0] == at else None
        if done is None:  # the bar begins, or is entered on the way
            done = sum(moment_s < time_s - EPSILON_S for moment_s in times)
            if done == 0:
                self.returned[at] = kept
                while len(self.returned) > 4 * self.heard.chart_bars:
                    del self.returned[next(iter(self.returned))]
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
        while done < len(times) and times[done] <= limit_s + EPSILON_S:
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
        if improviser.time_s < limit_s - EPSILON_S:
            improviser.wait(limit_s)
        return [event for event, _ in due], [played for _, played in due]

    def _times(self, bar: Bar, at: Pass, bars: Bars) -> list[float]:
        """When each event of a bar that comes back is due, on the grid and within the bar."""
        begin_s, end_s = bars.begin_s(at.bar) + STEP_S, bars.begin_s(at.bar + 1)
        line = at.bar * bars.beats
        moments = (round(bars.timeline.seconds(line + beat) / STEP_S) * STEP_S for beat, _ in bar.events)
        return [min(max(moment_s, begin_s), end_s) for moment_s in moments]

    def _kept_at(self, at: Pass, bars: Bars) -> Kept | None:
        """What comes back in a pass; None where it is new."""
        kept = self._wished_at(at, bars)
        return None if kept is None or kept.at is None or kept.at >= at else kept

    def _wished_at(self, at: Pass, bars: Bars) -> Kept | None:
        """What is to come back in a pass, and may not have been played yet; None where nothing is."""
        ends = bars.begin_s(at.bar + 1) > self.until_s
        return None if ends else self.wishes.at(at).kept.get(at.bar % self.heard.chart_bars)

    def _broken_off(self) -> None:
        """A bar that was kept while it sounded, and broken off, cannot come back; a variation is made anew."""
        self._fed = None
        kept_now = [kept for kept in self.wishes.kept_in(self.heard.run) if kept.bar is None]
        cut = {kept for kept in kept_now if kept.at is not None and not self.heard.is_whole(kept.at)}
        for kept in cut:
            if kept.is_variation:
                kept.at = None
        if lost := {kept for kept in cut if not kept.is_variation}:
            self.wishes.lose(lost)
