"""Reads the suffix of a chord symbol: pieces (`m`, `7`, `b5`, `add9`, ...), each of which adds or removes degrees.

A sign may stand before its degree (`b9`, `-9`) or behind it, as Brazilian, Italian and Portuguese charts write
(`C7(9-)`, `C5+`, `C7M`). Behind a bare number a sign is not read where it could mean two chords: see
engine.chords.hints.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.chords.nearest import nearest_quality

__all__ = ["WrongSuffix", "read_suffix"]


class _Degrees(set[str]):
    """The degrees a suffix has built so far, and what can only be decided once all of it is read."""

    seventh = "b7"  # what a bare number's seventh is: "7" behind `maj` or `^`, "bb7" behind `dim`
    extension = 0  # the number written: an 11 is without its third if the chord turns out a dominant
    third_is_written = False


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
    d |= {"2", "4"} if {"2", "4"} <= set(text) else {"2"} if "2" in text else {"4"}


def _extension(d: _Degrees, text: str) -> None:
    number = int(text)
    d.add(d.seventh)
    d |= {str(n) for n in (9, 11, 13) if n <= number}
    d.extension = number


def _sixth(d: _Degrees, text: str) -> None:
    d.add("13" if {"b7", "7"} & d else "6")
    if text.endswith("9"):
        d.add("9")


def _add(d: _Degrees, text: str) -> None:
    degree = re.sub(r"(?i:add)\(?", "", text)
    if degree in ("6", "13"):
        d.add("13" if {"b7", "7"} & d else "6")
    elif degree == "7":
        d.add("b7")
    elif degree == "3":
        d.add("3")  # 7susadd3: the third beside the fourth
        d.third_is_written = True
    else:
        d.add({"2": "9", "4": "11", "b2": "b9", "#2": "#9", "#4": "#11", "b6": "b13"}.get(degree, degree))


def _major_extension(d: _Degrees, text: str) -> None:
    _extension_is_major(d, "")
    _extension(d, re.match(r"\d+", text)[0])  # type: ignore[index]  # the pattern begins with digits


def _extension_is_major(d: _Degrees, _: str) -> None:
    d.seventh = "7"
    d -= {"b7"}  # C9(7M), C9(maj7): what stood before it is over a major seventh, too
    d.add("7")


def _alter(d: _Degrees, text: str) -> None:
    degree = re.sub("(?i:flat|dim)|-|>", "b", re.sub(r"(?i:sharp|aug)|\+|<", "#", text))
    if degree[-1] in "#b":  # written behind: 9- is b9
        degree = degree[-1] + degree[:-1]
    if degree.endswith("5"):
        d -= {"5"}
    if degree in ("b9", "#9"):
        d -= {"9"}
    d.add({"#4": "#11", "b6": "b13"}.get(degree, degree))


def _omit(d: _Degrees, text: str) -> None:
    degree = re.sub(r"\D", "", text)
    d -= {"3", "b3"} if degree == "3" else {degree}


def _power(d: _Degrees, _: str) -> None:
    d -= {"3"}


def _fourth(d: _Degrees, _: str) -> None:
    if "b3" in d:
        d.add("11")  # Cm7(4): a minor third stays
    else:
        _suspended(d, "4")


def _second(d: _Degrees, _: str) -> None:
    d.add("9")


def _altered(d: _Degrees, _: str) -> None:
    d -= {"5"}
    d |= {"b7", "#9", "#5"}


def _dominant(d: _Degrees, _: str) -> None:
    d.seventh = "b7"


def _double_flat_seventh(d: _Degrees, _: str) -> None:
    d.add("bb7")


def _separator(_: _Degrees, __: str) -> None:
    """Brackets, commas and slashes between tensions mean nothing by themselves."""


_BEHIND = r"(?=[(),/]|$|\d+[-+<>#b](?:[(),/]|$))"  # what may follow a sign behind its degree
_MAJOR = r"(?i:major|maj|ma(?!dd|j))|M(?!m|[aA]?[jJ])|\^|[jJ]"

# Spelling of a piece -> what it does. Tried in this order at each place; words in any case, single letters as written.
_PIECES: tuple[tuple[re.Pattern[str], Callable[[_Degrees, str], None]], ...] = tuple(
    (re.compile(pattern), action)
    for pattern, action in (
        (r"(?i:add)\(?(?:[#b]?(?:2|4|6|9|11|13)|7|3)", _add),
        (r"(?:(?<=[(,/ ])|(?<=\d[-+<>#b]))(?:4|5|6|9|11|13)[-+<>#b]" + _BEHIND, _alter),  # C7(9-), C7/5+
        (r"(?<!\d)[45][-+<>](?=[(),/]|$|7)|(?<=[a-zA-Z-])5[#b](?=[(),/]|$)", _alter),  # C5+, Cm5-/7, C7M5+, Cm5b
        (rf"(?:13|11|9|7)(?:{_MAJOR})(?!7)|7<" + r"(?=[(),/]|$)", _major_extension),  # C7M, Cm7maj
        (rf"(?<=[139])\(?(?:{_MAJOR}|#)7(?!\d)", _extension_is_major),  # C9(maj7), C11M7, C13(#7)
        (r"(?<=[(,/ ])(?:9|11|13)", _add),  # C7(13), C7/9: the seventh has been named
        (r"(?i:omit|no)(?:3(?:rd)?|5(?:th)?|9|11|13)", _omit),
        (r"(?i:suspended|sus)(?:2/?4|4/?2|2sus4|4sus2|4|2)?\.?", _suspended),
        (r"(?i:altered|alt)\.?", _altered),
        (r"(?i:major|maj)\.?|(?i:ma)(?!dd)\.?|M[jJ](?=7|9|11|13)", _major),
        (r"\^|[jJ](?=7|9|11|13)", _triangle),
        (r"(?:(?i:minor|min|mi)|m)(?:\.|-(?=M|(?i:maj)))?", _minor),
        (r"M(?!m)", _major),
        (r"(?i:hdim|half-?dim)7?|ø7?|h7?|0/7", _half_diminished),
        (r"(?<=[\d(])(?i:dim|aug|flat|sharp)(?:5|9|11|13)(?!\d)", _alter),
        (r"(?i:diminished|dim)\.?5?|o|0(?=7?(?:[(/]|$))", _diminished),
        (r"(?i:augmented|aug)\.?5?|\+(?!4|5|9|11)", _augmented),
        (r"(?i:dom)(?=\d)", _dominant),
        (r"[#b](?:5|9|11|13|4|6)|\+(?:5|9|11|4)|-(?:5|9|13)", _alter),
        (r"bb7", _double_flat_seventh),
        (r"#7", _triangle),
        (r"6/?9|6", _sixth),
        (r"13|11|9|7", _extension),
        (r"(?<=\()5(?=\))", _power),
        (r"4", _fourth),
        (r"2", _second),
        (r"[(,/] *(?=[\w#+^-])|\)", _separator),
    )
)
# What may stand directly behind the root, and nowhere else.
_FIRST = (
    (re.compile(r"-(?!5(?!\d))"), _minor),  # but C-5 has a flat fifth
    (re.compile(r"5[#b](?=[(),/]|$)"), _alter),  # C5b
    (re.compile(r"5(?![-+<>#b]|(?i:aug|dim|flat|sharp))"), _power),
)
_REPEATABLE = frozenset({_add, _alter, _omit, _separator})
_FIFTHS = frozenset({_augmented, _diminished, _half_diminished})


class WrongSuffix(Exception):
    """Raised for a suffix that cannot be read. at: index in the symbol of what cannot be read."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def read_suffix(symbol: str, start: int, end: int) -> str:
    """Returns the quality that symbol[start:end] comes nearest to. WrongSuffix: it holds something that is no piece."""
    degrees = _Degrees({"1", "3", "5"})
    used: set[Callable[[_Degrees, str], None]] = set()
    at = start
    while at < end:
        for pattern, action in (*_FIRST, *_PIECES) if at == start else _PIECES:
            piece = pattern.match(symbol, at, end)
            if piece and action not in used - _REPEATABLE and not _contradicts(action, used, degrees):
                action(degrees, piece[0])
                used.add(action)
                at = piece.end()
                break
        else:
            raise WrongSuffix(at)
    if symbol.count("(") != symbol.count(")"):
        raise WrongSuffix(end)
    if degrees.seventh == "7" and "b3" in degrees:
        degrees.add("7")  # CmM: nothing else of a minor chord is major
    if {"6", "b7"} <= degrees:
        degrees.add("13")  # C67, C6/7: over a seventh a sixth is a thirteenth
    if degrees.extension == 11 and {"3", "b7"} <= degrees and not degrees.third_is_written:
        _suspended(degrees, "4")  # a dominant eleventh is played without its third; in C11(7M) it stays
    return nearest_quality(degrees)


def _contradicts(action: Callable[[_Degrees, str], None], used: set[Callable[..., None]], degrees: _Degrees) -> bool:
    """Whether a piece says what another one has denied: of the seventh, as in C7maj7, the fifth, Co+, or the third."""
    if action is _minor:
        return bool(used - {_separator})  # Caugm; C7m is C7M to some
    if action in _FIFTHS:
        return bool(_FIFTHS & used)
    if action is _extension_is_major:
        return degrees.extension == 7 or degrees.seventh != "b7"
    return action in (_major, _triangle) and _extension in used
