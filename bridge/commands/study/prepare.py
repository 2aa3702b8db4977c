"""`sideman prepare`: from any folder of MIDI files to training data. engine/data does the work."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from engine.asked_tracks import TRACKS_HELP, asked_tracks
from engine.errors import DataError, check_range

if TYPE_CHECKING:
    from engine.data.shards.manifest import Report

__all__ = ["add_arguments", "run", "summary"]

SHOWN_REFUSALS = 20  # the manifest has all of them

_CHORDS = {
    "chords file": "from a .chords file beside them",
    "midi text": "written in the MIDI file",
    "annotation": "annotated by the data set",
    "recognised": "recognised from the notes",
    "generated": "known, since generated",
}
_BEATS = {
    "chords file": "from a .chords file beside them",
    "annotation": "annotated by the data set",
    "tempo map": "from the file's bars and tempos",
    "estimated": "heard in the playing",
    "generated": "known, since generated",
    "none": "unknown: played too freely to tell",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `sideman prepare`."""
    add = parser.add_argument
    add("in_dir", metavar="IN_DIR", type=Path, help="folder of MIDI files, searched through")
    add("-o", "--output", metavar="DATA", type=Path, required=True,
        help="folder to write; DATA.work beside it keeps what was read for the next run")  # fmt: skip
    add("--tracks", metavar="WHICH", default="auto", help=TRACKS_HELP)
    add("--augment", metavar="N", type=int, default=12,
        help="keys in which training hears every piece; 1: as played [12]")  # fmt: skip
    add("--tempo-stretch", metavar="FACTORS", default="1.0",
        help="lengths of time at which training hears every piece, as in 0.9,1.0,1.1: 0.9 is faster [1.0]")  # fmt: skip
    add("--velocity-jitter", metavar="SHARE", type=float, default=0.0,
        help="training hears pieces louder and softer by up to this share [0]")  # fmt: skip
    add("--split", metavar="SHARE", type=float, nargs=3, default=(0.8, 0.1, 0.1),
        help="shares of the works to learn from, to check on while learning, to test on [0.8 0.1 0.1]")  # fmt: skip
    add("--practice", metavar="BARS", type=int, default=0, help="add so many bars of generated practice pieces [0]")
    add("--practice-edition", type=int, choices=(1, 2), default=2,
        help="1: solos over charts, which the shipped base learnt; 2: whole performances [2]")  # fmt: skip
    add("--report", action="store_true", help="also write DATA/report.html: plots, piano rolls, what was refused")
    add("--workers", metavar="N", type=int, help="processes [default: one a core]")
    add("--scheduler", metavar="ADDRESS", help="read by the workers of a Dask cluster, as in tcp://HOST:8786")


def run(args: argparse.Namespace) -> int:
    """Reads, labels, tokenises; prints what was refused and what came out."""
    from bridge.commands.study.progress import Progress
    from engine.data.prepare import Settings, prepare
    from engine.data.shards.augmentation import Augmentation

    check_range("--workers", args.workers, 1)
    check_range("--practice", args.practice, 0)
    settings = Settings(
        tuple(args.split),
        Augmentation(args.augment, _factors(args.tempo_stretch), args.velocity_jitter),
        asked_tracks(args.tracks),
        args.workers,
        args.scheduler,
        args.practice,
        args.practice_edition,
        args.report,
    )
    start_s = time.monotonic()
    with Progress(None, "files") as bar:
        report = prepare(args.in_dir, args.output, settings, bar.update)
    for name, reason in report.refused[:SHOWN_REFUSALS]:
        print(f"refused {name}: {reason}", file=sys.stderr)
    if len(report.refused) > SHOWN_REFUSALS:
        more = len(report.refused) - SHOWN_REFUSALS
        print(f"and {more} more: {args.output / 'manifest.jsonl'} says why", file=sys.stderr)
    print(summary(report))
    print(f"{args.output}: ready after {time.monotonic() - start_s:.1f} s")
    if args.report:
        print(f"{args.output / 'report.html'}: open it to look at the data")
    return 0


def summary(report: Report) -> str:
    """What came of a folder, for a musician."""
    pieces, hours = sum(report.pieces.values()), sum(report.seconds.values()) / 3600
    files = pieces - report.practice + len(report.refused)
    lines = [f"files     {files:,} read, {pieces - report.practice:,} used, {len(report.refused):,} refused"]
    lines += [f"          {count:,} refused: {what}" for what, count in _kinds(report.refused).most_common(5)]
    if report.mended:
        lines.append(f"          {report.mended:,} used after mending: manifest.jsonl says what")
    if report.unchanged:
        lines.append(f"          {report.unchanged:,} were read by an earlier run and have not changed")
    if report.practice:
        lines.append(f"practice  {report.practice:,} generated pieces")
    lines.append(f"music     {_hours(hours)}, {report.notes:,} notes, {report.works:,} different works")
    lines += _shares("chords", report.chord_sources, _CHORDS) + _shares("beats", report.beat_sources, _BEATS)
    times = len(report.augmentation.tempo_stretch)
    tempos = f" x {times} tempos" if times > 1 else ""
    keys = f"{report.augment} key{'s' if report.augment > 1 else ''}"
    lines.append(f"samples   {pieces:,} pieces x {keys}{tempos} = {report.samples:,} samples")
    roles = {"train": "to learn from", "valid": "to check on while learning", "test": "to test on, never learnt from"}
    for side, count in report.pieces.items():
        part = f"{side:5}  {count:6,} pieces  {_hours(report.seconds[side] / 3600):>10}"
        lines.append(f"  {part}  {report.tokens[side]:13,} tokens  {roles[side]}")
    lines.append(f"training: {report.pieces['train']} pieces x {keys}{tempos} = {report.training_samples} samples")
    return "\n".join(lines)


def _shares(what: str, sources: Counter[str], words: dict[str, str]) -> list[str]:
    rows = [f"{count:,} {words.get(source, source)}" for source, count in sources.most_common()]
    return [f"{what if i == 0 else '':8}  {row}" for i, row in enumerate(rows)]


def _kinds(refused: list[tuple[str, str]]) -> Counter[str]:
    """Reasons without their details: what stands before the first bracket or colon, files' names left out."""
    return Counter(
        "has the same notes as another file" if reason.startswith("same notes as") else
        reason.split(":")[0].split(" (")[0]
        for _, reason in refused
    )  # fmt: skip


def _hours(hours: float) -> str:
    if hours >= 1:
        return f"{hours:,.1f} hours"
    return f"{hours * 60:.0f} min" if hours >= 1 / 60 else f"{hours * 3600:.0f} s"


def _factors(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise DataError(f"--tempo-stretch {text}: give factors with commas between, as in 0.9,1.0,1.1") from None
