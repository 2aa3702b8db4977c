"""Lists what a folder of MIDI holds: files, their licence and work, and where their chords and beats come from."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.arrays import F64, I64
from engine.beats.map_phase import SAME_BEAT, true_phase
from engine.beats.phase import UNKNOWN_IN_BAR
from engine.beats.tracking import CONFIDENT, estimate_beats
from engine.chords import Chord
from engine.chords.files.labels import (
    Labels,
    is_openewld,
    read_chords_file,
    read_openewld,
    read_pop909,
    read_text_labels,
)
from engine.chords.recognise import recognise
from engine.errors import DataError
from engine.midi_io.pedal import as_held
from engine.midi_io.read import read_performance
from engine.notes import Notes, Performance

__all__ = ["UNLISTED", "Piece", "Source", "find_sources", "is_metrical", "one_line", "read_piece", "sidecars", "survey"]

INDEX = "INDEX.jsonl"
UNLISTED = {"collection": "files", "licence": "unknown"}  # of a file that no index speaks of
SUFFIXES = (".mid", ".midi", ".kar", ".smf")
POP909_FILES = ("chord_midi.txt", "beat_midi.txt")

# Onsets of a metrical file lie on simple fractions of its beats; a performance's are spread evenly.
GRID_DIVISIONS = (8, 12)
GRID_TOLERANCE_BEATS = 0.008
GRID_SHARE = 0.85

Tracks = str | Sequence[str]


class Source(NamedTuple):
    """One MIDI file and what the folder's INDEX.jsonl, if any, says of it."""

    path: Path
    name: str  # relative to the folder
    collection: str  # source's name, for reports by source
    work: str | None  # files with the same work never stand on both sides of a split; None: only the notes can tell
    licence: str


@dataclass(frozen=True)
class Piece:
    """A readable file with its labels. chords: (onset_s, chord) from the first label on."""

    source: Source
    performance: Performance  # pedal already extended into the notes
    chords: list[tuple[float, Chord | None]]
    chord_source: str  # chords file | midi text | annotation | recognised
    beat_source: str  # chords file | annotation | tempo map | estimated | none
    beat_confidence: float | None = None  # of an estimate, also of one too uncertain to be used
    struck: Notes | None = None  # the notes before the pedal lengthened them; None: performance.notes
    labels: Mapping[str, str] = field(default_factory=dict)  # what it is by name: control -> label


def find_sources(folder: Path) -> list[Source]:
    """Every MIDI file below the folder (.mid .midi .kar .smf in any case), in a fixed order. DataError: there is none.

    An INDEX.jsonl in the folder or beside it (one JSON object a file: path, source, licence, work_cluster) is obeyed:
    only files that it lists are taken, and files of one work_cluster are one work. Without it the collection is
    "files". DataError also if the index is broken. Links to folders are followed once.
    """
    return survey(folder)[0]


def survey(folder: Path) -> tuple[list[Source], list[tuple[str, str]]]:
    """What find_sources finds, and what an index leaves out: name and reason.

    That is each file that it does not list, and each of its lines whose file is not there.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: give a folder of MIDI files")
    index = _read_index(folder)
    sources, left_out = [], []
    for path in _files(folder):
        row, name = index.get(os.path.realpath(path)), one_line(path.relative_to(folder).as_posix())
        if index and row is None:
            left_out.append((name, f"{INDEX} does not list it: add a line with its path there, or remove the index"))
            continue
        work, collection, licence = row or (None, UNLISTED["collection"], UNLISTED["licence"])
        sources.append(Source(path, name, collection, work, licence))
    if not sources:
        listed = f" that {INDEX} lists" if index else ""
        raise DataError(f"{folder}: holds no .mid or .midi file{listed}: give a folder of MIDI files")
    inside = Path(os.path.realpath(folder))
    gone = [Path(real) for real in index if not os.path.exists(real)]
    left_out += [
        (one_line(path.relative_to(inside).as_posix()), f"{INDEX} lists it, but it is not there: restore the file")
        for path in gone
        if path.is_relative_to(inside)  # an index beside the folder speaks of others, too
    ]
    return sources, left_out


def _files(folder: Path) -> list[Path]:
    found, seen = [], set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link back up
            folders.clear()
            continue
        seen.add(real)
        paths = (Path(place, name) for name in names if name.lower().endswith(SUFFIXES))
        found += [path for path in paths if path.is_file()]
    return sorted(found)


def one_line(text: object) -> str:
    """Returns any text as one line of valid UTF-8: file names may hold line breaks and bytes that are no text."""
    return " ".join(str(text).split()).encode("utf-8", "backslashreplace").decode()


def _read_index(folder: Path) -> dict[str, tuple[str | None, str, str]]:
    """Real path -> work, collection and licence by the INDEX.jsonl in the folder or, failing that, beside it."""
    place = next((place for place in (folder, folder.parent) if (place / INDEX).is_file()), None)
    index: dict[str, tuple[str | None, str, str]] = {}
    if place is None:
        return index
    number = 0
    try:
        with (place / INDEX).open("rb") as lines:  # as bytes, whose byte order mark json knows
            for line in lines:
                number += 1
                if line.strip():
                    row = json.loads(line)
                    work = row.get("work_cluster")
                    collection = row.get("source", UNLISTED["collection"])
                    licence = row.get("licence", UNLISTED["licence"])
                    facts = (None if work is None else one_line(work), one_line(collection), one_line(licence))
                    index[os.path.realpath(place / row["path"])] = facts
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        where = f"{INDEX}, line {number}" if number else INDEX
        raise DataError(f"{place / where}: not a line of JSON with a path ({reason}): restore or remove it") from None
    return index


def sidecars(path: Path) -> list[Path]:
    """Returns the files beside a MIDI file that its labels come from."""
    beside = [path.with_suffix(".chords"), path.with_suffix(".json"), *(path.parent / name for name in POP909_FILES)]
    return [file for file in beside if file.is_file()]


def read_piece(source: Source, tracks: Tracks = "auto") -> Piece:
    """Reads a file, its chord and beat labels. MidiFileError or DataError if it or its labels are broken.

    Chords come from the first of these that there is: NAME.chords beside the file, a data set's annotation (POP909,
    OpenEWLD), credible chord symbols in the file's texts, the recogniser. Beats: NAME.chords, annotation, the tempo map
    of a metrical file, an estimate where it is confident; else there are none.
    """
    piece = _read_pop909(source, tracks) or _read_openewld(source, tracks) or _read_file(source, tracks)
    corrected = source.path.with_suffix(".chords")
    if not corrected.is_file():
        return piece
    chart = read_chords_file(corrected)
    piece = replace(piece, chords=chart.chords, chord_source="chords file")
    if len(chart.beats_s) == 0:
        return piece
    performance = replace(
        piece.performance, beats_s=chart.beats_s, beat_in_bar=_in_bar(chart.beats_s, chart.beat_in_bar)
    )
    return replace(piece, performance=performance, beat_source="chords file", beat_confidence=None)


def _read_file(source: Source, tracks: Tracks) -> Piece:
    performance = read_performance(source.path, tracks=tracks, beats=True)
    struck, confidence = performance.notes, None
    mapped = _map_beats(performance)
    if mapped is not None:
        (beats_s, beat_in_bar), beat_source = mapped, "tempo map"
    else:
        estimate = estimate_beats(struck)
        confidence = round(float(estimate.confidence), 3)
        beats_s, beat_in_bar, beat_source = np.zeros(0), np.zeros(0, dtype=np.int64), "none"
        if estimate.confidence >= CONFIDENT:
            beats_s, beat_source = estimate.beats_s, "estimated"
            beat_in_bar = _in_bar(beats_s, estimate.beat_in_bar)
    chords, chord_source = read_text_labels(performance.texts), "midi text"
    if chords is None:
        # Before pedal extension: blurred harmonies cost the recogniser six points of agreement on POP909.
        chords, chord_source = recognise(struck, beats_s if len(beats_s) else None), "recognised"
    labelled = _labelled(as_held(performance), beats_s, beat_in_bar)
    return Piece(source, labelled, chords, chord_source, beat_source, confidence, struck)


def _labelled(held: Performance, beats_s: F64, beat_in_bar: I64) -> Performance:
    """Returns notes and beats, with what the file's damage is."""
    return Performance(held.notes, beats_s=beats_s, beat_in_bar=beat_in_bar, repairs=held.repairs, doubt=held.doubt)


def _map_beats(performance: Performance) -> tuple[F64, I64] | None:
    """Returns the beats of a tempo map, moved to the phase of the onsets; None if the map means nothing."""
    if not is_metrical(performance):
        return None
    beats_s = performance.beats_s
    phase = true_phase(performance.notes, beats_s)
    if not phase:
        return None if phase is None else (beats_s, performance.beat_in_bar)
    ahead_s = np.concatenate([[2 * beats_s[0] - beats_s[1]], beats_s])  # music may begin before the map's first beat
    moved_s = ahead_s[:-1] + phase * np.diff(ahead_s)
    if phase < SAME_BEAT:
        return np.append(moved_s[1:], beats_s[-1] + phase * (beats_s[-1] - beats_s[-2])), performance.beat_in_bar
    if phase > 1 - SAME_BEAT:
        return moved_s, performance.beat_in_bar
    return moved_s, np.full(len(moved_s), UNKNOWN_IN_BAR)


def _in_bar(beats_s: F64, known: I64 | None) -> I64:
    return np.full(len(beats_s), UNKNOWN_IN_BAR) if known is None else known


def is_metrical(performance: Performance) -> bool:
    """Whether the file's tempo map describes its music: notes start on simple fractions of its beats."""
    beats_s, onset_s = performance.beats_s, performance.notes["onset_s"]
    if len(beats_s) < 8 or len(onset_s) < 32:
        return False
    beat = np.interp(onset_s, beats_s, np.arange(len(beats_s)))
    distance = np.full(len(beat), 1.0)
    for division in GRID_DIVISIONS:
        distance = np.minimum(distance, np.abs(beat * division - np.rint(beat * division)) / division)
    return bool((distance < GRID_TOLERANCE_BEATS).mean() >= GRID_SHARE)


def _read_pop909(source: Source, tracks: Tracks) -> Piece | None:
    """POP909: a folder with chord_midi.txt and beat_midi.txt; the PIANO track is the arrangement."""
    if not (source.path.parent / POP909_FILES[0]).is_file():
        return None
    performance = read_performance(source.path, tracks=("PIANO",) if tracks == "auto" else tracks)
    return _annotated(source, performance.notes, as_held(performance), read_pop909(source.path.parent))


def _read_openewld(source: Source, tracks: Tracks) -> Piece | None:
    """OpenEWLD: NAME.json beside the melody's MIDI file. Another program's JSON is none of it."""
    labels = source.path.with_suffix(".json")
    if not labels.is_file() or not is_openewld(labels):
        return None
    performance = read_performance(source.path, tracks=tracks)
    read = read_openewld(labels, float(performance.notes["offset_s"].max()))
    return _annotated(source, performance.notes, performance, read)


def _annotated(source: Source, struck: Notes, held: Performance, labels: Labels) -> Piece:
    chords, beats_s, beat_in_bar = labels
    return Piece(source, _labelled(held, beats_s, beat_in_bar), chords, "annotation", "annotation", None, struck)
