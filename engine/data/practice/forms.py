"""Chord charts: a form strings sections together (`AABA`), each an expansion of a rule of the grammar.

A section keeps its chords when it comes again, save for their colours: a 7 may return as 13, 7b9 or its tritone
substitute, as players vary them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from engine.chords import Chart, Chord, ChordSpan, parse_chord
from engine.data.practice.hands.dice import Dice
from engine.data.practice.rules import RULES
from engine.metre import Metre

__all__ = ["FAMILIES", "Bar", "Family", "chart_of", "coloured", "expand", "final_bar", "make_chart"]

Cell = tuple[int, str, int | None]  # root, quality, bass
Bar = tuple[Cell, ...]


@dataclass(frozen=True)
class Family:
    """Charts of one kind."""

    forms: tuple[str, ...]  # the order of sections, then the rule of A, B, C
    finals: tuple[str, ...]  # the last bar, in C
    palette: str  # of _COLOURS
    substitutes: float = 0.0  # how often a dominant that resolves becomes its tritone substitute


_MAJOR, _MINOR = ("Cmaj7", "C6", "Cmaj9"), ("Cm6", "CmMaj7", "Cm9", "Cm")
_BLUES, _POP = ("C13", "C7", "C9"), ("C", "C6")

FAMILIES: dict[str, Family] = {
    "blues": Family(("A blues12", "A blues12", "AA blues8"), _BLUES, "jazz", 0.06),
    "minor blues": Family(("A bluesm12",), _MINOR, "jazz", 0.05),
    "rhythm": Family(("AABA rhythm8 bridge8",), ("C6", "Cmaj7"), "jazz", 0.1),
    "standard": Family(
        (
            "AABA part8 bridge8", "ABAC part8 part8 part8", "ABAC circle8 part8 chain8", "AB circle8 chain8",
            "AABA part8 cycle8", "AB chain8 part8",
        ),
        _MAJOR, "jazz", 0.07,
    ),
    "minor standard": Family(
        ("AABA partm8 bridgem8", "ABAC partm8 bridgem8 partm8", "AAB partm8 bridgem8"), _MINOR, "jazz", 0.05
    ),
    "cycle": Family(("AB cycle8 part8", "AB chain8 cycle8"), _MAJOR, "jazz"),
    "modal": Family(("AABA vamp8 vamp8", "AB vamp8 vamp8", "AAB vamp8 partm8@2"), ("Dm7",), "modal"),
    "ballad": Family(
        ("AABA ballad8 bridge8", "AB ballad8 ballad8", "ABAC ballad8 part8 ballad8"), _MAJOR, "rich", 0.05
    ),
    "pop": Family(("AABB pop8 pop8", "AAB pop8 pop8", "ABAB pop8 pop8"), _POP, "pop"),
    "soul": Family(("AABA soul8 soul8", "AA soul8", "AB soul8 soul8"), ("Cmaj9", "C6", "Cm9", "C"), "rich"),
    "bossa": Family(("AABA bossa8 bossa8", "AB bossa8 bossa8", "AABA bossa8 part8"), _MAJOR, "rich"),
}  # fmt: skip

Weights = tuple[tuple[float, str], ...]

# What players read a symbol as. "7>" resolves down a fifth to major, "7>m" to minor, "7" stays or moves otherwise.
_JAZZ: dict[str, Weights] = {
    "maj7": ((7, "maj7"), (2, "6"), (2, "maj9")),
    "6": ((5, "6"), (2, "maj7"), (1, "maj9")),
    "m7": ((8, "m7"), (2, "m9")),
    "m6": ((5, "m6"), (2, "mMaj7"), (1, "m")),
    "m7b5": ((9, "m7b5"), (1, "dim")),
    "dim7": ((7, "dim7"), (1, "dim")),
    "7>": (
        (6, "7"), (2, "9"), (2, "13"), (1.4, "7b9"), (0.7, "7sus4"), (0.8, "7#5"), (0.6, "7#11"), (0.5, "7#9"),
        (0.3, "aug")
    ),
    "7>m": ((3, "7"), (4, "7b9"), (1.5, "7#9"), (2, "7#5"), (0.3, "aug")),
    "7": ((6, "7"), (2, "9"), (2, "13"), (1, "7#11"), (0.3, "7#9")),
}  # fmt: skip
_COLOURS: dict[str, dict[str, Weights]] = {
    "jazz": _JAZZ,
    "rich": {
        **_JAZZ,
        "maj7": ((4, "maj7"), (1, "6"), (4, "maj9")),
        "m7": ((4, "m7"), (4, "m9")),
        "7>": ((2, "7"), (3, "9"), (3, "13"), (2, "7b9"), (2, "7sus4"), (1.5, "7#5"), (1, "7#11"), (1, "7#9")),
    },
    "modal": {
        "m7": ((6, "m7"), (2, "m9"), (0.7, "m")),
        "maj7": ((2, "maj7"), (1, "maj9")),
        "7sus4": ((5, "7sus4"), (1, "sus4")),
    },
    "pop": {
        "": ((12, ""), (0.8, "sus2"), (0.6, "sus4"), (1, "5")),
        "m": ((9, "m"), (2, "m7")),
        "7sus4": ((2, "7sus4"), (1, "sus4")),
        "7>": ((3, "7"), (1, "7sus4")),
    },
}

_DOMINANTS = frozenset({"7", "9", "13", "7b9"})
_MINORS = frozenset({"m", "m6", "m7", "mMaj7", "m9", "m7b5"})
_RULE = re.compile(r"<([a-z]+\d+)(?:@(\d+))?>")


def make_chart(dice: Dice, family: Family, beats_per_bar: int, bars: int) -> Chart:
    """A chart in any key: the form over and over, cut at a section once it has that many bars, then one bar of home."""
    order, *names = dice.pick(family.forms).split()
    sections = {letter: expand(dice, name) for letter, name in zip(sorted(set(order)), names, strict=True)}
    played: list[Bar] = []
    while len(played) < bars:
        for letter in order:
            if len(played) < bars:
                played += coloured(dice, sections[letter], family)
    key = int(dice.random() * 12)
    return chart_of([*played, final_bar(dice, family, sections[order[0]])], key, beats_per_bar)


def final_bar(dice: Dice, family: Family, opening: list[Bar]) -> Bar:
    """Home, minor where the piece opens in minor; a modal piece comes back to its opening chord."""
    home, first = family.finals, opening[0]
    if family.palette == "modal":
        return first[:1]
    if first[0][0] == 0 and first[0][1] in _MINORS:
        home = _MINOR
    return _read_bar(dice.pick(home))


def expand(dice: Dice, name: str) -> list[Bar]:
    """One expansion of a rule (`cad4`, `cad4@5`): its bars, `%` written out."""
    name, _, up = name.partition("@")
    bars: list[Bar] = []
    for text in _split(dice.pick(RULES[name])):
        nested = _RULE.fullmatch(text)
        if nested:
            bars += expand(dice, nested[1] + (f"@{nested[2]}" if nested[2] else ""))
        else:
            bars.append(bars[-1] if text == "%" else _read_bar(text))
    return [_up(bar, int(up)) for bar in bars] if up else bars


@cache
def _split(rule: str) -> tuple[str, ...]:
    return tuple(text.strip() for text in rule.split("|"))


@cache
def _read_bar(text: str) -> Bar:
    chords = [parse_chord(word) for word in text.split()]
    return tuple((chord.root, chord.quality, chord.bass) for chord in chords if chord is not None)


def _up(bar: Bar, semitones: int) -> Bar:
    return tuple(
        ((root + semitones) % 12, quality, None if bass is None else (bass + semitones) % 12)
        for root, quality, bass in bar
    )


def coloured(dice: Dice, bars: list[Bar], family: Family) -> list[Bar]:
    """The section as played this time."""
    table = _COLOURS[family.palette]
    flat = [cell for bar in bars for cell in bar]
    out: list[Cell] = []
    for at, (root, quality, bass) in enumerate(flat):
        to_root, to_quality, _ = flat[(at + 1) % len(flat)]
        resolves = to_root == (root + 5) % 12
        if at and flat[at - 1] == (root, quality, bass) and not dice.chance(0.3):
            out.append(out[-1])  # a chord that goes on mostly keeps its colour
            continue
        if resolves and bass is None and quality in _DOMINANTS and dice.chance(family.substitutes):
            out.append(((root + 6) % 12, dice.pick(("7", "9", "13", "7#11")), None))
            continue
        kind = quality
        if quality == "7" and resolves:
            kind = "7>m" if to_quality in _MINORS and "7>m" in table else "7>"
        if kind in table and dice.chance(0.6):
            quality = dice.weigh(table[kind])
        out.append((root, quality, bass))
    rest = iter(out)
    return [tuple(next(rest) for _ in bar) for bar in bars]


_SHARES = {
    (4, 1): (4,), (4, 2): (2, 2), (4, 3): (2, 1, 1), (4, 4): (1, 1, 1, 1), (3, 1): (3,), (3, 2): (2, 1),
    (3, 3): (1, 1, 1), (5, 1): (5,), (5, 2): (3, 2), (5, 3): (3, 1, 1), (5, 4): (2, 1, 1, 1),
}  # fmt: skip


def chart_of(bars: list[Bar], key: int, beats_per_bar: int) -> Chart:
    spans: list[ChordSpan] = []
    for number, bar in enumerate(bars):
        cells = _up(bar, key)[:beats_per_bar]
        beat = float(number * beats_per_bar)
        for (root, quality, bass), share in zip(cells, _SHARES[beats_per_bar, len(cells)], strict=True):
            spans.append(ChordSpan(beat, beat + share, _chord(root, quality, bass)))
            beat += share
    return Chart(tuple(spans), len(bars), Metre(beats_per_bar, 4))


@cache
def _chord(root: int, quality: str, bass: int | None) -> Chord:
    return Chord(root, quality, bass)
