"""The laws of the practice corpus's second edition over many pieces, and its figures beside those of players.

    python -m benchmarks.music.practice_laws [--pieces 10000] [--seed 3]

Laws: every piece ends on its last chord, held; hands never cross and can reach what they strike at once; no more
than sixteen notes sound together; a returning head keeps at least half of its five-note figures, on
average and in nineteen of twenty pieces; velocities spread by 10 to 13.6; every note survives the tokenizer. Exits
with 1 where one is broken. Figures are percentiles 5/25/50/75/95 of solos; of each style the medians of notes a
second, notes sounding and silence.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

import native
from benchmarks.common.result import say_result
from engine.data.practice import Composition, compose_whole
from engine.data.practice.hands.part import LEFT, RIGHT
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.measures import (
    beats_of,
    hands_cross,
    head_returns,
    low_windows,
    most_sounding,
    silence,
    widest,
)
from engine.data.practice.plan import last_tones
from engine.vocabulary import LAYOUT

SHARE_RETURNING = 0.95
BY_STYLE = ("notes a second", "notes sounding", "silence")


def broken(piece: Composition) -> list[str]:
    """Returns the laws that one piece breaks."""
    notes, beat = piece.notes, beats_of(piece, piece.notes["onset_s"])
    last = (piece.chart.bars - 1) * piece.chart.beats_per_bar
    ending = notes[beat > last - 0.15]
    found = []
    classes = {int(pitch) % 12 for pitch in ending["pitch"]}
    if not len(ending) or not classes <= last_tones(Harmony(piece.chart)) or beat.max() >= last + 0.5:
        found.append("ends on its last chord")
    elif ending["offset_s"].max() < notes["offset_s"].max():
        found.append("holds its last chord")
    if hands_cross(piece):
        found.append("hands never cross")
    reach = 17 if piece.role == "accompany" else 12  # of a right hand: drop 2 is a tenth wide
    if widest(piece, RIGHT) > reach or widest(piece, LEFT) > 16:
        found.append("hands can reach")
    if most_sounding(piece) > 16:
        found.append("sixteen at once")
    if not 10.0 < notes["velocity"].std() < 13.6:
        found.append("velocity spread")
    ids = native.encode(LAYOUT, notes["onset_s"], notes["offset_s"], notes["pitch"], notes["velocity"])
    if sorted(native.decode(LAYOUT, ids)[2]) != sorted(notes["pitch"]):
        found.append("survives the tokenizer")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Laws and figures of whole practice pieces.")
    parser.add_argument("--pieces", metavar="N", type=int, default=10_000, help="[10000]")
    parser.add_argument("--seed", metavar="N", type=int, default=3, help="[3]")
    args = parser.parse_args()
    laws: Counter[str] = Counter()
    returns: list[float] = []
    figures: dict[str, list[float]] = {}
    styles: list[str] = []
    for number in range(args.pieces):
        piece = compose_whole(args.seed, number)
        laws.update(broken(piece))
        share = head_returns(piece)
        if share is not None:
            returns.append(share)
        notes, last_s = piece.notes, float(piece.notes["offset_s"].max())
        if piece.role != "solo":
            continue
        for name, value in (
            ("notes a second", len(notes) / last_s),
            ("notes sounding", float((notes["offset_s"] - notes["onset_s"]).sum()) / last_s),
            ("mean pitch", float(notes["pitch"].mean())),
            ("below C4", float((notes["pitch"] < 60).mean())),
            ("mean velocity", float(notes["velocity"].mean())),
            ("velocity spread", float(notes["velocity"].std())),
            ("silence", silence(piece)),
            ("windows below G3", low_windows(piece)),
        ):
            figures.setdefault(name, []).append(value)
        styles.append(piece.style)
    rows = {name: [round(float(x), 3) for x in np.percentile(v, (5, 25, 50, 75, 95))] for name, v in figures.items()}
    for name, row in rows.items():
        print(f"{name:<18}", *(f"{value:8.2f}" for value in row))
    for style in sorted(set(styles)):
        here = np.array([each == style for each in styles])
        medians = [float(np.median(np.array(figures[name])[here])) for name in BY_STYLE]
        print(f"{style:<18}", *(f"{value:8.2f}" for value in medians), f"  {int(here.sum())} pieces")
    mean, half = float(np.mean(returns)), float(np.mean(np.array(returns) >= 0.5))
    print(f"heads that return: {len(returns)} pieces keep {mean:.3f} of their figures, {half:.3f} of them half or more")
    print(f"broken: {dict(laws) or 'none'}")
    say_result("practice_laws", {"pieces": args.pieces, "returns": round(mean, 4), "half": round(half, 4),
                                 "broken": dict(laws), "figures": rows})  # fmt: skip
    return int(bool(laws) or mean < 0.5 or half < SHARE_RETURNING)


if __name__ == "__main__":
    sys.exit(main())
