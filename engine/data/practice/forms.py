"""Chord charts from a grammar of forms: every rule below is text in C that a musician can check.

A rule is a row of bars, `|` between them; `%` repeats a bar; `<name>` stands for any expansion of that rule, `<name@5>`
for the same five semitones up. A rule's name ends with its number of bars. A form strings sections together (`AABA`);
a section keeps its chords when it comes again, save for their colours: a 7 may return as 13, 7b9 or its tritone
substitute, as players vary them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from engine.chords import Chart, Chord, ChordSpan, parse_chord
from engine.data.practice.dice import Dice

__all__ = ["FAMILIES", "RULES", "Family", "expand", "make_chart"]

Cell = tuple[int, str, int | None]  # root, quality, bass
Bar = tuple[Cell, ...]

RULES: dict[str, tuple[str, ...]] = {
    # Cadences and turnarounds, major.
    "cad2": (
        "Dm7 G7 | Cmaj7", "Dm7 G7 | C6", "Dm7 Db7 | Cmaj7", "Fm7 Bb7 | Cmaj7", "Dm7b5 G7b9 | C6", "D7 G7 | Cmaj7",
        "G7sus4 G7 | Cmaj7", "Dm7/G G7 | C6", "Fmaj7 Fm6 | C/G", "Ab7 G7 | Cmaj7", "Dm9 G13 | Cmaj9",
    ),
    "cad4": (
        "Dm7 | G7 | Cmaj7 | %", "Dm7 | G7 | Cmaj7 | C6", "<cad2> | <turn2>", "Dm7 | G7 | <turn2>",
        "Fmaj7 | Bb7 | Cmaj7 | A7", "Dm7 | Db7 | Cmaj7 | %", "D7 | Dm7 G7 | C6 | %", "Fm7 | Bb7 | Cmaj7 | %",
        "Dm7 Eb7 | Abmaj7 B7 | Emaj7 G7 | Cmaj7", "Em7b5 | A7b9 | Dm7 G7 | Cmaj7", "Dm7 | Fm6 | Em7 A7 | Dm7 G7",
    ),
    "turn2": (
        "Cmaj7 Am7 | Dm7 G7", "Em7 A7 | Dm7 G7", "C6 A7 | D7 G7", "Cmaj7 Ebmaj7 | Abmaj7 Dbmaj7",
        "C6 C#dim7 | Dm7 D#dim7",
        "Em7 Ebdim7 | Dm7 Db7", "C/E Ebdim7 | Dm7 G7sus4", "Em7 Eb7 | Dm7 Db7", "C6 Bb7 | A7 G7#5",
        "Cmaj7 A7#5 | Dm9 G7b9",
        "Cmaj7 Dm7 Em7 Ebdim7 | Dm7 G7", "C6 A7b9 | Dm7 G7#5",
    ),
    "home2": ("Cmaj7 | %", "Cmaj7 | C6", "Cmaj7 | Dm7 G7", "Cmaj7 Dm7 | Em7 A7", "C6 | Cmaj9", "Cmaj7 F7 | Em7 A7"),
    "open4": (
        "<home2> | <cad2>", "<turn2> | <turn2>", "Cmaj7 | Em7 A7 | Dm7 | G7", "C6 | E7 | A7 | %",
        "Cmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7",
        "C6 | C7/E | F6 | F#dim7", "C Caug | C6 C7 | Fmaj7 | Bb7", "Cmaj7 | C#dim7 | Dm7 | D#dim7",
        "Cmaj7 | Bm7b5 E7b9 | Am7 | D7",
        "Cmaj7 | Eb7 | Dm7 | G7", "C6 | % | D7 | %", "Cmaj7 | Fm7 Bb7 | Em7 | A7b9",
    ),
    "part8": ("<open4> | <cad4>", "<open4> | <cad2> | <turn2>", "<home2> | <cad2@5> | <cad4>"),
    "bridge8": (
        "E7 | % | A7 | % | D7 | % | G7 | %", "Bm7 | E7 | Em7 | A7 | Am7 | D7 | Dm7 | G7",
        "E7 | Bb7 | A7 | Eb7 | D7 | Ab7 | G7 | Db7",
        "Gm7 | C7 | Fmaj7 | % | Am7 | D7 | Dm7 | G7", "<cad4@5> | <cad4@3>", "<cad4@8> | Am7 | D7 | Dm7 | G7",
        "<cad4@4> | <cad4>",
        "<minor4@9> | D7 | % | Dm7 | G7", "Cm7 | F7 | Bbmaj7 | % | Bbm7 | Eb7 | Abmaj7 | G7",
    ),
    # Minor.
    "cadm2": ("Dm7b5 G7b9 | Cm6", "Dm7b5 G7#5 | CmMaj7", "Ab7 G7 | Cm7", "Dm7b5 Db7 | Cm6", "D7#11 G7#9 | Cm7", "Fm6 G7b9 | Cm"),
    "cadm4": (
        "Dm7b5 | G7b9 | Cm6 | %", "Fm7 | Dm7b5 G7b9 | CmMaj7 | Cm6", "<cadm2> | Cm6 Ab7 | Dm7b5 G7#5",
        "Ab7 | G7#9 | Cm7 | %",
        "Dm7b5 | G7#5 | Cm Cm/Bb | Am7b5 Ab7",
    ),
    "minor4": (
        "Cm7 | % | Dm7b5 | G7b9", "Cm CmMaj7/B | Cm7/Bb Am7b5 | Dm7b5 | G7b9", "Cm6 | Fm6 | Cm6 | G7#5",
        "Cm7 Bb7 | Abmaj7 G7b9 | Cm6 | %",
        "Cm6 | Dm7b5 G7b9 | Cm6 | C7b9", "Cm | CmMaj7 | Cm7 | Cm6", "Cm7 | Fm7 | Bb7 | Ebmaj7",
        "Cm | Bdim7 | Cm/Bb | Am7b5 D7b9",
    ),
    "partm8": ("<minor4> | <cadm4>", "Fm7 | Bb7 | Ebmaj7 | Abmaj7 | <cadm4>", "<minor4> | <cadm2> | <cadm2>"),
    "bridgem8": (
        "<cad4@3> | <cadm4>", "Fm7 | Bb7 | Ebmaj7 | C7b9 | Fm7 | D7#11 | G7sus4 | G7b9",
        "Gm7b5 | C7b9 | Fm6 | % | Am7b5 | D7b9 | G7sus4 | G7",
        "<cad4@8> | <cadm4>", "<cad4@1> | <cadm4>", "C7#5 | % | Fm6 | % | Bb13 | % | Ebmaj7 | G7#5",
    ),
    # Blues, rhythm changes, circles, cycles.
    "blues12": (
        "C7 | % | % | % | F7 | % | C7 | % | G7 | F7 | C7 | G7",
        "C7 | F7 | C7 | % | F7 | % | C7 | A7 | D7 | G7 | C7 | G7",
        "C7 | F7 | C7 | Gm7 C7 | F7 | F#dim7 | C7 | Em7b5 A7b9 | Dm7 | G7 | C7 A7 | Dm7 G7",
        "C7 | F7 F#dim7 | C7/G | Gm7 C7 | F9 | Bb13 | C7 | A7#5 | Dm7 | G7b9 | Em7 A7 | Dm7 G7",
        "Cmaj7 | Bm7b5 E7b9 | Am7 D7 | Gm7 C7 | F7 | Fm7 Bb7 | Em7 A7 | Ebm7 Ab7 | Dm7 | G7 | Em7 A7 | Dm7 G7",
        "C13 | F13 | C13 | C7#5 | F9 | F#dim7 | C13 | B7 Bb7 A7 A7 | Ab7 | G7 | C13 Eb7 | Ab7 Db7",
    ),
    "bluesm12": (
        "Cm7 | % | % | C7#5 | Fm7 | % | Cm7 | % | Ab7 | G7#9 | Cm7 | Dm7b5 G7#5",
        "Cm6 | Dm7b5 G7b9 | Cm6 | Gm7b5 C7b9 | Fm7 | Fm6 | Cm6 | % | Dm7b5 | G7b9 | Cm6 Ab7 | Dm7b5 G7b9",
        "Cm | Fm7 | CmMaj7 | Cm6 | Fm7 | Bb7 | Cm | Ebm7 Ab7 | Dm7b5 | G7#9 | Cm6 | G7#5",
    ),
    "blues8": ("C7 | G7 | F7 | % | C7 | G7 | C7 F7 | C7 G7", "C7 | E7 | F7 | F#dim7 | C/G A7 | D7 G7 | C7 A7 | D7 G7"),
    "rhythm8": (
        "C6 A7 | Dm7 G7 | Em7 A7 | Dm7 G7 | C6 C7/E | F6 F#dim7 | C/G A7 | Dm7 G7",
        "<turn2> | <turn2> | C7 | F6 Fm6 | <turn2>",
        "<turn2> | <turn2> | Gm7 C7 | Fmaj7 Bb7 | <turn2>",
    ),
    "circle8": (
        "Am7 | Dm7 | G7 | Cmaj7 | Fmaj7 | Bm7b5 | E7b9 | Am6", "Em7b5 | A7b9 | Dm7 | G7 | Cm7 | F7 | Bbmaj7 | G7",
        "C6 | A7 | D7 | G7 | C6 | A7 | D7 G7 | C6",
        "Em7 A7 | Ebm7 Ab7 | Dm7 G7 | Dbm7 Gb7 | Cmaj7 | F7 | Bb13 | Eb7 Ab7",
        "Dm7 G7 | Cm7 F7 | Bbm7 Eb7 | Abmaj7 | Am7 D7 | Gm7 C7 | Fmaj7 | Dm7 G7",
    ),
    "chain8": ("<cad4> | <cad4@10>", "<cad4> | <cad4@8>", "<cad4> | <cad4@3>", "<cadm4@2> | <cad4>", "<cad2> | <cad2@10> | <cad2@8> | <cad2>"),
    "cycle8": (
        "Cmaj7 Eb7 | Abmaj7 B7 | Emaj7 | Bbm7 Eb7 | Abmaj7 B7 | Emaj7 G7 | Cmaj7 | Dm7 G7",
        "Cmaj7 | Eb7 | Abmaj7 | B7 | Emaj7 | % | Dm7 | G7",
        "Cmaj9 | Abmaj9 | Emaj9 | Cmaj9 | Abmaj7 | G7sus4 | G7 | Cmaj7",
    ),
    # Modal.
    "vamp8": (
        "Dm7 | % | % | % | % | % | % | %", "Dm7 | G7 | Dm7 | G7 | Dm7 | G7 | Dm7 | G7",
        "Dm7 | Em7 | Dm7 | Em7 | Dm7 | Em7 | Dm7 | Em7",
        "D7sus4 | % | % | % | F7sus4 | % | % | %", "Cmaj9 | % | Dbmaj9 | % | Cmaj9 | % | Dbmaj9 | %",
        "Dm9 | % | % | % | Bbmaj7 | % | A7sus4 | %",
        "D5 | Csus2 | D5 | G/D | D5 | Csus2 | Bbmaj7 | A7sus4", "Dm6 | % | DmMaj7 | % | Dm6 | % | DmMaj7 | %",
        "Dm7 | Dm7/C | G/B | Bb6 | Dm7 | Dm7/C | G/B | A7#9",
    ),
    # Ballads.
    "ballad8": (
        "Cmaj7 A7b9 | Dm7 G7 | Em7b5 A7b9 | Dm7 Fm6 | Em7 A7 | D9 | Dm7 G7sus4 | Cmaj9 Ab7",
        "Cmaj9 | Bm7b5 E7b9 | Am7 Am7/G | F#m7b5 B7b9 | Em7 Ebdim7 | Dm7 | G7sus4 G7b9 | C6",
        "Cmaj7 B7#9 | Bbmaj7 A7#5 | Dm9 | Fm6 Bb13 | Cmaj7/E Ebdim7 | Dm7 G7 | Cmaj7 Am7 | Dm7 G7",
        "Am7 AmMaj7 | Am7 D9 | Dm7 E7b9 | Am6 A7b9 | Dm7 G7 | Em7 A7 | Dm7 Db7 | Cmaj7",
        "C Caug | C6 C7 | Fmaj7 | Fm6 | C/E Ebdim | Dm7 | G7sus4 | C6", "<part8>", "<partm8@9>",
    ),
    # Pop, soul, bossa.
    "pop4": (
        "C | G | Am | F", "Am | F | C | G", "C | Am | F | G", "F | G | Em | Am", "C | Em | F | Fm",
        "C | G/B | Am | F", "F | C/E | Dm7 | G7sus4", "C5 | Bb5 | F5 | C5",
        "C | Csus4 C | G | Gsus4 G", "Csus2 | Gsus4 | Am7 | F", "C Caug | Am C7 | F | G7", "C | Bdim | Am | F",
        "Am Am/G | F | C/G | G", "C/E | F | Gsus4 | Am7",
        "Fmaj7 | G6 | Am7 | C/G", "Cm | Ab | Eb | Bb", "Cm | Bb/D | Eb | Fsus2", "C | Dm7/C | F/C | C",
        "Am | E/G# | C/G | D/F#", "C | Eb | F | Ab Bb", "Adim | Dm | G | C",
        "C | Daug | F | G7sus4", "Cm | Fm | Eb/G | Ab",
    ),
    "pop8": ("<pop4> | <pop4>", "C G/B | Am Am/G | F C/E | Dm7 G7 | C G/B | Am Em/G | F | Gsus4 G", "Am | % | F | % | C | % | G | Gsus4"),
    "soul4": (
        "Fmaj9 | Em7 A7#9 | Dm9 | G13", "Dm9 | G13 | Cmaj9 | A7#5", "Abmaj9 | Gm7 | Cm9 | Bb13",
        "Em9 | A13 | Em9 | A13", "Fmaj9 E7#9 | Am9 | Dm9 E7#5 | Am9",
        "Dm9 | Em7 | Fmaj9 | G7sus4", "Cmaj9 | Bb13 | Am9 | Abmaj9 G7#5", "C | C/E | F | F#dim7",
        "C/G A7 | Dm7 G7sus4 | C F | C G7", "Fmaj7 Fm6 | Em7 Eb7#11 | Dm9 | G7sus4",
        "Cm9 | Fm9 | Cm9 | Ab13 G7#9", "C C/E F F#dim7 | C/G A7 Dm7 G7 | C Fm6 | C", "Bbmaj9 | C9 | Am9 | D7#9",
    ),
    "soul8": ("<soul4> | <soul4>", "<soul4> | <cad4>"),
    "bossa8": (
        "Cmaj7 | % | D7 | % | Dm7 | G7b9 | Em7 A7b9 | Dm7 G7",
        "Cmaj9 | Ab13 | Gm7 | C7b9 | Fmaj7 | Bb7#11 | Em7 Ebdim7 | Dm7 Db7#11",
        "C6 | C#dim7 | Dm7 | G7sus4 | Em7 | A7b9 | Dm7 G7 | C6",
        "<minor4> | <cadm4>", "Cm9 | % | Abmaj7 | % | Dm7b5 | G7b9 | Cm6 | G7#5", "<cad4@1> | <cadm4>",
        "Fmaj7 | Fm6 | Em7 | A7#5 | D9 | Db7#11 | Cmaj9 | G7sus4",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Charts of one kind: (order of sections, the rule of each letter), where they end, and how rich their colours are."""

    forms: tuple[tuple[str, tuple[str, ...]], ...]
    finals: tuple[str, ...]
    palette: str  # of _COLOURS
    substitutes: float = 0.0  # how often a dominant that resolves becomes its tritone substitute


_MAJOR, _MINOR, _BLUES, _POP = (
    ("Cmaj7", "C6", "Cmaj9"),
    ("Cm6", "CmMaj7", "Cm9", "Cm"),
    ("C13", "C7", "C9"),
    ("C", "C6"),
)

FAMILIES: dict[str, Family] = {
    "blues": Family((("A", ("blues12",)), ("A", ("blues12",)), ("AA", ("blues8",))), _BLUES, "jazz", 0.06),
    "minor blues": Family((("A", ("bluesm12",)),), _MINOR, "jazz", 0.05),
    "rhythm": Family((("AABA", ("rhythm8", "bridge8")),), ("C6", "Cmaj7"), "jazz", 0.1),
    "standard": Family(
        (
            ("AABA", ("part8", "bridge8")), ("ABAC", ("part8", "part8", "part8")),
            ("ABAC", ("circle8", "part8", "chain8")),
            ("AB", ("circle8", "chain8")), ("AABA", ("part8", "cycle8")), ("AB", ("chain8", "part8")),
        ),
        _MAJOR, "jazz", 0.07,
    ),
    "minor standard": Family(
        (("AABA", ("partm8", "bridgem8")), ("ABAC", ("partm8", "bridgem8", "partm8")), ("AAB", ("partm8", "bridgem8"))),
        _MINOR, "jazz", 0.05
    ),
    "cycle": Family((("AB", ("cycle8", "part8")), ("AB", ("chain8", "cycle8"))), _MAJOR, "jazz"),
    "modal": Family((("AABA", ("vamp8", "vamp8")), ("AB", ("vamp8", "vamp8")), ("AAB", ("vamp8", "partm8@2"))), ("Dm7", "Dm9", "Dm6"), "modal"),
    "ballad": Family((("AABA", ("ballad8", "bridge8")), ("AB", ("ballad8", "ballad8")), ("ABAC", ("ballad8", "part8", "ballad8"))), _MAJOR, "rich", 0.05),
    "pop": Family((("AABB", ("pop8", "pop8")), ("AAB", ("pop8", "pop8")), ("ABAB", ("pop8", "pop8"))), _POP, "pop"),
    "soul": Family((("AABA", ("soul8", "soul8")), ("AA", ("soul8",)), ("AB", ("soul8", "soul8"))), ("Cmaj9", "C6", "Cm9", "C"), "rich"),
    "bossa": Family((("AABA", ("bossa8", "bossa8")), ("AB", ("bossa8", "bossa8")), ("AABA", ("bossa8", "part8"))), _MAJOR, "rich"),
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
    """A chart of about that many bars, in any key: the form, over and over, then one bar of home.

    The last turn of the form may be cut at a section, so that it comes out within eight bars of what was asked.
    """
    order, names = dice.pick(family.forms)
    sections = {letter: expand(dice, name) for letter, name in zip(sorted(set(order)), names, strict=True)}
    played: list[Bar] = []
    while len(played) < bars - 4:
        for letter in order:
            if len(played) < bars - 4:
                played += _coloured(dice, sections[letter], family)
    key = int(dice.random() * 12)
    # The last bar of the form gives way to home, the chord that the turnaround leads to.
    final = _read_bar(dice.pick(family.finals))
    if sections[order[0]][0][0][1] in _MINORS and family.palette != "modal":
        final = _read_bar(dice.pick(_MINOR))
    elif family.palette == "modal":
        final = sections[order[0]][0][:1]
    return _chart([*played[:-1], final], key, beats_per_bar)


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


def _coloured(dice: Dice, bars: list[Bar], family: Family) -> list[Bar]:
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
    (3, 3): (1, 1, 1),
}  # fmt: skip


def _chart(bars: list[Bar], key: int, beats_per_bar: int) -> Chart:
    spans: list[ChordSpan] = []
    for number, bar in enumerate(bars):
        cells = _up(bar, key)[:beats_per_bar]
        beat = float(number * beats_per_bar)
        for (root, quality, bass), share in zip(cells, _SHARES[beats_per_bar, len(cells)], strict=True):
            spans.append(ChordSpan(beat, beat + share, _chord(root, quality, bass)))
            beat += share
    return Chart(tuple(spans), len(bars), beats_per_bar)


@cache
def _chord(root: int, quality: str, bass: int | None) -> Chord:
    return Chord(root, quality, bass)
