"""The order in which the bars of a chart are played: repeats and endings unfolded."""

from __future__ import annotations

from engine.chords.charts.bars import Bar, Refuse

__all__ = ["MAX_BARS", "in_order"]

MAX_BARS = 4096  # played; more is a slip of the pen in a count


def in_order(bars: list[Bar], refuse: Refuse) -> list[int]:
    """Indexes of the bars as they are played: repeats unfolded, of endings the one whose turn it is."""
    endings = _carried(bars)
    played: list[int] = []
    first, turn, at = 0, 1, 0
    while at < len(bars):
        bar = bars[at]
        behind = at > 0 and not endings[at] and (bars[at - 1].ends or bool(endings[at - 1]))
        if at != first and (behind or bar.starts):
            first, turn = at, 1
        if endings[at] and turn not in endings[at]:
            while at < len(bars) and endings[at] and turn not in endings[at]:
                at += 1
            continue
        played.append(at)
        if len(played) > MAX_BARS:
            refuse(at + 1, bar.at, f"the repeats make more than {MAX_BARS} bars: repeat less often")
        if bar.ends and turn < (bar.times or _passes(endings, at)):
            turn, at = turn + 1, first
        else:
            at += 1
    unplayed = sorted(set(range(len(bars))) - set(played))
    if unplayed:
        bar = bars[unplayed[0]]
        reason = "an ending whose turn never comes: write 1. and 2. behind bar lines, and :| behind the first"
        refuse(unplayed[0] + 1, bar.at, reason)
    return played


def _carried(bars: list[Bar]) -> list[frozenset[int]]:
    """The endings of every bar: one goes on up to its repeat sign, where it has one."""
    endings = [bar.endings for bar in bars]
    for at, bar in enumerate(bars):
        if not bar.endings:
            continue
        last = at
        while last < len(bars) and not bars[last].ends:
            last += 1
            if last < len(bars) and (bars[last].endings or bars[last].starts):
                last = len(bars)
        if last < len(bars):
            endings[at : last + 1] = [bar.endings] * (last + 1 - at)
    return endings


def _passes(endings: list[frozenset[int]], at: int) -> int:
    """How often a repeat that ends at a bar is played: as its endings say, else twice."""
    highest = max(endings[at], default=0)
    while at + 1 < len(endings) and endings[at + 1]:
        at += 1
        highest = max(highest, *endings[at])
    return max(highest, 2)
