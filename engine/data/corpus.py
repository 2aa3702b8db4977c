"""What a folder of MIDI holds: files, their licence and work, and where their chords and beats come from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.chords import Chord, recognise
from engine.chords.labels import read_openewld, read_pop909
from engine.errors import DataError
from engine.midi_io import extend_with_pedal, read_performance
from engine.notes import Performance

__all__ = ["Piece", "Source", "find_sources", "is_metrical", "one_line", "read_piece"]

INDEX = "INDEX.jsonl"

# Onsets of a metrical file lie on simple fractions of its beats; a performance's are spread evenly.
GRID_DIVISIONS = (8, 12)
GRID_TOLERANCE_BEATS = 0.008
GRID_SHARE = 0.85


@dataclass(frozen=True)
class Source:
    """One MIDI file and what the folder's INDEX.jsonl, if any, says of it."""

    path: Path
    name: str  # relative to the folder
    collection: str  # source's name, for reports by source
    work: str  # files with the same work never stand on both sides of a split
    licence: str


@dataclass(frozen=True)
class Piece:
    """A readable file with its labels. chords: (onset_s, chord) from the first label on."""

    source: Source
    performance: Performance  # pedal already extended into the notes
    chords: list[tuple[float, Chord | None]]
    chord_source: str  # annotation | recognised
    beat_source: str  # annotation | tempo map | none


def find_sources(folder: Path) -> list[Source]:
    """Every .mid or .midi below the folder, in a fixed order. DataError if there is none.

    An INDEX.jsonl in the folder or beside it (one JSON object a file: path, source, licence, work_cluster) is obeyed:
    only files that it lists are taken, and files of one work_cluster are one work. Without it a work is a file's
    content. DataError also if the index is broken.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: give a folder of MIDI files")
    index = _read_index(folder)
    sources = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".mid", ".midi") or not path.is_file():
            continue
        row = index.get(str(path.resolve()))
        if index and row is None:
            continue
        row = row or {}
        work = row.get("work_cluster") or _content(path)
        collection, licence = one_line(row.get("source", "files")), one_line(row.get("licence", "unknown"))
        sources.append(Source(path, one_line(path.relative_to(folder).as_posix()), collection, str(work), licence))
    if not sources:
        listed = f" that {INDEX} lists" if index else ""
        raise DataError(f"{folder}: holds no .mid or .midi file{listed}: give a folder of MIDI files")
    return sources


def one_line(text: object) -> str:
    """Any text as one line of valid UTF-8: file names may hold line breaks and bytes that are no text."""
    return " ".join(str(text).split()).encode("utf-8", "backslashreplace").decode()


def _read_index(folder: Path) -> dict[str, dict[str, object]]:
    """Resolved path -> row of the INDEX.jsonl in the folder or, failing that, beside it; {} if there is none."""
    place = next((place for place in (folder, folder.parent) if (place / INDEX).is_file()), None)
    index: dict[str, dict[str, object]] = {}
    if place is None:
        return index
    try:
        for line in (place / INDEX).read_text(encoding="utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                index[str((place / row["path"]).resolve())] = row
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{place / INDEX}: not lines of JSON with a path ({reason}): restore or remove it") from None
    return index


def _content(path: Path) -> str:
    """What makes two files the same work: their bytes. An unreadable file is its name; read_piece will refuse it."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return str(path)


def read_piece(source: Source) -> Piece:
    """Reads a file, its chord and beat labels. MidiFileError or DataError if it or its labels are broken."""
    for reader in (_read_pop909, _read_openewld):
        piece = reader(source)
        if piece is not None:
            return piece
    performance = read_performance(source.path, beats=True)
    metrical = is_metrical(performance)
    notes = extend_with_pedal(performance.notes, performance.pedal_s, performance.pedal_down)
    beats_s = performance.beats_s if metrical else np.zeros(0)
    beat_in_bar = performance.beat_in_bar if metrical else np.zeros(0, dtype=np.int64)
    # Before pedal extension: blurred harmonies cost the recogniser six points of agreement on POP909.
    chords = recognise(performance.notes, beats_s if metrical else None)
    return Piece(
        source,
        Performance(notes, beats_s=beats_s, beat_in_bar=beat_in_bar),
        chords,
        "recognised",
        "tempo map" if metrical else "none",
    )


def is_metrical(performance: Performance) -> bool:
    """Whether the file's tempo map means something: its notes start on simple fractions of its beats."""
    beats_s, onset_s = performance.beats_s, performance.notes["onset_s"]
    if len(beats_s) < 8 or len(onset_s) < 32:
        return False
    beat = np.interp(onset_s, beats_s, np.arange(len(beats_s)))
    distance = np.full(len(beat), 1.0)
    for division in GRID_DIVISIONS:
        distance = np.minimum(distance, np.abs(beat * division - np.rint(beat * division)) / division)
    return bool((distance < GRID_TOLERANCE_BEATS).mean() >= GRID_SHARE)


def _read_pop909(source: Source) -> Piece | None:
    """POP909: a folder with chord_midi.txt and beat_midi.txt; the PIANO track is the arrangement."""
    if not (source.path.parent / "chord_midi.txt").is_file():
        return None
    performance = read_performance(source.path, tracks=("PIANO",))
    chords, beats_s, beat_in_bar = read_pop909(source.path.parent)
    notes = extend_with_pedal(performance.notes, performance.pedal_s, performance.pedal_down)
    return Piece(
        source, Performance(notes, beats_s=beats_s, beat_in_bar=beat_in_bar), chords, "annotation", "annotation"
    )


def _read_openewld(source: Source) -> Piece | None:
    """OpenEWLD: NAME.json beside the melody's MIDI file. Another program's JSON is none of it."""
    labels = source.path.with_suffix(".json")
    if not labels.is_file() or b'"chords"' not in labels.read_bytes():
        return None
    performance = read_performance(source.path)
    chords, beats_s, beat_in_bar = read_openewld(labels, float(performance.notes["offset_s"].max()))
    return Piece(
        source,
        Performance(performance.notes, beats_s=beats_s, beat_in_bar=beat_in_bar),
        chords,
        "annotation",
        "annotation",
    )
