"""Chord charts: `Dm7 G7 | Cmaj7 | %` -> spans in beats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from engine.chords.chord import Chord
from engine.chords.symbol import nearest_symbol, parse_chord
from engine.errors import ChordError

__all__ = ["Chart", "ChordSpan", "parse_chart"]

# A chord may hold blanks inside its brackets, `C7(b9, #11)`; a comma after it only separates.
_TOKEN = re.compile(r"(?P<bar>\|)|(?P<line>\n)|(?P<word>(?:\([^()|\n]*\)|[^\s|])+)")


class ChordSpan(NamedTuple):
    """One chord, or silence of harmony where chord is None, over [start_beat, end_beat) from the chart's start."""

    start_beat: float
    end_beat: float
    chord: Chord | None


@dataclass(frozen=True)
class Chart:
    """A row of bars. spans lie end to end, in order, none crossing a bar line."""

    spans: tuple[ChordSpan, ...]
    bars: int
    beats_per_bar: int = 4

    @property
    def beats(self) -> int:
        """Length in beats."""
        return self.bars * self.beats_per_bar

    def fill(self, bars: int) -> Chart:
        """The chart repeated, or cut, to that many bars. ChordError for fewer than one."""
        if bars < 1:
            raise ChordError(f"a chart cannot have {bars} bars: ask for at least 1")
        spans = [
            ChordSpan(start + turn * self.beats, end + turn * self.beats, chord)
            for turn in range(-(-bars // self.bars))
            for start, end, chord in self.spans
            if start + turn * self.beats < bars * self.beats_per_bar
        ]
        return Chart(tuple(spans), bars, self.beats_per_bar)

    def changes(self, tempo_bpm: float) -> list[tuple[float, Chord | None]]:
        """(onset_s, chord) of every change: what Session.set_chords takes. A chord that goes on is not named again."""
        changes: list[tuple[float, Chord | None]] = []
        for start, _, chord in self.spans:
            if not changes or changes[-1][1] != chord:
                changes.append((start * 60 / tempo_bpm, chord))
        return changes


class _Word(NamedTuple):
    text: str
    at: int  # index in the chart's text


def parse_chart(text: str, beats_per_bar: int = 4) -> Chart:
    """Reads a chart.

    `|` (or a line's end) ends a bar; several chords share a bar evenly. With no `|` at all every chord is one bar.
    `%` alone in a bar repeats the bar before; `%` or `/` beside chords holds the chord before for one more share.
    `||`, and bar lines at either end, add no bar.

    ChordError: an empty chart, a `%` with nothing before it, or a wrong symbol; the text names bar, line and column,
    and the nearest legal symbol.
    """
    if not 1 <= beats_per_bar <= 32:
        raise ChordError(f"{beats_per_bar} beats a bar lie outside 1..32: give the beats of one bar")
    bars = _split_bars(text)
    if not bars:
        raise ChordError("the chord chart is empty: write chords, as in 'Dm7 | G7 | Cmaj7 | %'")
    spans: list[ChordSpan] = []
    previous: list[ChordSpan] = []  # the bar before, its beats counted from the bar line
    for number, words in enumerate(bars, start=1):
        if [word.text for word in words] != ["%"]:
            before = previous[-1].chord if previous else None
            previous = _read_bar(text, number, words, beats_per_bar, before, first=not previous)
        elif not previous:
            raise _error(text, number, words[0].at, "'%' repeats the bar before, but this is the first: write a chord")
        offset = (number - 1) * beats_per_bar
        spans += [ChordSpan(start + offset, end + offset, chord) for start, end, chord in previous]
    return Chart(tuple(spans), len(bars), beats_per_bar)


def _split_bars(text: str) -> list[list[_Word]]:
    barred = "|" in text
    bars: list[list[_Word]] = [[]]
    for token in _TOKEN.finditer(text):
        if token["word"]:
            word = token["word"].rstrip(",;")
            if word:
                bars[-1].append(_Word(word, token.start()))
            if not barred:
                bars.append([])
        elif barred:
            bars.append([])
    return [bar for bar in bars if bar]


def _read_bar(
    text: str, number: int, words: list[_Word], beats_per_bar: int, before: Chord | None, *, first: bool
) -> list[ChordSpan]:
    share = beats_per_bar / len(words)
    spans: list[ChordSpan] = []
    for i, word in enumerate(words):
        end = (i + 1) * share
        if word.text in ("%", "/"):
            if not spans and first:
                reason = f"{word.text!r} holds the chord before, but there is none: write a chord"
                raise _error(text, number, word.at, reason)
            if spans:
                spans[-1] = spans[-1]._replace(end_beat=end)
                continue
            chord = before
        else:
            try:
                chord = parse_chord(word.text)
            except ChordError:
                wrong = f"{word.text!r} is no chord symbol: did you mean {nearest_symbol(word.text)!r}?"
                raise _error(text, number, word.at, wrong) from None
        spans.append(ChordSpan(i * share, end, chord))
    return spans


def _error(text: str, bar: int, at: int, reason: str) -> ChordError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    where = f"bar {bar}, line {line}, column {column}" if "\n" in text.strip() else f"bar {bar}, column {column}"
    return ChordError(f"{where}: {reason}")
