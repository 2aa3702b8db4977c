"""Chord symbols as people write them -> Chord.

A symbol is a root, a suffix and perhaps a slash bass. The suffix is a row of pieces (`m`, `7`, `b5`, `add9`, ...), each
of which adds or removes degrees of the chord. NEAREST then maps the degrees to one of the vocabulary's 24 qualities.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from engine.chords.chord import Chord
from engine.errors import ChordError
from engine.vocabulary import PITCH_NAMES, QUALITIES

__all__ = ["NEAREST", "nearest_symbol", "parse_chord"]

# First row whose degrees the chord all has gives the quality. Richer chords lose what their row does not name: an
# altered ninth colours a dominant more than its altered fifth, a third more than a tension.
NEAREST: tuple[tuple[str, str], ...] = (
    ("4 b7", "7sus4"),  # 7sus4 9sus4 13sus4 7sus4b9, and 11, whose third is left out
    ("4", "sus4"),  # sus4 sus24 maj7sus4
    ("2 b7", "7sus4"),  # 7sus2: the nearer of the two sevenths without a third
    ("2", "sus2"),
    ("3 b7 b9", "7b9"),  # 7b9 13b9 7b9#11 7b9b13 7b9#5
    ("3 b7 #9", "7#9"),  # 7#9 7#9#5 7#9#11 7alt
    ("3 b7 #11", "7#11"),  # 7#11 9#11 13#11
    ("3 b7 b5", "7#11"),  # 7b5 9b5: the same pitch class
    ("3 b7 #5", "7#5"),  # 7#5 9#5 aug7
    ("3 b7 b13", "7#5"),  # 7b13 9b13: the same pitch class
    ("3 b7 13", "13"),
    ("3 b7 9", "9"),
    ("3 b7", "7"),  # 7 7add11 7no5
    ("3 7 9", "maj9"),  # maj9 maj11 maj13 maj9#11
    ("3 7", "maj7"),  # maj7 maj7#5 maj7#11 maj7b5
    ("3 6", "6"),  # 6 6/9
    ("3 #5", "aug"),
    ("3", ""),  # maj add9 add11 (b5)
    ("b3 b5 bb7", "dim7"),  # dim7 dim9
    ("b3 b5 6", "dim7"),  # m6b5: the same pitch classes
    ("b3 b5 b7", "m7b5"),  # m7b5 m9b5 m11b5 half diminished
    ("b3 b5", "dim"),  # dim dimMaj7 m(b5)
    ("b3 7", "mMaj7"),  # mMaj7 mMaj9
    ("b3 b7 9", "m9"),  # m9 m11 m13
    ("b3 b7", "m7"),  # m7 m7add11 m7b9 m7#5
    ("b3 6", "m6"),  # m6 m6/9
    ("b3", "m"),  # m madd9 m(#5)
    ("b7", "7"),  # 7no3
    ("7", "maj7"),  # maj7no3
    ("1", "5"),  # 5 (no3)
)

_NO_CHORD = re.compile(r"n\.?c\.?|N", re.IGNORECASE)
_SPELLINGS = str.maketrans(
    {
        "♯": "#", "♭": "b", "𝄪": "##", "𝄫": "bb", "−": "-", "–": "-", "Δ": "^", "△": "^", "∆": "^", "°": "o", "º": "o",
        "˚": "o", "Ø": "ø", "∅": "ø", "⌀": "ø",
    }
)  # fmt: skip
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# A second accidental is the root's unless it alters a degree: `Bbb7` is B double flat, `Bbb9` B flat with a flat ninth.
_ROOT = re.compile(r"([A-G])([#b]?)((?<=#)#(?!5|9|11)|(?<=b)b(?!5|9|13))?")
_BASS = re.compile(r"/([A-G])(#{1,2}|b{1,2})?$")


class _Degrees(set[str]):
    """The degrees a suffix has built so far, and whether its sevenths are major (`maj`, `^`) or diminished."""

    seventh = "b7"


def _major(d: _Degrees, _: str) -> None:
    d.seventh = "7"


def _triangle(d: _Degrees, _: str) -> None:
    d.seventh = "7"
    d.add("7")


def _minor(d: _Degrees, _: str) -> None:
    d -= {"3"}
    d.add("b3")


def _diminished(d: _Degrees, _: str) -> None:
    d -= {"3", "5"}
    d |= {"b3", "b5"}
    d.seventh = "bb7"


def _half_diminished(d: _Degrees, _: str) -> None:
    _diminished(d, "")
    d.seventh = "b7"
    d.add("b7")


def _augmented(d: _Degrees, _: str) -> None:
    d -= {"5"}
    d.add("#5")


def _suspended(d: _Degrees, text: str) -> None:
    d -= {"3", "b3"}
    d |= {"2"} if text.endswith("2") else {"2", "4"} if text.endswith("24") else {"4"}


def _extension(d: _Degrees, text: str) -> None:
    number = int(text)
    d.add(d.seventh)
    d |= {str(n) for n in (9, 11, 13) if n <= number}
    if number == 11 and "3" in d and d.seventh == "b7":
        _suspended(d, "4")  # a dominant eleventh is played without its third


def _sixth(d: _Degrees, text: str) -> None:
    d.add("13" if {"b7", "7"} & d else "6")
    if text.endswith("9"):
        d.add("9")


def _add(d: _Degrees, text: str) -> None:
    degree = text.removeprefix("add")
    if degree == "6" or (degree == "13" and not {"b7", "7"} & d):
        d.add("6")
    elif degree == "7":
        d.add("b7")
    else:
        d.add({"2": "9", "4": "11", "b2": "b9", "#2": "#9", "#4": "#11", "b6": "b13"}.get(degree, degree))


def _alter(d: _Degrees, text: str) -> None:
    degree = text.replace("-", "b").replace("+", "#")
    if degree.endswith("5"):
        d -= {"5"}
    if degree in ("b9", "#9"):
        d -= {"9"}
    d.add({"#4": "#11", "b6": "b13"}.get(degree, degree))


def _omit(d: _Degrees, text: str) -> None:
    d -= {"3", "b3"} if text.endswith("3") else {"5"}


def _power(d: _Degrees, _: str) -> None:
    d -= {"3"}


def _fourth(d: _Degrees, _: str) -> None:
    _suspended(d, "4")


def _second(d: _Degrees, _: str) -> None:
    d.add("9")


def _altered(d: _Degrees, _: str) -> None:
    d -= {"5"}
    d |= {"b7", "#9", "#5"}


def _dominant(d: _Degrees, _: str) -> None:
    d.seventh = "b7"


def _separator(_: _Degrees, __: str) -> None:
    """Brackets, commas and slashes between tensions mean nothing by themselves."""


# Spelling of a piece -> what it does. Tried in this order at each place; words in any case, single letters as written.
_PIECES: tuple[tuple[re.Pattern[str], Callable[[_Degrees, str], None]], ...] = tuple(
    (re.compile(pattern), action)
    for pattern, action in (
        (r"(?i:add)(?:[#b]?(?:2|4|6|9|11|13)|7)", _add),
        (r"(?<=[(,/ ])(?:9|11|13)", _add),  # C7(13), C7/9: the seventh has been named
        (r"(?i:omit|no)(?:3|5)", _omit),
        (r"(?i:sus)(?:24|4|2)?", _suspended),
        (r"(?i:alt)", _altered),
        (r"(?i:major|maj)|(?i:ma)(?!dd)", _major),
        (r"\^", _triangle),
        (r"(?i:minor|min|mi)|m|(?<![\d(])-", _minor),  # but 7-9 and 7(-9) flatten the ninth
        (r"M", _major),
        (r"(?i:hdim|half-?dim)7?|ø7?|h7?", _half_diminished),
        (r"(?i:diminished|dim)|o", _diminished),
        (r"(?i:augmented|aug)|\+(?!5|9|11)", _augmented),
        (r"(?i:dom)(?=\d)", _dominant),
        (r"[#b](?:5|9|11|13|4|6)|\+(?:5|9|11)|-(?:5|9|13)", _alter),
        (r"#7", _triangle),
        (r"6/?9|6", _sixth),
        (r"13|11|9|7", _extension),
        (r"5", _power),
        (r"4", _fourth),
        (r"2", _second),
        (r"[(,/] *(?=[\w#+-])|\)", _separator),
    )
)
_REPEATABLE = frozenset({_add, _alter, _omit, _separator})


def parse_chord(text: str) -> Chord | None:
    """`Dm7`, `F♯-7♭5`, `C^7`, `Bb13sus4`, `C/E` -> Chord; `N.C.`, `NC` -> None.

    ChordError: not a chord symbol; the text names the column and the nearest legal symbol.
    """
    symbol = text.strip().translate(_SPELLINGS)
    if _NO_CHORD.fullmatch(symbol):
        return None
    found = _ROOT.match(symbol)
    if not found:
        raise _refusal(text, 0)
    root = _pitch_class(found[1], found[2] + (found[3] or ""))
    end, bass = len(symbol), None
    slash = _BASS.search(symbol, found.end())
    if slash:
        end, bass = slash.start(), _pitch_class(slash[1], slash[2] or "")
    quality = _quality(text, symbol, found.end(), end)
    return Chord(root, quality, None if bass == root else bass)


def nearest_symbol(text: str) -> str:
    """The legal symbol closest to a wrong one, for error messages."""
    symbol = text.strip().translate(_SPELLINGS)
    symbol = symbol[:1].upper() + symbol[1:]
    root = _ROOT.match(symbol)
    roots = [root[0]] if root else list(PITCH_NAMES)
    legal = [name + quality for name in roots for quality in QUALITIES] + ["N.C."]
    return difflib.get_close_matches(symbol, legal, n=1, cutoff=0.0)[0]


def _pitch_class(letter: str, accidentals: str) -> int:
    return (_LETTERS[letter] + accidentals.count("#") - accidentals.count("b")) % 12


def _quality(text: str, symbol: str, start: int, end: int) -> str:
    degrees = _Degrees({"1", "3", "5"})
    used: set[Callable[[_Degrees, str], None]] = set()
    at = start
    while at < end:
        for pattern, action in _PIECES:
            piece = pattern.match(symbol, at, end)
            if piece and action not in used - _REPEATABLE:
                action(degrees, piece[0])
                used.add(action)
                at = piece.end()
                break
        else:
            raise _refusal(text, at)
    if symbol.count("(") != symbol.count(")"):
        raise _refusal(text, end)
    return next(quality for needed, quality in NEAREST if degrees.issuperset(needed.split()))


def _refusal(text: str, at: int) -> ChordError:
    return ChordError(f"column {at + 1}: {text.strip()!r} is no chord symbol: did you mean {nearest_symbol(text)!r}?")
