"""Chord labels that data sets bring along, read into (onset_s, chord) lists like the recogniser's."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from engine.chords.chord import Chord, ChordLabels, add_label
from engine.chords.files.chords_file import ChordsFile, read_chords_file
from engine.chords.files.text_labels import read_text_labels
from engine.chords.symbol import parse_chord
from engine.errors import ChordError, DataError
from engine.midi_io.tempo_map import beat_grid

__all__ = [
    "ChordLabels", "ChordsFile", "Labels", "is_openewld", "read_chords_file", "read_openewld", "read_pop909",
    "read_text_labels",
]  # fmt: skip

Labels: TypeAlias = tuple[ChordLabels, npt.NDArray[np.float64], npt.NDArray[np.int64]]
"""Chords, (B,) beat times in seconds, (B,) index of each beat in its bar."""

# POP909's shorthands (Harte 2005) -> our qualities.
_HARTE = {
    "maj": "", "min": "m", "dim": "dim", "aug": "aug", "sus4": "sus4", "sus2": "sus2", "maj6": "6", "min6": "m6",
    "7": "7", "maj7": "maj7", "min7": "m7", "minmaj7": "mMaj7", "hdim7": "m7b5", "dim7": "dim7", "sus4(b7)": "7sus4",
    "9": "9", "maj9": "maj9", "min9": "m9",
}  # fmt: skip
_DEGREES = {"b2": 1, "2": 2, "b3": 3, "3": 4, "4": 5, "b5": 6, "5": 7, "#5": 8, "b6": 8, "6": 9, "b7": 10, "7": 11}

# music21 kinds whose figure says nothing -> the suffix to read.
_KINDS = {"augmented-ninth": "9#5", "minor-major": "mMaj7", "maj69": "69"}

_OPENEWLD = (b'"bpm"', b'"chords"', b'"time_signatures"')  # keys of every lead sheet; other programs' JSON lacks some
_MAX_BEATS = 1_000_000  # of a lead sheet
_TICKS = 480  # a quarter note, only to hand whole ticks to beat_grid


def read_pop909(folder: str | Path) -> Labels:
    """chord_midi.txt and beat_midi.txt of one POP909 song.

    DataError: a file is missing, or a line cannot be read (its number is named).
    """
    source = Path(folder)
    chords: ChordLabels = []
    end_s = 0.0
    for number, fields in _rows(source / "chord_midi.txt", 3):
        try:
            onset_s, end_s, chord = _finite(fields[0]), _finite(fields[1]), _harte_chord(fields[2])
        except (KeyError, ValueError, ChordError):
            where = f"{source / 'chord_midi.txt'}, line {number}"
            raise DataError(f"{where}: {' '.join(fields)!r} is no 'start end root:quality': restore the file") from None
        add_label(chords, onset_s, chord)
    add_label(chords, end_s, None)
    times, downbeat = [], []
    for number, fields in _rows(source / "beat_midi.txt", 3):
        try:
            times.append(_finite(fields[0]))
            downbeat.append(_finite(fields[2]) > 0)  # the third column counts bars of four, the second half bars
        except ValueError:
            where = f"{source / 'beat_midi.txt'}, line {number}"
            raise DataError(f"{where}: {' '.join(fields)!r} is no 'time beat downbeat': restore the file") from None
    return chords, np.array(times), _count_from_downbeats(np.array(downbeat, dtype=bool))


def is_openewld(path: Path) -> bool:
    """Whether a JSON file has the keys of an OpenEWLD lead sheet, however broken the rest is."""
    try:
        data = path.read_bytes()
    except OSError:
        return True  # read_openewld says why it cannot be read
    return all(key in data for key in _OPENEWLD)


def read_openewld(path: str | Path, end_s: float = 0.0) -> Labels:
    """Chords of one OpenEWLD lead sheet (JSON; beats counted in quarter notes at a constant tempo).

    The beats reach end_s (the length of the melody beside it), or the last chord where that lies later.
    DataError: missing or not such a file.
    """
    source = Path(path)
    try:
        sheet = json.loads(source.read_text(encoding="utf-8"))
        seconds = 60.0 / _finite(sheet["bpm"])
        chords: ChordLabels = []
        for row in sheet["chords"]:
            chord = _music21_chord(row["root"], row["figure"], row["kind"], row["bass"])
            add_label(chords, _finite(row["beat"]) * seconds, chord)
        signatures = [(round(beat * _TICKS), int(num), int(den)) for beat, num, den in sheet["time_signatures"]]
        last_beat = max([end_s, *(onset_s for onset_s, _ in chords)]) / seconds
        shortest = max([4, *(den for _, _, den in signatures)])
        if not 0 <= last_beat * shortest / 4 <= _MAX_BEATS:
            raise ValueError(f"{last_beat:g} quarter notes")
    except (
        OSError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, ChordError,
    ) as error:  # fmt: skip
        raise DataError(f"{source}: not an OpenEWLD lead sheet ({error}): restore the file") from None
    ticks, in_bar = beat_grid(_TICKS, signatures, round(last_beat * _TICKS))
    return chords, ticks / _TICKS * seconds, in_bar


def _finite(text: str | float) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number of seconds or beats")
    return number


def _rows(path: Path, columns: int) -> list[tuple[int, list[str]]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}): give the folder of one POP909 song") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no UTF-8 text: restore the file") from None
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    for number, fields in rows:
        if len(fields) != columns:
            raise DataError(f"{path}, line {number}: has {len(fields)} columns, not {columns}: restore the file")
    return rows


def _harte_chord(text: str) -> Chord | None:
    """`F#:maj7/5` -> Chord. The bass is a degree above the root."""
    if text == "N":
        return None
    root_name, _, rest = text.partition(":")
    shorthand, _, degree = rest.partition("/")
    root = parse_chord(root_name)
    if root is None:
        raise ValueError(text)
    bass = (root.root + _DEGREES[degree]) % 12 if degree else None
    return Chord(root.root, _HARTE[shorthand], bass)


def _music21_chord(root: str, figure: str, kind: str, bass: str) -> Chord | None:
    """A music21 figure, which writes flats as `-`, alterations as ` alter b5` and additions as ` add 9`."""
    suffix = figure.removeprefix(root)
    if "/" in suffix:  # the bass, with what music21 wrote behind it
        head, _, tail = suffix.partition("/")
        suffix = head + tail.lstrip("ABCDEFG#-")
    suffix = suffix.replace(" alter ", "").replace(" add ", "add").replace(" subtract ", "no").strip()
    if suffix == "pedal":
        suffix = "5"  # a held bass without a third
    suffix = {"power": "5"}.get(suffix, suffix) or _KINDS.get(kind, "")
    below = "" if bass == root else "/" + bass.replace("-", "b")
    return parse_chord(root.replace("-", "b") + suffix + below)


def _count_from_downbeats(downbeat: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """(B,) True at downbeats -> (B,) index in the bar. Those before the first downbeat end a bar of 4."""
    index = np.arange(len(downbeat))
    if not downbeat.any():
        return index % 4
    last = np.maximum.accumulate(np.where(downbeat, index, -1))
    result: npt.NDArray[np.int64] = np.where(last >= 0, index - last, (index - int(np.argmax(downbeat))) % 4)
    return result
