"""Solos at default knobs over twelve charts of 32 bars, three seeds each: what is counted of them, and their rolls.

    python -m benchmarks.music.bench_solos [--seeds 3] [--bars 32] [--rolls FOLDER] [--checkpoint CKPT] [--style NAME]
                                     [--set temperature=0.9 ...]

Prints a row a chart (means over the seeds), the mean of all, the worst of each figure, then one JSON line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.evaluation.charts import CHARTS
from engine.evaluation.solo_figures import SOLO_FIGURES, solo_figures
from engine.model.checkpoint import load_checkpoint
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import Setting, parse, values_of

WORST = {"chord tones": min, "both hands": min, "silence bars": max, "empty bars": max, "velocity spread": min}


def setting(text: str) -> Setting:
    """Reads `name=value` of the parameter table."""
    name, _, value = text.partition("=")
    return parse(name, value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bars", type=int, default=32)
    parser.add_argument("--rolls", type=Path, help="folder for a piano roll of each solo [none]")
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    parser.add_argument("--style", default="", help="[none]")
    parser.add_argument("--set", type=setting, nargs="*", default=[], metavar="NAME=VALUE", help="knobs [defaults]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    params = (Setting("style", args.style), *args.set)
    print(f"{'':<16} {'bpm':>4} " + " ".join(f"{name:>15}" for name in SOLO_FIGURES))
    solos: list[dict[str, float]] = []
    rows: dict[str, dict[str, float]] = {}
    for measured in CHARTS:
        chart = measured.fill(args.bars)
        for seed in range(1, args.seeds + 1):
            solo = improvise(checkpoint, chart, tempo_bpm=measured.tempo_bpm, seed=seed, params=params)
            solos.append(solo_figures(solo.notes, chart, measured.tempo_bpm))
            if args.rolls is not None:
                from engine.output.plot import plot_png

                args.rolls.mkdir(parents=True, exist_ok=True)
                title = f"{measured.name}, {measured.tempo_bpm:g} bpm, seed {seed}"
                path = args.rolls / f"{measured.name.replace(' ', '-').replace(',', '')}.{seed}.png"
                plot_png(path, solo.notes, solo.chords, tempo_bpm=measured.tempo_bpm, title=title)
        mine = solos[-args.seeds :]
        rows[measured.name] = {name: round(float(np.mean([s[name] for s in mine])), 3) for name in SOLO_FIGURES}
        figures = " ".join(f"{value:>15.2f}" for value in rows[measured.name].values())
        print(f"{measured.name:<16} {measured.tempo_bpm:>4.0f} {figures}", flush=True)
    mean = {name: round(float(np.mean([solo[name] for solo in solos])), 3) for name in SOLO_FIGURES}
    worst = {name: round(float(pick(solo[name] for solo in solos)), 3) for name, pick in WORST.items()}
    print(f"{'mean':<16} {'':>4} " + " ".join(f"{value:>15.2f}" for value in mean.values()))
    print("worst solo: " + ", ".join(f"{name} {value:g}" for name, value in worst.items()))
    asked = {name: value for name, value in values_of(params).items() if value != ""}
    say_result("solos", {"solos": len(solos), "mean": mean, "worst": worst, "charts": rows, "params": asked})


if __name__ == "__main__":
    main()
