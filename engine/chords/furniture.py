"""What stands in a chart beside its chords: bar lines, repeats, endings, counts, sections, metre, dots and dashes.

`read_bars` makes the bars as they are written, `in_order` the order in which they are played.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from engine.chords.roots import read_root
from engine.chords.symbol import parse_chord
from engine.errors import ChordError
from engine.metre import Metre, parse_metre

__all__ = ["HOLDS", "MAX_BARS", "Bar", "Refuse", "Word", "Written", "in_order", "read_bars"]

MAX_BARS = 4096  # played; more is a slip of the pen in a count
MAX_COUNT = 64

HOLDS = frozenset("/.%")  # the chord before for one more share
_BEATS = re.compile(r"[/.]+|…")
_SIMILE = {"./.": "%", "𝄎": "%", ".//.": "%%", "𝄏": "%%"}
_DASHES = frozenset("-–—−")
_COUNT = re.compile(r"\(?(?:[x×](\d+)|(\d+)[x×])\)?")
_METRE = re.compile(r"\(?(\d+/\d+)\)?")
_ENDING = re.compile(r"(\d(?:[.,-]\d)*)[.)]?")
_SECTION = re.compile(r"[A-H]?\d?'?|[A-H][a-z]?")  # [A], [A1]: not a chord though it could be one
_TOKEN = re.compile(
    r"(?P<bar>:?[|│‖]+\]?:?|𝄆|𝄇|[𝄀𝄁𝄂])|(?P<line>\n)"
    r"|(?P<named>(?<![^\n])[ \t]*[^\W\d_][\w '.-]{0,30}(?<! ):(?=[ \t]|$|\n))"
    r"|\[(?P<bracket>[^\[\]|\n]*)\]|(?P<bracket_open>\[)"
    r"|(?P<word>(?:\([^()|\n]*\)|[^\s|│‖\[\]:𝄆𝄇𝄀𝄁𝄂]|:(?![|│‖]))+)|(?P<other>\S)"
)
_COMMA = re.compile(r"[,;](?=[A-H]|R[eéE]|[MS][iIoO]|L[aáA])")

Refuse = Callable[[int, int, str], NoReturn]
"""Raises a ChordError: number of the bar, index in the text, reason."""


class Word(NamedTuple):
    """text, and its index in the chart's text."""

    text: str
    at: int


@dataclass
class Bar:
    """One bar as it is written. words: chords and HOLDS, sharing the bar; none where the chord before is held."""

    words: list[Word]
    at: int
    sections: list[str] = field(default_factory=list)
    endings: frozenset[int] = frozenset()
    starts: bool = False  # a repeat begins before it
    ends: bool = False  # a repeat ends after it
    times: int = 0  # how often that is played; 0: not said


@dataclass
class Written:
    """A chart as it is written; metre None where it says none."""

    bars: list[Bar]
    metre: Metre | None


def read_bars(text: str, refuse: Refuse) -> Written:
    """The bars of a chart. ChordError, by way of refuse: furniture that says nothing, or two things."""
    reader = _Reader(refuse)
    tokens = list(_TOKEN.finditer(text))
    reader.barred = any(token["bar"] for token in tokens)
    for token in tokens:
        reader.take(token)
    return reader.end()


class _Reader:
    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self.barred = False
        self._bars: list[Bar] = []
        self._words: list[Word] = []
        self._metre: Metre | None = None
        self._next: Bar = Bar([], 0)  # what the next bar has been given already
        self._row = 0  # index of the first bar that a count behind the row repeats
        self._repeat_open = False
        self._line_of_bar: re.Match[str] | None = None  # the bar line just before, if nothing stands between
        self._counted_at: int | None = None  # a count was read in this row: nothing may follow it
        self._cross: int | None = None  # an `x` waits for its number

    def take(self, token: re.Match[str]) -> None:
        """One token after the other."""
        if token["bar"]:
            self._bar_line(token)
            self._line_of_bar = token
            return
        if token["line"]:
            self._close()
            if self.barred:
                self._row = len(self._bars)
            self._counted_at = None
        elif token["named"] or token["bracket"] is not None:
            self._bracket(token)
        elif token["word"]:
            for word in _parted(token["word"], token.start()):
                self._word(word)
        elif token["other"] or token["bracket_open"]:
            self._open_bracket(token)
        self._line_of_bar = None

    def end(self) -> Written:
        """After the last token."""
        self._close()
        if self._cross is not None:
            self._no(self._cross, "'x' is no chord symbol: write %, or x2 behind what is played twice")
        if self._repeat_open:
            at = next(bar.at for bar in reversed(self._bars) if bar.starts)
            self._no(at, "the repeat that begins here has no end: write :| behind its last bar")
        if not self.barred:
            self._bars = _beats_to_bars(self._bars, self._metre or Metre(), self._refuse)
        return Written(self._bars, self._metre)

    def _no(self, at: int, reason: str) -> NoReturn:
        self._refuse(len(self._bars) + 1, at, reason)

    def _bar_line(self, token: re.Match[str]) -> None:
        sign, before = token[0], self._line_of_bar
        ends, starts = sign[0] in ":𝄇", sign[-1] in ":𝄆"
        if self._words:
            self._close()
        elif before is not None and before.end() < token.start():  # a blank between two bar lines
            if ends or starts or before[0][-1] in ":𝄆𝄇" or before[0][0] in ":":
                self._no(token.start(), "an empty bar beside a repeat sign: write % in it, or one bar line")
            self._push([], token.start())
        if ends:
            self._end_repeat(token.start())
        if starts:
            if self._repeat_open:
                self._no(token.start(), "a repeat within a repeat is not read: write its bars out")
            self._next.starts = self._repeat_open = True
            self._row = len(self._bars)

    def _end_repeat(self, at: int) -> None:
        if not self._bars:
            self._no(at, "a repeat ends here, but no bar stands before it: write :| behind a bar")
        self._bars[-1].ends, self._repeat_open = True, False
        self._row = len(self._bars)

    def _close(self) -> None:
        if self._words and self.barred:
            self._push(_without_dashes(self._words), self._words[0].at)
            self._words = []

    def _push(self, words: list[Word], at: int) -> None:
        if self._counted_at is not None:
            self._no(self._counted_at, "a count stands behind the last bar of a row: write |: and :| instead")
        bar, self._next = self._next, Bar([], 0)
        bar.words, bar.at = words, at
        self._bars.append(bar)

    def _word(self, word: Word) -> None:
        text, at = _SIMILE.get(word.text, word.text), word.at
        if self._cross is not None:
            if not text.isdecimal():
                self._no(self._cross, "'x' is no chord symbol: write %, or x2 behind what is played twice")
            text, self._cross = f"x{text}", None
        count, metre, ending = _COUNT.fullmatch(text), _METRE.fullmatch(text), _ENDING.fullmatch(text)
        if text in ("x", "×"):
            self._cross = at
        elif count:
            self._count(int(count[1] or count[2]), at)
        elif metre:
            self._set_metre(metre[1], at)
        elif ending and not self._words and self.barred:
            self._next.endings = _numbers(ending[1])
        elif _BEATS.fullmatch(text):
            beats = "..." if text == "…" else text
            for offset, sign in enumerate(beats):
                self._add(Word(sign, at + offset))
        elif text in _DASHES:
            if self.barred:
                self._words.append(word)
        else:
            self._add(Word(text, at))

    def _add(self, word: Word) -> None:
        if self.barred:
            self._words.append(word)
        else:
            self._push([word], word.at)

    def _set_metre(self, text: str, at: int) -> None:
        try:
            metre = parse_metre(text)
        except ChordError as error:
            self._no(at, str(error))
        if self._metre not in (None, metre) or (self._metre is None and (self._bars or self._words)):
            begun = self._metre or "another one"
            self._no(at, f"the metre changes to {metre} where the chart has {begun}: give each part its own chart")
        self._metre = metre

    def _count(self, times: int, at: int) -> None:
        self._close()
        if not 1 <= times <= MAX_COUNT:
            self._no(at, f"x{times} lies outside x1..x{MAX_COUNT}: write how often the bars are played")
        if not self._bars:
            self._no(at, f"x{times} repeats the bars before it, but there are none: write it behind them")
        last = self._bars[-1]
        if last.ends:
            last.times = times
            return
        if self._repeat_open:
            self._no(at, "a count within a repeat is not read: write its bars out")
        first = self._bars[self._row] if self._row < len(self._bars) else last
        first.starts = last.ends = True
        last.times = times
        self._row, self._counted_at = len(self._bars), at if self.barred else None

    def _bracket(self, token: re.Match[str]) -> None:
        inside = (token["named"] or token["bracket"]).strip().rstrip(":").strip()
        at = token.start()
        count, metre, ending = _COUNT.fullmatch(inside), _METRE.fullmatch(inside), _ENDING.fullmatch(inside)
        self._close()
        if count:
            self._count(int(count[1] or count[2]), at)
        elif metre:
            self._set_metre(metre[1], at)
        elif ending and self.barred:
            self._next.endings = _numbers(ending[1])
        elif not inside:
            self._no(at, "empty brackets: a section's name stands in them, as in [A]")
        elif not _SECTION.fullmatch(inside) and _is_chord(inside):
            self._no(at, f"{inside!r} in square brackets is a section's name: write the chord without them")
        else:
            self._next.sections.append(inside)
            self._row, self._counted_at = len(self._bars), None

    def _open_bracket(self, token: re.Match[str]) -> None:
        if token["bracket_open"]:
            return  # [1. and [|: the bracket over an ending, or of a thick bar line, is drawn open
        self._no(token.start(), f"{token[0]!r} says nothing here: write chords, | and [sections]")


def _parted(text: str, at: int) -> Iterator[Word]:
    """`Dm7,G7` -> two words; `C///` -> a chord and its beats; `(Dm7 G7)` -> what stands in the brackets."""
    if text.startswith("(") and text.endswith(")") and "(" not in text[1:] and not _METRE.fullmatch(text):
        for found in re.finditer(r"\S+", text[1:-1]):
            yield from _parted(found[0], at + 1 + found.start())
        return
    start = 0
    for comma in [*_COMMA.finditer(text), None]:
        end = len(text) if comma is None else comma.start()
        word = text[start:end].rstrip(",;")
        ending = re.match(r"\d(?:[.,-]\d)*[.)](?=[A-H])", word)
        if ending:  # `1.G7`
            yield Word(ending[0], at + start)
            word, start = word[ending.end() :], start + ending.end()
        beats = re.fullmatch(r"(.*[^/.])(/{2,}|\.{2,})", word)
        if beats and word not in _SIMILE:
            yield Word(beats[1], at + start)
            yield Word(beats[2], at + start + len(beats[1]))
        elif word:
            yield Word(word, at + start)
        start = end + 1


def _without_dashes(words: list[Word]) -> list[Word]:
    """Single dashes between all chords only part them; any other dash is a beat on which the chord is held."""
    dashes = [word.text in _DASHES for word in words]
    if dashes == [bool(i % 2) for i in range(len(words))] and len(words) % 2 == 1:
        return [word for word, dash in zip(words, dashes, strict=True) if not dash]
    return [Word("/", word.at) if dash else word for word, dash in zip(words, dashes, strict=True)]


def _beats_to_bars(bars: list[Bar], metre: Metre, refuse: Refuse) -> list[Bar]:
    """A chart without bar lines has a bar a word, but with dots in it a beat a word."""
    if not any(bar.words[0].text == "." for bar in bars):
        return bars
    if len(bars) % metre.beats:
        refuse(
            1, bars[0].at, f"{len(bars)} beats are no whole bars of {metre}: write bar lines, as in 'C . . . | F . G .'"
        )
    grouped = []
    for start in range(0, len(bars), metre.beats):
        group = bars[start : start + metre.beats]
        if any(bar.sections or bar.starts for bar in group[1:]) or any(bar.ends for bar in group[:-1]):
            refuse(start // metre.beats + 1, group[0].at, "a section or a repeat begins within a bar: write bar lines")
        grouped.append(Bar([bar.words[0] for bar in group], group[0].at, group[0].sections))
        grouped[-1].starts, grouped[-1].ends, grouped[-1].times = group[0].starts, group[-1].ends, group[-1].times
    return grouped


def _numbers(text: str) -> frozenset[int]:
    """`1`, `1,2`, `1.2`, `1-3` -> the passes of an ending."""
    spread = re.fullmatch(r"(\d)-(\d)", text)
    if spread:
        return frozenset(range(int(spread[1]), int(spread[2]) + 1))
    return frozenset(map(int, re.findall(r"\d", text)))


def _is_chord(text: str) -> bool:
    if read_root(text) is None:
        return False
    try:
        parse_chord(text)
    except ChordError:
        return False
    return True


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
        last = at
        while last < len(bars) and not bars[last].ends:
            last += 1
            if last < len(bars) and (bars[last].endings or bars[last].starts):
                last = len(bars)
        if bar.endings and last < len(bars):
            endings[at : last + 1] = [bar.endings] * (last + 1 - at)
    return endings


def _passes(endings: list[frozenset[int]], at: int) -> int:
    """How often a repeat that ends at a bar is played: as its endings say, else twice."""
    highest = max(endings[at], default=0)
    while at + 1 < len(endings) and endings[at + 1]:
        at += 1
        highest = max(highest, *endings[at])
    return max(highest, 2)
