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

__all__ = ["Piece", "Source", "find_sources", "read_piece"]

# Onsets of a metrical file lie on simple fractions of its beats; a performance's are spread evenly.
GRID_DIVISIONS = 24
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

    An INDEX.jsonl at the top (one JSON object a file: path, source, licence, work_cluster) is obeyed: only files that
    it lists are taken, and files of one work_cluster are one work. Without it a work is a file's content.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: give a folder of MIDI files")
    index: dict[str, dict[str, object]] = {}
    for place in (folder, folder.parent):
        if (place / "INDEX.jsonl").is_file():
            for line in (place / "INDEX.jsonl").read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                index[str((place / row["path"]).resolve())] = row
            break
    sources = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".mid", ".midi") or not path.is_file():
            continue
        row = index.get(str(path.resolve()))
        if index and row is None:
            continue
        name = path.relative_to(folder).as_posix()
        row = row or {}
        work = row.get("work_cluster") or hashlib.sha256(path.read_bytes()).hexdigest()
        collection, licence = str(row.get("source", "files")), str(row.get("licence", "unknown"))
        sources.append(Source(path, name, collection, str(work), licence))
    if not sources:
        raise DataError(f"{folder}: holds no .mid or .midi file: give a folder of MIDI files")
    return sources


def read_piece(source: Source) -> Piece:
    """Reads a file, its chord and beat labels. MidiFileError if it is broken."""
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
    for division in (8, 12):
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
    """OpenEWLD: NAME.json beside the melody's MIDI file."""
    labels = source.path.with_suffix(".json")
    if not labels.is_file():
        return None
    performance = read_performance(source.path)
    chords, beats_s, beat_in_bar = read_openewld(labels)
    return Piece(
        source,
        Performance(performance.notes, beats_s=beats_s, beat_in_bar=beat_in_bar),
        chords,
        "annotation",
        "annotation",
    )
