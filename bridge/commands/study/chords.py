"""`sideman chords FILE.mid`: the chords that `sideman prepare` would give a file, as a chart to correct and keep."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from engine.asked_tracks import TRACKS_HELP, asked_tracks
from engine.atomic import write_whole
from engine.beats.phase import UNKNOWN_IN_BAR
from engine.chords.files.chords_file import ChordsFile
from engine.chords.files.chords_writer import format_chords_file
from engine.data.reading.corpus import Piece, Source, one_line, read_piece
from engine.errors import DataError

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman chords`."""
    parser.add_argument("file", metavar="FILE.mid", type=Path)
    parser.add_argument("--tracks", metavar="WHICH", default="auto", help=TRACKS_HELP)
    parser.add_argument("-o", "--output", metavar="NAME.chords", type=Path, help="write the chart [print it]")
    parser.add_argument("--json", action="store_true", help="chords and beats as one JSON line instead of the chart")


def run(args: argparse.Namespace) -> int:
    """Prints or writes the chart. DataError rather than overwrite one: somebody may have corrected it by hand."""
    if args.file.is_dir():
        raise DataError(f"{args.file}: is a folder: give a MIDI file")
    if args.json and args.output is not None and args.output.suffix.lower() == ".chords":
        raise DataError(f"{args.output}: prepare reads a chart there, not JSON: leave --json out, or give another name")
    if args.output is not None and args.output.exists():
        raise DataError(f"{args.output}: exists, and may be corrected by hand: remove it, or give another name")
    source = Source(args.file, one_line(args.file.name), "files", None, "unknown")
    piece = read_piece(source, asked_tracks(args.tracks))
    if piece.performance.mended:
        print(f"{args.file}: {piece.performance.mended}", file=sys.stderr)
    chart = _chart(piece)
    text = _as_json(piece, chart) if args.json else format_chords_file(chart, _comments(piece, chart))
    if args.output is None:
        print(text, end="")
        return 0
    write_whole(args.output, text)
    changes = sum(chord is not None for _, chord in chart.chords)
    beside = args.file.with_suffix(".chords")
    obeyed = "" if args.output.resolve() == beside.resolve() else f"; prepare obeys it as {beside.name} beside the file"
    print(f"{args.output}: {changes} chords ({piece.chord_source}), beats: {piece.beat_source}{obeyed}")
    return 0


def _chart(piece: Piece) -> ChordsFile:
    in_bar = piece.performance.beat_in_bar
    known = len(in_bar) > 0 and not (np.asarray(in_bar) == UNKNOWN_IN_BAR).any()
    return ChordsFile(piece.chords, piece.performance.beats_s, in_bar if known else None)


def _comments(piece: Piece, chart: ChordsFile) -> list[str]:
    comments = [f"{piece.source.name}: chords {piece.chord_source}, beats: {piece.beat_source}"]
    if len(chart.beats_s) == 0:
        return [*comments, "A line is the second a chord begins, and the chord."]
    if chart.beat_in_bar is None:
        return [
            *comments,
            "A line is the seconds of some beats, and after the colon the chords that share them; / holds.",
        ]
    return [
        *comments,
        "A line is the second a bar begins (or each of its beats), and the chords that share it; / holds.",
    ]


def _as_json(piece: Piece, chart: ChordsFile) -> str:
    row = {
        "file": str(piece.source.path),
        "chord_source": piece.chord_source,
        "beat_source": piece.beat_source,
        "beat_confidence": piece.beat_confidence,
        "chords": [[round(onset_s, 3), None if chord is None else chord.name] for onset_s, chord in chart.chords],
        "beats_s": np.round(chart.beats_s, 3).tolist(),
        "beat_in_bar": None if chart.beat_in_bar is None else chart.beat_in_bar.tolist(),
    }
    return json.dumps(row) + "\n"
