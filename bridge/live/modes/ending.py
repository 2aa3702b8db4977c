"""The way home: a last chord at a bar line, held, let go, and rest after it."""

from __future__ import annotations

from bridge.live.modes.judging import Situation, next_bar_s
from bridge.live.playing.context import Context
from bridge.live.playing.felt_stream import grid
from bridge.live.playing.timeline import StreamTimeline
from engine.chords.charts.home import home_beat
from engine.vocabulary import STEP_S

__all__ = ["Ending"]

BAR_S = 2.0  # where no beat is known
AHEAD_S = 0.25  # from the decision to the last chord, at least: what leads there has to be made
HOLD_S = 1.5  # at least


class Ending:
    """Brings the music home. The session thread owns it."""

    def __init__(self, context: Context) -> None:
        self._ahead, self._report = context.ahead, context.report
        self._at_s: float | None = None  # stream second of the last chord; None: the music goes on
        self._hold_s = 0.0
        self._timeline: StreamTimeline | None = None  # that at_s was reckoned with

    def begin(self, bars: int, situation: Situation) -> bool:
        """Goes home in so many bars, 0: at the end of the round, or at the next bar line. Returns False at rest."""
        if not self._ahead.playing:
            return False

        def prepare(from_s: float) -> None:
            self._lay(_target_s(bars, situation, self._ahead.origin_s, from_s + AHEAD_S), situation)

        self._ahead.change(prepare)
        where = "1 bar" if bars == 1 else f"{bars} bars" if bars else "this round"
        self._report("note", f"going home: the last chord comes at the end of {where}")
        return True

    def step(self, situation: Situation, now_us: int) -> bool:
        """Keeps to the beat. Returns whether the music has come home and been let go."""
        if self._at_s is None:
            return False
        if not self._ahead.playing:
            self.silenced()
            return False
        now_s = self._ahead.stream_s(now_us)
        if now_s >= self._at_s + self._hold_s:
            return True
        if self._ahead.timeline != self._timeline and now_s + AHEAD_S < self._at_s:
            at_s = self._at_s
            self._ahead.change(lambda from_s: self._lay(self._moved_s(at_s, situation, from_s + AHEAD_S), situation))
        return False

    def resume(self) -> None:
        """Has another stream come home as the one before would have; where that has its last chord, it plays on."""
        if self._at_s is not None and grid(self._at_s) > self._ahead.improviser.time_s + STEP_S / 2:
            self._ahead.bring_home(self._at_s, self._hold_s)
        else:
            self.give_up()

    def silenced(self) -> None:
        """Hears that nothing plays any more that could come home."""
        if self._at_s is not None:
            self._report("note", "the ending is off: the music fell silent on the way")
            self.give_up()

    def give_up(self) -> None:
        """Plays on instead of going home."""
        if self._at_s is not None:
            self._at_s = None
            self._ahead.bring_home(None)

    def _lay(self, at_s: float, situation: Situation) -> None:
        bar_s = BAR_S if situation.tempo_bpm is None else situation.beats_per_bar * 60.0 / situation.tempo_bpm
        self._at_s, self._hold_s, self._timeline = at_s, max(bar_s, HOLD_S), self._ahead.timeline
        self._ahead.bring_home(at_s, self._hold_s)

    def _moved_s(self, at_s: float, situation: Situation, from_s: float) -> float:
        """The same beat of a chart where the beat lies elsewhere now; else the bar line that is next by then."""
        before, now = self._timeline, self._ahead.timeline
        if situation.chart is not None and before is not None and now is not None:
            moved_s = now.seconds(before.beat(at_s))
            if moved_s >= from_s:
                return moved_s
        return next_bar_s(self._ahead.origin_s, situation, max(at_s, from_s))


def _target_s(bars: int, situation: Situation, origin_s: float, from_s: float) -> float:
    """Where the last chord falls, not before from_s. origin_s: of the beat, where the chart begins."""
    if situation.tempo_bpm is None:
        return from_s + bars * BAR_S
    beat_s = 60.0 / situation.tempo_bpm
    if situation.chart is None or bars:
        return next_bar_s(origin_s, situation, from_s) + max(bars - 1, 0) * situation.beats_per_bar * beat_s
    home, beats = home_beat(situation.chart), situation.chart.beats
    rounds = max(0.0, -((origin_s + home * beat_s - from_s) / beat_s // beats))  # the fewest after which it lies ahead
    return origin_s + (home + rounds * beats) * beat_s
