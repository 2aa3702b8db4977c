"""What the words of a chart mean beside chords: patterns, and how they part."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.chords.charts.bars import Word
from engine.chords.roots import read_root
from engine.chords.symbol import parse_chord
from engine.errors import ChordError

__all__ = [
    "BEATS",
    "COUNT",
    "DASHES",
    "ENDING",
    "HEADING",
    "LONE_LETTER",
    "METRE",
    "SECTION",
    "SIGNS",
    "SIMILE",
    "TOKEN",
    "is_chord",
    "no_heading",
    "numbers",
    "parted",
    "without_dashes",
]

SIGNS = str.maketrans("｜¦／％⏎", "||/%\n")  # as other keyboards have them; a line's end where a text is one line
BEATS = re.compile(r"[/.]+|…")
SIMILE = {"./.": "%", "𝄎": "%", ".//.": "%%", "𝄏": "%%"}
DASHES = frozenset("-–—−")
COUNT = re.compile(r"\(?(?:[x×](\d+)|(\d+)[x×])\)?")
METRE = re.compile(r"\(?(\d+/\d+)\)?:?")
ENDING = re.compile(r"(\d(?:\.?[.,-]\d)*)[.)]?")
HEADING = re.compile(  # what stands above a chart, in the languages of its chords; `Key: C` is no bar of C
    r"(?i:(?:original )?key(?: of)?|tonart|tonalit[éeàa]\w*|tonalidade?|tom|ton|tono|capo\w*|kapo\w*|tempo|bpm|time"
    r"|takt|mesure|met(?:re|er|rum)|signature|title|tit(?:el|re|olo)|t[íi]tulo|composer|artista?e?|author|written by|by"
    r"|style|feel)"
)
# A section's letter, or a bar: nobody can tell.
LONE_LETTER = re.compile(r"(?<![^\n])[ \t]*([A-H])[ \t\r]*\n(?:[ \t\r]*\n)*[^\n]*[|│‖𝄆]")
SECTION = re.compile(r"[A-H]?\d?'?|[A-H][a-z]?")  # [A], [A1]: not a chord though it could be one
TOKEN = re.compile(
    r"(?P<bar>:?[|│‖]+\]?:?|𝄆|𝄇|[𝄀𝄁𝄂])|(?P<line>\n)"
    r"|(?P<named>(?<![^\n])[ \t]*[^\W\d_][\w '.-]{0,30}(?<! ):(?=[ \t]|$|\n))"
    r"|\[(?P<bracket>[^\[\]|\n]*)\]|(?P<bracket_open>\[)"
    r"|(?P<word>(?:\([^()|\n]*\)|[^\s|│‖\[\]:𝄆𝄇𝄀𝄁𝄂]|:(?![|│‖]))+)|(?P<other>\S)"
)

COMMA = re.compile(r"[,;](?=[A-H]|R[eéE]|[MS][iIoO]|L[aáA])")


def no_heading(name: str) -> str:
    """Returns why a heading is not read."""
    return f"{name!r} is a heading and no part of the chart: take its line out"


def parted(text: str, at: int) -> Iterator[Word]:
    """`Dm7,G7` -> two words; `C///` -> a chord and its beats; `(Dm7 G7)` -> what stands in the brackets."""
    if text.startswith("(") and text.endswith(")") and "(" not in text[1:] and not METRE.fullmatch(text):
        for found in re.finditer(r"\S+", text[1:-1]):
            yield from parted(found[0], at + 1 + found.start())
        return
    start = 0
    for comma in [*COMMA.finditer(text), None]:
        end = len(text) if comma is None else comma.start()
        word = text[start:end].rstrip(",;")
        ending = re.match(r"\d(?:\.?[.,-]\d)*[.)](?=[A-H])", word)
        if ending:  # `1.G7`
            yield Word(ending[0], at + start)
            word, start = word[ending.end() :], start + ending.end()
        beats = re.fullmatch(r"(.*[^/.])(/{2,}|\.{2,})", word)
        if beats and word not in SIMILE:
            yield Word(beats[1], at + start)
            yield Word(beats[2], at + start + len(beats[1]))
        elif word:
            yield Word(word, at + start)
        start = end + 1


def without_dashes(words: list[Word]) -> list[Word]:
    """Single dashes between all chords only part them; any other dash is a beat on which the chord is held."""
    dashes = [word.text in DASHES for word in words]
    if dashes == [bool(i % 2) for i in range(len(words))] and len(words) % 2 == 1:
        return [word for word, dash in zip(words, dashes, strict=True) if not dash]
    return [Word("/", word.at) if dash else word for word, dash in zip(words, dashes, strict=True)]


def numbers(text: str) -> frozenset[int]:
    """`1`, `1,2`, `1.2`, `1-3` -> the passes of an ending."""
    spread = re.fullmatch(r"(\d)-(\d)", text)
    if spread:
        return frozenset(range(int(spread[1]), int(spread[2]) + 1))
    return frozenset(map(int, re.findall(r"\d", text)))


def is_chord(text: str) -> bool:
    if read_root(text) is None:
        return False
    try:
        parse_chord(text)
    except ChordError:
        return False
    return True
