"""`sideman practice`: the practice corpus as MIDI files to listen to. engine/data/practice does the work."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from engine.atomic import make_folder
from engine.errors import check_range
from engine.metre import Metre

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman practice`."""
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="folder to write the files to")
    parser.add_argument("--bars", metavar="N", type=int, default=500, help="write at least so many bars of music [500]")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="the same seed, the same pieces [0]")
    parser.add_argument("--edition", type=int, choices=(1, 2), default=1,
        help="1: solos over charts; 2: whole performances [1]")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Writes each piece with its tempo, metre and chord markers; files of the same name are written anew."""
    from engine.data.practice import practice_pieces
    from engine.midi_io.write import write_midi

    check_range("--bars", args.bars, 1)
    make_folder(args.output, "give a folder that can be written")
    pieces = bars = notes = 0
    for piece in practice_pieces(args.seed, args.bars, args.edition):
        performance = piece.performance
        beats_per_bar = int(performance.beat_in_bar.max()) + 1
        length_s = float(performance.beats_s[-1])
        write_midi(
            args.output / f"{piece.source.name}.mid",
            performance.notes,
            tempo_bpm=60.0 / float(performance.beats_s[1]),
            metre=Metre(beats_per_bar),
            chords=[(onset_s, chord.name if chord else "N.C.") for onset_s, chord in piece.chords],
            length_s=max(length_s, float(performance.notes["offset_s"].max())),
            title=piece.source.name,
        )
        pieces, notes = pieces + 1, notes + len(performance.notes)
        bars += (len(performance.beats_s) - 1) // beats_per_bar
    if args.json:
        print(json.dumps({"folder": str(args.output), "pieces": pieces, "bars": bars, "notes": notes}))
    else:
        print(f"{args.output}: {pieces} pieces, {bars} bars, {notes} notes")
    return 0
