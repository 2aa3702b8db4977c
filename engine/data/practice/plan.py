"""The plan of a whole performance: intro, heads that return, choruses between them, a tag, and the last chord."""

from __future__ import annotations

from dataclasses import dataclass

from engine.chords import Chart
from engine.data.practice.forms import Bar, Family, chart_of, coloured, expand, final_bar
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.scales import Harmony

__all__ = ["Plan", "Section", "last_tones", "make_plan"]

MOST_CHORUSES = 6
OUT_LATE = 0.6  # share of last choruses that are soloed on until the head comes in with the last part of the form


@dataclass(frozen=True)
class Section:
    """Bars first .. first + bars - 1. kind: intro, head, solo, trade, shout, tag or end; letter: of the form, else
    empty; chorus: 0 the first; heat: 0..1 how far the music has risen."""

    kind: str
    letter: str
    first: int
    bars: int
    chorus: int
    heat: float

    @property
    def stop(self) -> int:
        return self.first + self.bars


def last_tones(harmony: Harmony) -> frozenset[int]:
    """Returns the pitch classes that may sound at the end: what fits the last chord, and the ninth of its voicings."""
    last = harmony.palettes[-1]
    return last.held | {(last.root + 2) % 12}


@dataclass(frozen=True)
class Plan:
    """A chart and what is played where; the sections fill it."""

    chart: Chart
    sections: tuple[Section, ...]


def make_plan(dice: Dice, family: Family, beats_per_bar: int, bars: int) -> Plan:
    """A performance of about that many bars, in any key. A head's sections keep their chords to the colour."""
    order, *names = dice.pick(family.forms).split()
    rules = {letter: expand(dice, name) for letter, name in zip(sorted(set(order)), names, strict=True)}
    themes = {letter: coloured(dice, rule, family) for letter, rule in rules.items()}
    form_bars = sum(len(rules[letter]) for letter in order)
    choruses = min(MOST_CHORUSES, max(1, round(bars / form_bars)))
    kinds = _choruses(dice, choruses)
    late = len(order) // 2 if len(order) > 2 and dice.chance(OUT_LATE) else 0  # sections of the last chorus
    played: list[Bar] = []
    sections: list[Section] = []

    def add(kind: str, letter: str, chorus: int, heat: float, music: list[Bar]) -> None:
        sections.append(Section(kind, letter, len(played), len(music), chorus, heat))
        played.extend(music)

    if dice.chance(0.5):
        add("intro", "", 0, 0.1, _intro(dice, family, themes[order[0]]))
    for chorus, kind in enumerate(kinds):
        for place, letter in enumerate(order):
            through = (chorus + place / len(order)) / len(kinds)
            now = "solo" if 0 < chorus == len(kinds) - 1 and place < late else kind
            heat = min(1.0, through / 0.7) if now != "head" or not chorus else 0.55
            add(now, letter, chorus, heat, themes[letter] if now == "head" else coloured(dice, rules[letter], family))
    if dice.chance(0.45):
        add("tag", "", len(kinds) - 1, 0.4, _tag(dice, family, played))
    add("end", "", len(kinds) - 1, 0.3, [final_bar(dice, family, rules[order[0]])])
    return Plan(chart_of(played, int(dice.random() * 12), beats_per_bar), tuple(sections))


def _choruses(dice: Dice, count: int) -> list[str]:
    """The head first and last; between them solos that build, and late in a long piece trading or a shout."""
    if count == 1:
        return ["head"]
    if count == 2:
        return ["head", dice.pick(("head", "solo", "solo"))]
    middle = ["solo"] * (count - 2)
    if dice.chance(0.55):
        middle[-1] = dice.pick(("shout", "trade"))
        if count > 4 and dice.chance(0.5):
            middle[-2:] = ["trade", "shout"]
    return ["head", *middle, "head"]


def _intro(dice: Dice, family: Family, opening: list[Bar]) -> list[Bar]:
    """Four bars: a turnaround, or the first bars of the piece."""
    if family.palette in ("jazz", "rich") and dice.chance(0.6):
        return coloured(dice, [*expand(dice, "turn2"), *expand(dice, "turn2")], family)
    return [*opening[:2], *opening[:2]] if dice.chance(0.4) or len(opening) < 4 else opening[:4]


def _tag(dice: Dice, family: Family, played: list[Bar]) -> list[Bar]:
    """The last bars again, or a turnaround that goes round."""
    if family.palette in ("jazz", "rich") and dice.chance(0.6):
        turn = coloured(dice, expand(dice, "turn2"), family)
        return turn * dice.pick((1, 2, 2))
    return played[-2:] if dice.chance(0.5) else played[-4:]
