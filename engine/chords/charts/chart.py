"""Chord charts: `[A] |: Dm7 G7 | Cmaj7 :| %` -> spans in beats. bar_reader reads what is no chord."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from engine.chords.charts.bar_reader import read_bars
from engine.chords.charts.bars import HOLDS, Bar, Word
from engine.chords.charts.repeats import in_order
from engine.chords.chord import Chord
from engine.chords.symbol import SymbolReader
from engine.errors import ChordError
from engine.metre import COMMON, Metre

__all__ = ["Chart", "ChordSpan", "Section", "parse_chart"]


class ChordSpan(NamedTuple):
    """One chord, or silence of harmony where chord is None, over [start_beat, end_beat) from the chart's start."""

    start_beat: float
    end_beat: float
    chord: Chord | None


class Section(NamedTuple):
    """A part of the form as the chart names it, from start_beat to the next one."""

    name: str
    start_beat: float


@dataclass(frozen=True)
class Chart:
    """A row of bars as they are played. spans lie end to end, in order, none crossing a bar line.

    Beats are those that are felt (see Metre): two a bar in 6/8. sections rise; a repeated one is named again.
    """

    spans: tuple[ChordSpan, ...]
    bars: int
    metre: Metre = COMMON
    sections: tuple[Section, ...] = ()

    @property
    def beats_per_bar(self) -> int:
        """Felt beats a bar."""
        return self.metre.beats

    @property
    def beats(self) -> int:
        """Length in beats."""
        return self.bars * self.beats_per_bar

    def fill(self, bars: int) -> Chart:
        """The chart repeated, or cut, to that many bars. ChordError for fewer than one."""
        if bars < 1:
            raise ChordError(f"a chart cannot have {bars} bars: ask for at least 1")
        turns, end = range(-(-bars // self.bars)), bars * self.beats_per_bar
        spans = [span for turn in turns for span in _moved(self.spans, turn * self.beats) if span.start_beat < end]
        sections = [
            Section(name, start + turn * self.beats)
            for turn in turns
            for name, start in self.sections
            if start + turn * self.beats < end
        ]
        return Chart(tuple(spans), bars, self.metre, tuple(sections))

    def cut(self, begin: int, end: int) -> Chart:
        """The bars from begin up to end, counted from 0 and end not among them, as a chart without sections."""
        from_beat, to_beat = begin * self.beats_per_bar, end * self.beats_per_bar
        spans = (span for span in self.spans if from_beat <= span.start_beat < to_beat)
        return Chart(tuple(_moved(spans, -from_beat)), end - begin, self.metre)

    def followed_by(self, other: Chart) -> Chart:
        """This chart, then another one of the same metre."""
        sections = (Section(name, start + self.beats) for name, start in other.sections)
        return Chart(
            (*self.spans, *_moved(other.spans, self.beats)), self.bars + other.bars, self.metre,
            (*self.sections, *sections),
        )  # fmt: skip

    def turned(self, bars: int) -> Chart:
        """This chart, which goes round, begun so many bars later, as a chart without sections."""
        first = bars % self.bars
        return self.cut(first, self.bars).followed_by(self.cut(0, first))

    def changes(self, tempo_bpm: float) -> list[tuple[float, Chord | None]]:
        """(onset_s, chord) of every change: what Session.set_chords takes. A chord that goes on is not named again."""
        changes: list[tuple[float, Chord | None]] = []
        for start, _, chord in self.spans:
            if not changes or changes[-1][1] != chord:
                changes.append((start * 60 / tempo_bpm, chord))
        return changes


def _moved(spans: Iterable[ChordSpan], beats: int) -> Iterator[ChordSpan]:
    return (ChordSpan(start + beats, end + beats, chord) for start, end, chord in spans)


def parse_chart(
    text: str, beats_per_bar: int | None = None, *, metre: Metre | None = None, otherwise: Metre | None = None
) -> Chart:
    """Reads a chart and plays its repeats out.

    `|` (or a line's end) ends a bar; several chords share a bar evenly. With no `|` at all every chord is one bar.
    `%` alone in a bar repeats the bar before, `%%` the two bars before; `%`, `/` or `.` beside chords holds the chord
    before for one more share. An empty bar (`| |`, with a blank) holds the chord before. `||`, and bar lines at either
    end, add no bar. `|: :|`, endings `1.` `2.`, `x3`, sections `[A]` and a metre in front are read: docs/CHARTS.md.

    metre, or beats_per_bar of quarters: the one it is to be in. otherwise: the one it is in where neither is given nor
    the chart names one; 4/4 without.
    ChordError: an empty chart, a `%` with nothing before it, a metre other than the chart's own, furniture that says
    nothing, or a wrong symbol; the text names bar, line and column, and what to write.
    """
    if metre is None and beats_per_bar is not None:
        metre = Metre(beats_per_bar, 4)

    def refuse(bar: int, at: int, reason: str) -> NoReturn:
        raise _error(text, bar, at, reason)

    written = read_bars(text, refuse)
    bars = written.bars
    if not any(bar.words for bar in bars):
        raise ChordError("the chord chart is empty: write chords, as in 'Dm7 | G7 | Cmaj7 | %'")
    if written.metre and metre and written.metre != metre:
        raise ChordError(f"the chart is in {written.metre}, but {metre} is asked for: give one of them")
    metre = written.metre or metre or otherwise or COMMON
    bars = _without_repeated(bars)
    order = in_order(bars, refuse)
    contents = _read_contents(text, bars, order, metre)
    spans: list[ChordSpan] = []
    sections: list[Section] = []
    for number, index in enumerate(order):
        offset = number * metre.beats
        sections += [Section(name, float(offset)) for name in bars[index].sections]
        spans += _moved(contents[index], offset)
    return Chart(tuple(spans), len(order), metre, tuple(sections))


def _without_repeated(bars: list[Bar]) -> list[Bar]:
    """The bars with `%` and `%%`, as two of them, told by how far back they repeat instead of by words."""
    told: list[Bar] = []
    for bar in bars:
        words = [word.text for word in bar.words]
        if words in (["%"], ["%%"]):
            back = len(words[0])
            if back == 2:  # what ends a repeat stands behind the second
                told.append(Bar([], bar.at, bar.sections, bar.endings, bar.starts, back=back))
                bar.sections, bar.starts = [], False
            bar.words, bar.back = [], back
        told.append(bar)
    return told


def _read_contents(text: str, bars: list[Bar], order: list[int], metre: Metre) -> list[list[ChordSpan]]:
    """The spans of each bar from its bar line. What repeats or holds takes from what is played before it first."""
    reader = SymbolReader(word.text for bar in bars for word in bar.words)
    contents: dict[int, list[ChordSpan]] = {}
    for place, index in enumerate(order):
        if index in contents:
            continue
        bar, before = bars[index], contents[order[place - 1]][-1].chord if place else None
        if bar.back > place:
            bars_before = "the bar before, but this is the first" if bar.back == 1 else "two bars that are not there"
            raise _error(text, index + 1, bar.at, f"{'%' * bar.back!r} repeats {bars_before}: write a chord")
        if bar.back:
            contents[index] = contents[order[place - bar.back]]
        elif bar.words:
            contents[index] = _read_bar(text, index + 1, bar.words, metre.beats, before, reader, first=not contents)
        elif not contents:
            reason = "an empty bar holds the chord before, but there is none: write a chord"
            raise _error(text, index + 1, bar.at, reason)
        else:
            contents[index] = [ChordSpan(0.0, float(metre.beats), before)]
    return [contents[index] for index in range(len(bars))]


def _read_bar(
    text: str, number: int, words: list[Word], beats: int, before: Chord | None, reader: SymbolReader, *, first: bool
) -> list[ChordSpan]:
    share = beats / len(words)
    spans: list[ChordSpan] = []
    for i, word in enumerate(words):
        end = (i + 1) * share
        if word.text in HOLDS:
            if not spans and first:
                reason = f"{word.text!r} holds the chord before, but there is none: write a chord"
                raise _error(text, number, word.at, reason)
            if spans:
                spans[-1] = spans[-1]._replace(end_beat=end)
                continue
            chord = before
        else:
            try:
                chord = reader.read(word.text)
            except ChordError as error:
                from engine.chords.charts.slips import why_not_read

                raise _error(text, number, word.at, why_not_read(text, word) or str(error)) from None
        spans.append(ChordSpan(i * share, end, chord))
    return spans


def _error(text: str, bar: int, at: int, reason: str) -> ChordError:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    where = f"bar {bar}, line {line}, column {column}" if "\n" in text.strip() else f"bar {bar}, column {column}"
    return ChordError(f"{where}: {reason}")
