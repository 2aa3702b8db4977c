"""`sideman again take.mid --bars 5-8`: these bars played anew, the rest of the file as it is."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from engine.arrays import F64, I64
from engine.asked_tracks import asked_tracks
from engine.errors import SidemanError, check_range
from engine.metre import COMMON
from engine.midi_io.read import read_performance
from engine.midi_io.signature import read_signature
from engine.solo.command import MAX_SEED, NOT_OFFLINE, check_outputs
from engine.solo.limits import check_limits
from osc_protocol.table.options import add_parameter_options, parameters_from
from osc_protocol.table.parameters import Setting

__all__ = ["add_arguments", "run"]

MAX_COUNT = 16
# A few bars have no form; and a take is as loud and in such time as it is: what is new is to fit into it.
NOT_AGAIN = (*NOT_OFFLINE, "theme", "velocity", "quantise", "swing", "humanise")
NOT_WITH_RHYTHM = ("temperature", "top_p", "top_k", "min_p", "repetition", "scale", "polyphony", "chord_strength")

CHORDS_FROM = {  # Piece.chord_source, in words
    "chords file": "from the .chords file beside the take",
    "annotation": "from the annotation beside the take",
    "midi text": "from the markers or texts of the file",
    "recognised": "recognised from the notes: --chords gives others",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `again`."""
    parser.add_argument("take", metavar="TAKE.mid", type=Path)
    parser.add_argument("--bars", metavar="A-B", help="bars to play again, counted from 1: 5-8, or 5")
    parser.add_argument("--beats", metavar="A-B", help="beats to play again, counted from 1")
    parser.add_argument("--seconds", metavar="A-B", help="seconds to play again")
    parser.add_argument(
        "--tracks",
        metavar="WHICH",
        default="auto",
        help="what is played again, of several instruments. auto: a track named Sideman, else the piano; all; or names "
        "of tracks: NAME,NAME [auto]",
    )
    parser.add_argument(
        "--keep",
        choices=("rhythm", "top", "bass", "left", "right"),
        help="what stays in them: the rhythm, the highest or lowest notes, what lies up to G#3 or above it",
    )
    parser.add_argument(
        "--vary", metavar="N", type=float, default=1.0, help="the share of their beats that is new, up to 1 [1]"
    )
    parser.add_argument("--chords", metavar="CHART", help="the take's chart [its markers', else what its notes say]")
    parser.add_argument("-n", "--count", metavar="N", type=int, default=1, help="N files, OUT-1.mid ..., best first")
    parser.add_argument(
        "--tries", metavar="N", type=int, default=1, help="N searches, of which the best are written [as many as files]"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="another seed, other notes")
    parser.add_argument(
        "--checkpoint", metavar="CKPT", type=Path, help="a base that `sideman train` wrote [default: the shipped one]"
    )
    parser.add_argument("--json", action="store_true", help="print files, scores and diversity as one JSON line")
    parser.add_argument("-o", "--output", metavar="OUT.mid", type=Path, help="[TAKE-again.mid]")
    add_parameter_options(parser, skip=NOT_AGAIN)


def run(args: argparse.Namespace) -> int:
    """Writes the best candidates. SidemanError on bad input, before anything is played."""
    from engine.data.reading.corpus import Source, read_piece
    from engine.model.checkpoint import load_checkpoint
    from engine.solo.again.chart import chart_chords
    from engine.solo.again.midi_take import MidiTake
    from engine.solo.again.playing import Request, play_again
    from engine.solo.again.span import span_s
    from engine.solo.ranking import diversity

    if not 0 < args.vary <= 1:
        raise SidemanError(f"--vary {args.vary:g}: give more than 0, which leaves all as it is, up to 1")
    check_range("-n", args.count, 1, MAX_COUNT)
    check_range("--tries", args.tries, 1, MAX_COUNT)
    check_range("--seed", args.seed, 0, MAX_SEED)
    output = args.output or args.take.with_name(f"{args.take.stem}-again.mid")
    outputs = [
        output if args.count == 1 else output.with_name(f"{output.stem}-{i + 1}{output.suffix}")
        for i in range(args.count)
    ]
    check_outputs(outputs, args.take, "the take")
    params = parameters_from(args)
    check_limits(params)
    _check_kept(args.keep, params)
    take = MidiTake(args.take, asked_tracks(args.tracks))
    piece = read_piece(Source(args.take, args.take.name, "files", args.take.name, "unknown"), "all")
    if piece.performance.mended:
        print(f"{args.take}: {piece.performance.mended}", file=sys.stderr)
    beats_s, in_bar = _grid(args.take)
    last_s = take.seconds(take.end_tick)
    begin_s, end_s = span_s(beats_s, in_bar, bars=args.bars, beats=args.beats, seconds=args.seconds, end_s=last_s)
    if begin_s >= last_s:
        raise SidemanError(f"the take ends at {last_s:.1f} s, before {begin_s:g} s: nothing stands there to play again")
    chords = piece.chords if args.chords is None else chart_chords(args.chords, args.take, beats_s, in_bar)
    checkpoint = load_checkpoint(args.checkpoint)
    said = sys.stderr if args.json else None
    if take.part:
        print(f"{args.take}: played again is {take.part}", file=said)
    if args.chords is None:
        print(f"chords: {CHORDS_FROM[piece.chord_source]}", file=said)
    started = time.perf_counter()
    again = play_again(
        checkpoint, take, Request(begin_s, end_s, chords, beats_s, in_bar, args.keep, args.vary),
        count=max(args.count, args.tries), seed=args.seed, params=params,
    )  # fmt: skip
    took_s = time.perf_counter() - started
    ways, told = again.ways[: args.count], []
    spread = round(diversity([candidate.notes for _, candidate in ways]), 3)
    for path, (notes, candidate) in zip(outputs, ways, strict=False):
        scores = candidate.scores.as_dict()
        take.write(path, again.removed, notes, "sideman again: " + json.dumps(scores))
        told.append({"file": str(path), "notes": len(notes), "scores": scores})
        if not args.json:
            print(f"{path}: {len(notes)} new notes for {len(again.removed)}; {candidate.scores}")
    if args.json:
        print(json.dumps({"begin_s": begin_s, "end_s": end_s, "ways": told, "diversity": spread}))
    elif len(told) > 1:
        print(f"diversity {spread:g}; {end_s - begin_s:.1f} s played anew in {took_s:.1f} s")
    if len(told) < args.count:
        print(f"only {len(told)} different ways were found of {args.count}", file=sys.stderr)
    return 0


def _check_kept(keep: str | None, params: tuple[Setting, ...]) -> None:
    """SidemanError: what draws keys alone, for moments that stay, does not heed a parameter that is given."""
    unheeded = [setting.name for setting in params if keep == "rhythm" and setting.name in NOT_WITH_RHYTHM]
    if unheeded:
        names = ", ".join("--" + name.replace("_", "-") for name in unheeded)
        raise SidemanError(f"{names}: --keep rhythm takes the likeliest keys near the old ones: leave it out")


def _grid(path: Path) -> tuple[F64, I64]:
    """Returns the file's own beats, as sequencers show them, to its last bar's end; none where it counts frames."""
    performance = read_performance(path, beats=True)
    beats_s, in_bar = list(performance.beats_s), list(performance.beat_in_bar)
    end_s = float(performance.notes["offset_s"].max())
    signature = read_signature(path)
    bar = max(in_bar[-16:], default=3) + 1 if signature.unread else (signature.metre or COMMON).beats
    while len(beats_s) > 1 and (beats_s[-1] < end_s - 0.01 or in_bar[-1] != 0):
        beats_s.append(2 * beats_s[-1] - beats_s[-2])
        in_bar.append((in_bar[-1] + 1) % bar)
    return np.array(beats_s, dtype=np.float64), np.array(in_bar, dtype=np.int64)
