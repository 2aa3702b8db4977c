"""What auto stands for while the music plays: the engine's judgement of what is known, told at bar lines."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.live.playing.context import Context
from bridge.live.playing.turns import Tell
from engine.chords import Chart
from engine.judgement import arc, auto_values, judge
from engine.solo.both_hands import has_both
from engine.vocabulary import STEP_S

__all__ = ["Judging", "Situation", "next_bar_s"]

PHRASE_BARS: Final = 4  # a solo's height is told anew so often
SOON_S: Final = 0.02  # a bar line nearer than this to the handover is the next one's business


_Judged = tuple[dict[str, str | float], bool]
"""What auto stands for, and whether the music is to have both hands."""


@dataclass(frozen=True)
class Situation:
    """What a judgement goes by, but for what the player has asked for."""

    mode: str  # of the parameter table
    builds: bool  # see Mode
    chart: Chart | None
    tempo_bpm: float | None
    beats_per_bar: int


class Judging:
    """Judges, and tells the stream. The session thread owns it."""

    def __init__(self, context: Context) -> None:
        self._ahead, self._knobs = context.ahead, context.knobs
        self._known: tuple[Situation, int, Mapping[str, object]] | None = None  # that was judged last
        self._judged_last: _Judged = {}, False  # what came of it

    def begin(self, situation: Situation) -> None:
        """Judges anew before a start, from the stream's present on."""
        self._judged_last = self._judged(situation, 0)
        self._ahead.turns.begin(self._tell(self._judged_last))

    def look(self, situation: Situation, now_us: int) -> None:
        """Judges anew if something has changed, from the next bar line on. Call it only while playing."""
        origin_s = self._ahead.origin_s
        from_s = self._ahead.stream_s(now_us + self._ahead.margin_us) + SOON_S
        bar_s = next_bar_s(origin_s, situation, from_s)
        judged = self._judged(situation, _phrase(situation, bar_s - origin_s))
        if judged == self._judged_last:
            return
        self._judged_last = judged
        # A step before, so that the bar line itself is played under it.
        self._ahead.plan(bar_s - STEP_S, self._tell(judged))

    def go_on(self, situation: Situation) -> None:
        """Judges anew for another stream, from where it has taken over. Call it only while playing."""
        at_s = self._ahead.improviser.time_s
        self._judged_last = self._judged(situation, _phrase(situation, at_s + STEP_S - self._ahead.origin_s))
        self._ahead.turns.plan(at_s, self._tell(self._judged_last))

    def _judged(self, situation: Situation, phrase: int) -> _Judged:
        asked = self._knobs.asked
        if (situation, phrase, asked) == self._known:
            return self._judged_last
        self._known = (situation, phrase, asked)
        judgement = judge(
            situation.chart, situation.tempo_bpm,
            beats_per_bar=situation.beats_per_bar, mode=situation.mode, asked=asked,
            height=arc((phrase + 0.5) * PHRASE_BARS) if situation.builds else 0.0,
        )  # fmt: skip
        values = auto_values(judgement, self._ahead.improviser.controls)
        return values, has_both(values, asked)

    def _tell(self, judged: _Judged) -> Tell:
        def tell() -> None:
            values, self._ahead.calls_hands = judged
            self._ahead.improviser.set_auto(values)

        return tell


def _phrase(situation: Situation, played_s: float) -> int:
    """Which phrase of a chart begins, or goes on, after so many seconds of it; 0 where there is no chart."""
    if situation.chart is None or situation.tempo_bpm is None:
        return 0
    bars = played_s * situation.tempo_bpm / 60.0 / situation.beats_per_bar
    return max(0, math.floor(bars / PHRASE_BARS + 1e-6))


def next_bar_s(origin_s: float, situation: Situation, from_s: float) -> float:
    """The first bar line from a stream second on; that second itself where no beat is known."""
    if situation.tempo_bpm is None:
        return from_s
    bar_s = situation.beats_per_bar * 60.0 / situation.tempo_bpm
    return origin_s + math.ceil((from_s - origin_s) / bar_s - 1e-6) * bar_s
