"""What stands in a chart beside its chords: bar lines, repeats, endings, counts, sections, metre, dots and dashes.

`read_bars` makes the bars as they are written; charts/repeats.py says in which order they are played.
"""

from __future__ import annotations

import re
from typing import NoReturn

from engine.chords.charts.bars import Bar, Refuse, Word, Written
from engine.chords.charts.words import (
    BEATS,
    COUNT,
    DASHES,
    ENDING,
    HEADING,
    LONE_LETTER,
    METRE,
    SECTION,
    SIGNS,
    SIMILE,
    TOKEN,
    is_chord,
    no_heading,
    numbers,
    parted,
    without_dashes,
)
from engine.errors import ChordError
from engine.metre import Metre, parse_metre

__all__ = ["read_bars"]

MAX_COUNT = 64


def read_bars(text: str, refuse: Refuse) -> Written:
    """The bars of a chart. ChordError, by way of refuse: furniture that says nothing, or two things."""
    reader = _Reader(refuse)
    text = text.translate(SIGNS)
    tokens = list(TOKEN.finditer(text))
    reader.barred = any(token["bar"] for token in tokens)
    reader.lone = {found.start(1) for found in LONE_LETTER.finditer(text)}
    for token in tokens:
        reader.take(token)
    return reader.end()


class _Reader:
    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self.barred = False
        self.lone: set[int] = set()  # where a letter stands alone above bars
        self._bars: list[Bar] = []
        self._words: list[Word] = []
        self._metre: Metre | None = None
        self._next: Bar = Bar([], 0)  # what the next bar has been given already
        self._row = 0  # index of the first bar that a count behind the row repeats
        self._repeat_open = False
        self._line_of_bar: re.Match[str] | None = None  # the bar line just before, if nothing stands between
        self._ending_to: int | None = None  # where an ending's number ends, of which no bar has been read
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
            self._counted_at = self._ending_to = None
        elif token["named"] or token["bracket"] is not None:
            self._bracket(token)
        elif token["word"]:
            if token.start() in self.lone:
                letter = token["word"]
                self._no(
                    token.start(), f"{letter!r} alone above bars may be a section: write [{letter}], or | {letter} |"
                )
            for word in parted(token["word"], token.start()):
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
            at = next((bar.at for bar in reversed(self._bars) if bar.starts), 0)
            self._no(at, "the repeat that begins here has no end: write :| behind its last bar")
        if not self.barred:
            self._bars = _beats_to_bars(self._bars, self._metre or Metre(), self._refuse)
        return Written(self._bars, self._metre)

    def _no(self, at: int, reason: str) -> NoReturn:
        self._refuse(len(self._bars) + 1, at, reason)

    def _bar_line(self, token: re.Match[str]) -> None:
        sign, before = token[0], self._line_of_bar
        ends, starts = sign[0] in ":𝄇", sign[-1] in ":𝄆"
        since, self._ending_to = self._ending_to if before is None else before.end(), None
        if self._words:
            self._close()
        elif since is not None and since < token.start():  # a blank between two bar lines, or behind `2.`
            if ends or starts or (before and (before[0][-1] in ":𝄆𝄇" or before[0][0] in ":")):
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
            self._push(without_dashes(self._words), self._words[0].at)
            self._words = []

    def _push(self, words: list[Word], at: int) -> None:
        if self._counted_at is not None:
            self._no(self._counted_at, "a count stands behind the last bar of a row: write |: and :| instead")
        bar, self._next = self._next, Bar([], 0)
        bar.words, bar.at = words, at
        self._bars.append(bar)

    def _word(self, word: Word) -> None:
        text, at = SIMILE.get(word.text, word.text), word.at
        if self._cross is not None:
            if not text.isdecimal():
                self._no(self._cross, "'x' is no chord symbol: write %, or x2 behind what is played twice")
            text, self._cross = f"x{text}", None
        count, metre, ending = COUNT.fullmatch(text), METRE.fullmatch(text), ENDING.fullmatch(text)
        if text in ("x", "×"):
            self._cross = at
        elif count:
            self._count(int(count[1] or count[2]), at)
        elif metre:
            self._set_metre(metre[1], at)
        elif ending and not self._words and self.barred:
            self._next.endings, self._ending_to = numbers(ending[1]), at + len(word.text)
        elif BEATS.fullmatch(text):
            beats = "..." if text == "…" else text
            for offset, sign in enumerate(beats):
                self._add(Word(sign, at + offset))
        elif text in DASHES:
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
        count, metre, ending = COUNT.fullmatch(inside), METRE.fullmatch(inside), ENDING.fullmatch(inside)
        self._close()
        if count:
            self._count(int(count[1] or count[2]), at)
        elif metre:
            self._set_metre(metre[1], at)
        elif ending and self.barred:
            self._next.endings, self._ending_to = numbers(ending[1]), token.end()
        elif not inside:
            self._no(at, "empty brackets: a section's name stands in them, as in [A]")
        elif not SECTION.fullmatch(inside) and is_chord(inside):
            self._no(at, f"{inside!r} in square brackets is a section's name: write the chord without them")
        elif token["named"] and HEADING.fullmatch(inside):
            self._no(at, no_heading(inside))
        else:
            self._next.sections.append(inside)
            self._row, self._counted_at = len(self._bars), None

    def _open_bracket(self, token: re.Match[str]) -> None:
        if token["bracket_open"]:
            return  # [1. and [|: the bracket over an ending, or of a thick bar line, is drawn open
        self._no(token.start(), f"{token[0]!r} says nothing here: write chords, | and [sections]")


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
