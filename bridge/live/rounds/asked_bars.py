"""What the player asks of the bars of a chart that goes round: to come back, to be new, to have a density of their own.

It holds from the next bar line on. What lies ready there is made anew, so that the rounds play what is wished for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.errors import ModeError
from bridge.live import commands
from bridge.live.playing.context import Context
from bridge.live.rounds.bars import bars_text, chosen_bars, parse_bars
from bridge.live.rounds.densities import parse_density
from bridge.live.rounds.heard import Pass
from bridge.live.rounds.rounds import Rounds
from bridge.live.rounds.variations import Kept

__all__ = ["AskedBars"]

_FAR = 1 << 40  # a bar beyond all


class AskedBars:
    """Obeys what is asked of one chart's bars. The session thread owns it."""

    def __init__(self, context: Context, rounds: Rounds) -> None:
        """rounds: the chart's."""
        self._ahead, self._clock = context.ahead, context.clock
        self._report, self._observer = context.report, context.observer
        self._rounds, self._heard, self._wishes = rounds, rounds.heard, rounds.wishes

    def obey(self, command: commands.OfBars) -> None:
        """Does what is asked, and says what came of it. ModeError: the chart has no such bars, or not that of them."""
        if isinstance(command, commands.DrawDensity):
            self._draw(*parse_density(command.text))
            return
        now_s = from_s = self._ahead.improviser.time_s  # what sounds; from where on the stream can still be another
        if self._ahead.playing:
            now_s, from_s = self._ahead.stream_s(self._clock()), self._ahead.free_s
        match command:
            case commands.KeepBars(bars):
                said = self._keep(parse_bars(bars), now_s, from_s)
            case commands.PlayAgain(bars):
                said = self._again(parse_bars(bars), from_s)
            case commands.ChooseVariation(number, bars):
                said = self._choose(number, parse_bars(bars), now_s, from_s)
            case commands.UndoBars():
                said = self._undo(from_s)
            case _:
                raise AssertionError(f"{command!r}: nobody does it")
        if self._ahead.playing and self._heard.bars is not None:
            self._ahead.make_anew(self._heard.bars.line_after_s(from_s))
        self._report("note", said)
        self._tell_kept()

    def tell(self) -> None:
        """Tells the observer which bars come back, and what is drawn over them."""
        self._tell_kept()
        self._observer.drawn(self._rounds.densities.drawn)

    def _tell_kept(self) -> None:
        """Bars count from 1 here, and of each that has variations: which comes back, 0 for none, and all numbers."""
        wish = self._wishes.last
        variations = {
            bar + 1: (wish.number(bar), tuple(sorted(own))) for bar, own in sorted(wish.variations.items()) if own
        }
        self._observer.kept(tuple(bar + 1 for bar in sorted(wish.kept)), self._wishes.can_undo, variations)

    # Bars that are given count from 1; none given means all of them.

    def _draw(self, text: str, density: float | str) -> None:
        """It holds for whatever can still be another, in the midst of a bar, too."""
        bars = parse_bars(text)
        self._report("note", self._rounds.densities.draw(bars, density))
        if self._ahead.playing and self._lies_ready(bars, self._ahead.free_s, self._ahead.improviser.time_s):
            self._ahead.make_anew(self._ahead.free_s)
        self._observer.drawn(self._rounds.densities.drawn)

    def _keep(self, bars: Collection[int], now_s: float, from_s: float) -> str:
        latest = self._heard.latest(now_s)
        chosen = chosen_bars(bars, self._heard.chart_bars, latest)
        if not latest:
            raise ModeError("there is nothing to keep yet: let a bar go by from its beginning to its end")
        if missing := chosen - set(latest):
            raise ModeError(f"{_text(missing)} cannot be kept: not heard yet, or heard too long ago; let it come round")
        new = {bar: self._as_heard(bar, latest[bar], now_s) for bar in chosen}
        wish = self._wishes.last
        self._wishes.change(wish.keeping({**wish.kept, **new}), self._from(from_s))
        return f"{_text(chosen)} kept{self._not_the_one_that_sounds(latest, chosen, now_s)}"

    def _again(self, bars: Collection[int], from_s: float) -> str:
        wish = self._wishes.last
        chosen = chosen_bars(bars, self._heard.chart_bars, wish.kept) & set(wish.kept)
        if not chosen:
            raise ModeError("nothing of that is kept: every round of it is new; /sideman/keep keeps what was heard")
        others = {bar: kept for bar, kept in wish.kept.items() if bar not in chosen}
        self._wishes.change(wish.keeping(others), self._from(from_s))
        return f"{_text(chosen)} again"

    def _choose(self, number: int, bars: Collection[int], now_s: float, from_s: float) -> str:
        """The first variation is what was heard last; one that was never played is made where its bar comes next."""
        chosen = chosen_bars(bars, self._heard.chart_bars)
        heard = {bar: at for bar, at in self._heard.latest(now_s).items() if bar in chosen}
        wish = self._wishes.last.choosing(
            number, sorted(chosen), {bar: self._as_heard(bar, at, now_s) for bar, at in heard.items()}
        )
        self._wishes.change(wish, self._from(from_s))
        new = [bar for bar in chosen if wish.kept[bar].at is None]
        made = f", {_text(new)} made where {'it comes' if len(new) == 1 else 'they come'}" if new else ""
        return f"{_text(chosen)}: variation {number}{made}"

    def _undo(self, from_s: float) -> str:
        self._wishes.undo(self._from(from_s))
        kept = self._wishes.last.kept
        return f"{_text(kept)} kept" if kept else "nothing kept"

    def _as_heard(self, bar: int, at: Pass, now_s: float) -> Kept:
        """A pass that was heard, or what came back in it."""
        kept = self._rounds.returned.get(at) or self._wishes.last.find(bar, at) or Kept(at)
        if kept.at is not None and self._heard.is_over(kept.at, now_s):
            kept.look_up(self._heard)
        return kept

    def _not_the_one_that_sounds(self, latest: Mapping[int, Pass], chosen: Collection[int], now_s: float) -> str:
        """Says so where a bar is kept as it was a round ago, while it sounds anew and is not half over."""
        if self._heard.bars is None:
            return ""
        at = Pass(self._heard.run, self._heard.bars.at(now_s))
        bar = at.bar % self._heard.chart_bars
        if bar not in chosen or latest[bar] == at or at in self._rounds.returned:
            return ""
        return f", {_text([bar])} as it was before the one that sounds now"

    def _lies_ready(self, bars: Collection[int], from_s: float, to_s: float) -> bool:
        """Tells whether any of these bars lies between two stream seconds."""
        lie = self._heard.bars
        if lie is None:
            return False
        numbers = range(lie.at(from_s), lie.at(to_s) + 1)
        return any(not bars or number % self._heard.chart_bars + 1 in bars for number in numbers)

    def _from(self, from_s: float) -> Pass:
        """The first pass that begins after from_s."""
        bars = self._heard.bars
        return Pass(self._heard.run, _FAR if bars is None else bars.at(from_s) + 1)


def _text(bars: Collection[int]) -> str:
    return bars_text([bar + 1 for bar in bars])
