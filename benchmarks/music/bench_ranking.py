"""Is the solo that `generate --variations N` puts first a better one? Charts from the practice grammar, N solos each.

    python -m benchmarks.music.bench_ranking [--charts 100] [--variations 4] [--bars 8] [--checkpoint CKPT]

Prints the means of the first, of a random one (the mean of all N), of the last, in how many charts the first is better
than the mean, and how different the N are; then one JSON line.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.data.practice.piece import compose
from engine.inference.fill.weighing import Scores
from engine.model.checkpoint import load_checkpoint
from engine.solo.improvise import improvise
from engine.solo.ranking import diversity, solo_scores, struck

SEED = 7
BETTER = {"own": -1, "chord_tones": 1, "silence": -1, "restrikes": -1, "total": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--charts", type=int, default=100)
    parser.add_argument("--variations", type=int, default=4)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    scores: list[list[Scores]] = []
    spread: list[float] = []
    for number in range(args.charts):
        music = compose(SEED, number)
        chart = music.chart.fill(args.bars)
        solos = [improvise(checkpoint, chart, tempo_bpm=music.tempo_bpm, seed=seed) for seed in range(args.variations)]
        scores.append([solo_scores(solo, chart) for solo in solos])
        spread.append(diversity([struck(solo.notes) for solo in solos]))
    figures: dict[str, object] = {"charts": args.charts, "variations": args.variations}
    rows = []
    for of_chart in scores:
        ranked = sorted(of_chart, key=lambda one: -one.total)
        rows.append([[asdict(one)[name] for name in BETTER] for one in ranked])
    values = np.array(rows)  # (charts, variations, figures)
    for i, (name, sign) in enumerate(BETTER.items()):
        first, any_, last = values[:, 0, i], values[:, :, i].mean(1), values[:, -1, i]
        wins = float(np.mean(sign * (first - any_) > 0))
        print(f"{name:<12} first {first.mean():.3f} random {any_.mean():.3f} last {last.mean():.3f} wins {wins:.2f}")
        figures[name] = [round(float(x), 4) for x in (first.mean(), any_.mean(), last.mean(), wins)]
    print(f"diversity {np.mean(spread):.3f}")
    say_result("ranking", {**figures, "diversity": float(np.mean(spread))})


if __name__ == "__main__":
    main()
