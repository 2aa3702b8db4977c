"""`NAME.chords`: a chart with times, written by `sideman chords`, corrected by a person, obeyed by `sideman prepare`.

    # the beats of a bar; 4 if nothing is said
    beats 4
       2.000 | Dm7 | G7 / / Db7 |           bars lie evenly between their time and the next
       6.000 6.480 7.020 7.600 | Cmaj7 |    or the time of every beat; `.` for a beat before the first or after the last
       8.120 8.600 9.110 9.630 : C6 A7      a colon in the bar line's place: beats of unknown bars
       9.350 Am7                            a chord from that second on, wherever it lies

Beats may lie before second 0, where a bar begins before the music does; chords begin at 0 at the earliest.

docs/CHORDS.md is the whole page.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.arrays import F64, I64
from engine.chords.chord import Chord, ChordLabels, add_label
from engine.chords.symbol import SymbolReader
from engine.errors import ChordError, DataError

__all__ = ["MAX_BEATS_PER_BAR", "ChordsFile", "even_beats", "parse_chords_file", "read_chords_file"]

MAX_BEATS_PER_BAR = 32
_DIGITS = 3
_SHOWN = 40  # letters of a word that is refused
_STEP_S = 10.0**-_DIGITS
_TIME = re.compile(r"(-?)(?:(\d{1,5}):(?=\d\d?(?:\.|s?$)))?(\d{1,7}(?:\.\d+)?)s?")  # up to months
_WORD = re.compile(r"\||(?<!\S):(?!\S)|(?:\([^()|\n]*\)|[^\s|])+")  # a chord may hold blanks inside its brackets


@dataclass(frozen=True)
class ChordsFile:
    """What a .chords file says.

    chords: (onset_s, chord) of every change, rising from 0.0; beats_s: (B,) seconds, empty where the file names no
    beats; beat_in_bar: (B,) index of each beat in its bar, None where the bars are unknown.
    """

    chords: ChordLabels
    beats_s: F64 = field(default_factory=lambda: np.zeros(0))
    beat_in_bar: I64 | None = None


class _Word(NamedTuple):
    text: str
    column: int


@dataclass
class _Line:
    """One line of beats: its times (None for a beat that is not there) and the words of its bars."""

    number: int
    times_s: list[float | None]
    bars: list[list[_Word]]
    beats_per_bar: int
    known_bars: bool


def read_chords_file(path: str | Path) -> ChordsFile:
    """Reads NAME.chords. DataError: missing, no UTF-8, or a wrong line; the text names file, line, column, remedy."""
    source = Path(path)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}): check the path") from None
    except UnicodeDecodeError:
        raise DataError(f"{source}: is no UTF-8 text: save it again as UTF-8") from None
    return parse_chords_file(text, str(source))


def parse_chords_file(text: str, name: str = "chart") -> ChordsFile:
    """The text of a .chords file -> ChordsFile. DataError names `name`, line, column and the remedy."""
    return _Reader(name).read(text)


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._changes: list[tuple[float, Chord | None]] = []
        self._times_s: list[float] = []
        self._in_bar: list[int] = []
        self._previous: list[_Word] = []  # the bar before, for %
        self._symbols = SymbolReader(())
        self._beat_s: float | None = None  # length of the last beat known, for a last line with one time

    def read(self, text: str) -> ChordsFile:
        rows = _rows(text)
        # Words of comments, a file's name among them, are in no language of chords.
        self._symbols = SymbolReader(word.text for _, words in rows for word in words)
        lines: list[_Line] = []
        loose: list[tuple[float, Chord | None]] = []
        beats_per_bar, latest_s = 4, -math.inf
        for number, words in rows:
            if words[0].text == "beats":
                beats_per_bar = self._beats(number, words)
                continue
            line, times = self._line(number, words, beats_per_bar)
            first_s = next(time_s for time_s in times if time_s is not None)
            if first_s < latest_s:
                reason = f"{first_s:.3f} lies before {latest_s:.3f} above it: put the lines in order of time"
                raise self._error(number, words[0].column, reason)
            latest_s = first_s
            if line is not None:
                lines.append(line)
            else:
                loose.append((first_s, self._chord(number, words[1])))
        if len({line.known_bars for line in lines}) > 1:
            other = next(line for line in lines if line.known_bars != lines[0].known_bars)
            raise self._error(other.number, 1, "'|' and ':' are mixed: write '|' throughout, or ':'")
        for index, line in enumerate(lines):
            self._bars(line, lines[index + 1] if index + 1 < len(lines) else None)
        if not self._changes and not loose:
            raise DataError(f"{self._name}: holds no chord: write lines like '0.000 Dm7' or '0.000 | Dm7 | G7 |'")
        labels: ChordLabels = []
        for onset_s, chord in _from_zero(_merged(self._changes, loose)):
            # A chord from the beginning on is written at the beat it falls on, to a thousandth.
            add_label(labels, onset_s if labels or onset_s > 2 * _STEP_S else 0.0, chord)
        known = np.array(self._in_bar, dtype=np.int64) if lines and lines[0].known_bars else None
        return ChordsFile(labels, np.array(self._times_s, dtype=np.float64), known)

    def _beats(self, number: int, words: list[_Word]) -> int:
        count = words[1].text if len(words) == 2 else ""
        if not re.fullmatch(r"\d{1,4}", count) or not 1 <= int(count) <= MAX_BEATS_PER_BAR:
            remedy = f"write 'beats 4', or another number from 1 to {MAX_BEATS_PER_BAR}"
            raise self._error(number, words[-1].column, f"the beats of a bar are missing or wrong: {remedy}")
        return int(count)

    def _line(self, number: int, words: list[_Word], beats_per_bar: int) -> tuple[_Line | None, list[float | None]]:
        """A line with a bar sign, or None and the time of `seconds chord`."""
        sign = next((i for i, word in enumerate(words) if word.text in ("|", ":")), None)
        times: list[float | None] = []
        for word in words[: 1 if sign is None else sign]:
            time_s = None if word.text == "." and sign is not None else self._time(number, word)
            before = [t for t in times if t is not None]
            if time_s is not None and before and time_s <= before[-1]:
                raise self._error(number, word.column, f"{word.text} is not after {before[-1]:.3f}: beats must rise")
            times.append(time_s)
        if not any(time_s is not None for time_s in times):
            raise self._error(number, words[0].column, "a time is missing: begin with seconds, as in '2.000 |'")
        if sign is None:
            if len(words) != 2:
                column = words[min(len(words) - 1, 2)].column
                raise self._error(number, column, "one chord follows a time, as in '2.000 Dm7': or write '|' after it")
            return None, times
        bars: list[list[_Word]] = [[]]
        for word in words[sign + 1 :]:
            if word.text == "|":
                bars.append([])
            else:
                bars[-1].append(word)
        bars = [bar for bar in bars if bar]
        known_bars = words[sign].text == "|"
        if not bars:
            raise self._error(number, words[sign].column, "no chord follows: write one, '/' to hold, or N.C.")
        if len(times) > 1 and len(bars) > 1:
            raise self._error(number, bars[1][0].column, "beats are timed for one bar: begin a line for the next")
        if known_bars and len(times) > 1 and len(times) != beats_per_bar:
            remedy = f"write 'beats {len(times)}' above it, or '.' for each beat that is not there"
            reason = f"{len(times)} times in a bar of {beats_per_bar} beats: {remedy}"
            raise self._error(number, words[0].column, reason)
        return _Line(number, times, bars, beats_per_bar if known_bars else len(times), known_bars), times

    def _bars(self, line: _Line, following: _Line | None) -> None:
        """Adds the beats and changes of one line; `following` says where its even bars end."""
        times = line.times_s
        if len(times) == 1 and line.beats_per_bar * len(line.bars) > 1:
            times = self._even(line, following)
        for index, bar in enumerate(line.bars):
            here = times[index * line.beats_per_bar : (index + 1) * line.beats_per_bar]
            beats = [time_s for time_s in here if time_s is not None]
            if self._times_s and beats[0] <= self._times_s[-1]:
                reason = f"the bar begins at {beats[0]:.3f}, before the last beat above it ({self._times_s[-1]:.3f})"
                raise self._error(line.number, 1, f"{reason}: correct one of the times")
            self._in_bar += [place for place, time_s in enumerate(here) if time_s is not None]
            self._times_s += beats
            end_s = _after(
                beats, [*times[(index + 1) * line.beats_per_bar :], *(following.times_s if following else [])]
            )
            self._shares(line.number, bar, [*beats, end_s])
        present = [time_s for time_s in times if time_s is not None]
        if len(present) > 1:
            self._beat_s = present[-1] - present[-2]

    def _even(self, line: _Line, following: _Line | None) -> list[float | None]:
        start_s = line.times_s[0]
        assert start_s is not None
        count = line.beats_per_bar * len(line.bars)
        next_s = None if following is None else following.times_s[0]
        if next_s is not None:
            end_s = next_s
        elif self._beat_s is not None:
            end_s = start_s + count * self._beat_s
        else:
            reason = "where this line's bars end is unknown: give the time of every beat, or a line after it"
            raise self._error(line.number, 1, reason)
        beats = even_beats(start_s, end_s, count)
        if not beats:
            raise self._error(line.number, 1, f"{count} beats do not fit before {end_s:.3f}: correct one of the times")
        return list(beats)

    def _shares(self, number: int, words: list[_Word], beats: list[float]) -> None:
        """Changes of one bar whose words share it evenly. beats: its beats and the moment it ends."""
        if [word.text for word in words] == ["%"]:
            if not self._previous:
                raise self._error(number, words[0].column, "'%' repeats the bar before: write a chord in the first")
            words = self._previous
        self._previous = words
        share = (len(beats) - 1) / len(words)
        for i, word in enumerate(words):
            if word.text in ("/", "%"):
                if not self._changes:
                    reason = f"{word.text!r} holds the chord before, but there is none: write a chord or N.C."
                    raise self._error(number, word.column, reason)
                continue
            onset_s = float(np.interp(i * share, np.arange(len(beats)), beats))
            self._changes.append((round(onset_s, _DIGITS), self._chord(number, word)))

    def _time(self, number: int, word: _Word) -> float:
        found = _TIME.fullmatch(word.text)
        if not found:
            reason = (
                f"{word.text[:_SHOWN]!r} is no time: write seconds, as in 12.5, or minutes and seconds, as in 1:02.5"
            )
            raise self._error(number, word.column, reason)
        time_s = round(60.0 * int(found[2] or 0) + float(found[3]), _DIGITS)
        return -time_s if found[1] and time_s else time_s

    def _chord(self, number: int, word: _Word) -> Chord | None:
        try:
            return self._symbols.read(word.text)
        except ChordError as error:
            raise self._error(number, word.column, str(error)) from None

    def _error(self, line: int, column: int, reason: str) -> DataError:
        return DataError(f"{self._name}, line {line}, column {column}: {reason}")


def _rows(text: str) -> list[tuple[int, list[_Word]]]:
    """Number and words of every line that says something."""
    rows = []
    for number, row in enumerate(text.split("\n"), start=1):
        words = [_Word(found[0], found.start() + 1) for found in _WORD.finditer(row)]
        if words and not words[0].text.startswith("#"):
            rows.append((number, words))
    return rows


def even_beats(start_s: float, end_s: float, count: int) -> list[float]:
    """The times of a bar's beats where the file gives only its first: even shares, in whole milliseconds.

    None where they do not fit.
    """
    if (end_s - start_s) / count < _STEP_S:
        return []
    return [round(start_s + i * (end_s - start_s) / count, _DIGITS) for i in range(count)]


def _after(beats: list[float], later: list[float | None]) -> float:
    """Where a bar ends: at the next beat there is, else one beat after its last."""
    for time_s in later:
        if time_s is not None:
            return time_s
    return beats[-1] + (beats[-1] - beats[-2] if len(beats) > 1 else 0.5)


def _merged(
    bars: list[tuple[float, Chord | None]], loose: list[tuple[float, Chord | None]]
) -> list[tuple[float, Chord | None]]:
    """Both lists in order of time; a chord with a time of its own replaces a bar's at the same moment."""
    at = dict(bars)
    at.update(loose)
    return sorted(at.items(), key=lambda change: change[0])


def _from_zero(changes: list[tuple[float, Chord | None]]) -> list[tuple[float, Chord | None]]:
    """The changes from second 0 on, the first of them the chord that holds there."""
    before = [chord for onset_s, chord in changes if onset_s <= 0]
    return [(0.0, chord) for chord in before[-1:]] + [change for change in changes if change[0] > 0]
