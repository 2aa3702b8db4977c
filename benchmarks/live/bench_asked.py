"""A role, groove or left hand asked of music that plays: how often it is named as asked, recalled and not.

    python -m benchmarks.live.bench_asked [--clips 1] [--kinds role groove left_hand] [--before 8] [--bars 16]
                                          [--pieces 2500] [--start]

Every label over charts at which a practice pianist would play it, in virtual time: so many bars at auto, then the menu
is turned, two bars go by, and the next ones are named by a classifier of practice pieces (engine/evaluation/controls).
--start asks before the first note instead. Without: nothing is recalled, so that only the model's rows and the draw are
told. Prints a row a kind, the latest takeover after a turn in bars, then one JSON line.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.common.result import say_result
from bridge.live.options import SessionOptions
from bridge.live.rounds import recollecting
from engine.chords import Chart
from engine.evaluation.controls.asked import unseen_charts
from engine.evaluation.controls.naming import NAMED, Clip, Namer, train_namer
from engine.evaluation.solo_figures import solo_figures
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.notes import Notes, make_notes
from engine.solo.recollection import leading_in
from tests.support.live.world import World

PASSING_BARS = 2  # after a turn, in which the music may still be the old one
FIRST_US = 5_000  # a chart starts so long after it was asked for


def play(checkpoint: Checkpoint, chart: Chart, tempo_bpm: float, asked: tuple[str, str], seed: int,
         before: int, bars: int) -> Notes:  # fmt: skip
    """Returns the notes of `bars` bars of live music, from two bars after the turn on; they begin at 0."""
    world = World(
        make_session=lambda seed: Session(checkpoint, seed), options=SessionOptions(seed=seed), decode_us=lambda: 0
    )
    world.live.set_tempo(tempo_bpm)
    began_us, bar_s = world.now_us + FIRST_US, chart.beats_per_bar * 60.0 / tempo_bpm
    if before == 0:
        world.turn(*asked)
    world.live.set_chart(chart)
    if before:
        world.run(before * bar_s)
        world.turn(*asked)
    world.run((PASSING_BARS + bars) * bar_s)
    errors = [text for what, text in world.said if what == "error"]
    assert not errors, errors
    from_s, rows, open_ = (before + PASSING_BARS) * bar_s, [], {}
    for _, due_us, status, pitch, velocity in world.sent:
        at_s = (due_us - began_us) / 1e6 - from_s
        if status & 0xF0 == 0x90:
            open_[pitch] = at_s, velocity
        elif status & 0xF0 == 0x80 and pitch in open_:
            start_s, struck = open_.pop(pitch)
            if start_s > -0.02 and at_s > max(start_s, 0.0):
                rows.append((max(start_s, 0.0), at_s, pitch, struck))
    return make_notes(*zip(*rows, strict=True)) if rows else make_notes((), (), (), ())


def named(
    checkpoint: Checkpoint, namer: Namer, kind: str, label: str, args: argparse.Namespace
) -> list[tuple[bool, float]]:
    """For each clip whether it is named as asked, and its share of chord tones."""
    found = []
    for seed, (chart, tempo_bpm) in enumerate(unseen_charts(args.clips, {kind: label}), start=1):
        before = 0 if args.start else args.before
        notes = play(checkpoint, chart, tempo_bpm, (kind, label), seed, before, args.bars)
        heard = chart.turned(before + PASSING_BARS).fill(args.bars)
        name = namer.name(Clip(notes, heard, tempo_bpm, {}))[kind]
        found.append((name == label, solo_figures(notes, heard, tempo_bpm)["chord tones"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1, help="of each label [1]")
    parser.add_argument("--kinds", nargs="+", choices=NAMED, default=list(NAMED))
    parser.add_argument("--before", type=int, default=8, help="bars at auto before the turn [8]")
    parser.add_argument("--bars", type=int, default=16, help="that are named [16]")
    parser.add_argument("--pieces", type=int, default=2500, help="of practice, that the namer learns from [2500]")
    parser.add_argument("--start", action="store_true", help="ask before the first note")
    args = parser.parse_args()
    checkpoint = load_checkpoint(None)
    namer, accuracy = train_namer(args.pieces, 200)
    labels = {control.name: control.labels for control in checkpoint.model.controls}
    result: dict[str, Any] = {"namer": accuracy, "clips": args.clips, "start": args.start}
    print(f"{'':<10} {'recalled':>12} {'without':>12} {'namer':>6}   chord tones", flush=True)
    for kind in args.kinds:
        rows = {}
        for way, recalls in (("recalled", leading_in), ("without", lambda *_: None)):
            with patch.object(recollecting, "leading_in", recalls):
                rows[way] = {label: named(checkpoint, namer, kind, label, args) for label in labels[kind]}
        shares = {}
        for way, by_label in rows.items():
            hits = [hit for clips in by_label.values() for hit, _ in clips]
            tones = float(np.mean([tone for clips in by_label.values() for _, tone in clips]))
            shares[way] = (sum(hits), len(hits), tones)
        result[kind] = {
            way: {"named": right, "of": count, "chord_tones": round(tones, 3),
                  "wrong": [label for label, clips in rows[way].items() if not all(hit for hit, _ in clips)]}
            for way, (right, count, tones) in shares.items()
        }  # fmt: skip
        told = [f"{right:>5} of {count:<4}" for right, count, _ in shares.values()]
        print(f"{kind:<10} {told[0]:>12} {told[1]:>12} {accuracy[kind]:>6.2f}   "
              + ", ".join(f"{tones:.2f}" for _, _, tones in shares.values()), flush=True)  # fmt: skip
    say_result("asked_live", result)


if __name__ == "__main__":
    main()
