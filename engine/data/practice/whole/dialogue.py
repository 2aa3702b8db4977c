"""How the hands leave each other room: words of the left hand in the right hand's rests, and rests of both at once."""

from __future__ import annotations

import numpy as np

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.plan import Plan
from engine.data.practice.whole import modern

__all__ = ["breathe", "converse", "keep_apart", "lay_out"]

Spans = list[tuple[float, float]]
"""Beats (first, stop)."""

SHORTEST_REST = 0.4  # beats of the right hand's that are a breath
NEAR = 0.1  # beats by which hands may stray from each other
BREATHS = (0.5, 1.0, 1.0, 1.5, 2.0)  # beats that both hands rest for at most


def converse(dice: Dice, harmony: Harmony, plan: Plan, left: Part, right: Part) -> Spans:
    """The left hand answers: whole fours where they are traded, a word in some of the right hand's rests elsewhere.

    Returns where it does.
    """
    meter, floor = plan.chart.beats_per_bar, min(right.pitch, default=62) - 1
    high = min(62, floor)
    rests = _rests(right, 1.75)
    talkative = dice.pick((0.0, 0.25, 0.6))
    spoken: Spans = []
    for section in plan.sections:
        first, stop = float(section.first * meter), float(section.stop * meter)
        if section.kind == "trade":
            for bar in range(section.first + 4, section.stop, 8):
                for two in range(bar, min(bar + 4, section.stop), 2):
                    start, end = float(two * meter), float(min(two + 2, section.stop) * meter)
                    modern.answer(dice, harmony, left, start, end - 1.0, high)
                    spoken.append((start, end))
        elif section.kind in ("head", "solo"):
            for rest, until in rests:
                if not first <= rest or not until < stop:
                    continue
                start, end = float(np.ceil(rest + 0.25)), float(np.floor(until))
                if end - start >= 1.0 and dice.chance(talkative):
                    end = min(end, start + 4.0)
                    modern.answer(dice, harmony, left, start, end, high)
                    spoken.append((start, end))
    return spoken


def lay_out(dice: Dice, plan: Plan, left: Part, share: float) -> None:
    """The left hand leaves the right hand alone for two to four bars, in that share of a solo's four bars.

    In a third of that share of a returning head's.
    """
    meter = plan.chart.beats_per_bar
    for section in plan.sections:
        often = share if section.kind == "solo" else share / 3 if section.kind == "head" and section.chorus else 0.0
        for bar in range(section.first, section.stop - 3, 4) if often else ():
            if dice.chance(often):
                start, stop = float(bar * meter), float((bar + dice.pick((2, 2, 3, 4))) * meter)
                left.rest(start, stop)


def breathe(dice: Dice, left: Part, right: Part, share: float, spoken: Spans) -> None:
    """After some of the right hand's phrases both hands rest: the left lets go, and what it would strike waits.

    share: of the rests that the left hand does not speak in.
    """
    onset, length = np.array(left.onset), np.array(left.length)
    stays = np.ones(len(onset), dtype=bool)
    for start, until in _rests(right, SHORTEST_REST):
        if not dice.chance(share) or any(first < until and stop > start for first, stop in spoken):
            continue
        stop = min(until, np.ceil(2.0 * (start + dice.pick(BREATHS))) / 2.0)
        rings = (onset < start - 0.1) & (onset + length > start)
        length[rings] = start - onset[rings]
        waits = stays & (onset >= start - 0.1) & (onset < stop - 0.3)
        if not waits.any():
            continue
        due = waits & (onset == onset[waits].max()) & (onset + length > stop + 0.4)
        taken = stays & (onset >= stop - 0.3) & (onset < stop + 0.4)
        if due.any() and not taken.any():  # the chord that is in force comes in after the rest
            length[due] -= stop - onset[due]
            onset[due] = stop
            waits &= ~due
        stays &= ~waits
    left.onset, left.length = onset.tolist(), length.tolist()
    left.keep(np.flatnonzero(stays).tolist())


def keep_apart(left: Part, right: Part) -> None:
    """Leaves out what the left hand would hold at or above a note that the right hand holds."""
    first, stop = np.array(left.onset) - NEAR, np.array(left.onset) + np.array(left.length) + NEAR
    begins, ends = np.array(right.onset), np.array(right.onset) + np.array(right.length)
    together = (first[:, None] < ends) & (stop[:, None] > begins)
    crossing = (together & (np.array(left.pitch)[:, None] >= np.array(right.pitch))).any(axis=1)
    if crossing.any():
        left.keep(np.flatnonzero(~crossing).tolist())


def _rests(part: Part, shortest: float) -> Spans:
    """Where nothing of a hand sounds between two of its notes, in order."""
    if len(part.onset) < 2:
        return []
    onsets = np.array(part.onset)
    order = np.argsort(onsets, kind="stable")
    onsets, ends = onsets[order], np.maximum.accumulate((onsets + np.array(part.length))[order])
    gaps = np.flatnonzero(onsets[1:] - ends[:-1] >= shortest)
    return [(float(ends[gap]), float(onsets[gap + 1])) for gap in gaps]
