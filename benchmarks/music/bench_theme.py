"""Does a head come back? Solos over AABA charts with the knob `theme` at several values.

    python -m benchmarks.music.bench_theme [--seeds 4] [--themes 0,0.5,1] [--checkpoint CKPT]

Prints by value of the knob: recurrence (engine/evaluation/solo_figures), the share of the first A's five-note figures
of the top line that are played again in the second and in the last A, the share of its strikes that are struck there
again at their beat, chord tones and notes a beat; then one JSON line. The charts are the 32 bars of six forms.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.chords import Chart, parse_chart
from engine.evaluation.solo_figures import solo_figures, top_line_figures
from engine.model.checkpoint import load_checkpoint
from engine.notes import Notes
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import settings

A_BARS = 8
AGAIN_BARS = (8, 24)  # where A comes again
NEAR_BEATS = 0.15  # so near to its beat a strike is the same
FIGURES = ("recurrence", "figures", "strikes", "chord tones", "notes/beat", "both hands")


def aaba(a: str, b: str) -> str:
    """The form as a chart."""
    return f"{a} | {a} | {b} | {a}"


CHARTS = (
    (
        aaba(
            "Bb G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Bb Bb7 | Eb Edim7 | Bb F7 | Bb",
            "D7 | D7 | G7 | G7 | C7 | C7 | F7 | F7",
        ),
        200,
    ),
    (" | ".join(["Dm7"] * 16 + ["Ebm7"] * 8 + ["Dm7"] * 8), 136),
    (aaba("Cmaj7 | Am7 | Dm7 | G7 | Em7 | A7 | Dm7 G7 | C6", "Gm7 | C7 | Fmaj7 | % | Am7 | D7 | Dm7 | G7"), 140),
    (aaba("Cm7 | % | Fm7 | % | Dm7b5 | G7 | Cm7 | G7", "Ebmaj7 | % | Abmaj7 | % | Fm7 | Bb7 | Dm7b5 | G7"), 120),
    (aaba("Fmaj7 | % | G7 | % | Gm7 | C7 | Fmaj7 | C7", "Bbmaj7 | Bbm7 | Am7 | D7 | Gm7 | C7 | Am7 D7 | Gm7 C7"), 130),
    (
        aaba(
            "Ebmaj7 C7 | Fm7 Bb7 | Gm7 C7 | Fm7 Bb7 | Ebmaj7 Eb7 | Abmaj7 Abm6 | Gm7 C7 | Fm7 Bb7",
            "Abm7 | Db7 | Gbmaj7 | Gbmaj7 | Gm7 | C7 | Fm7 | Bb7",
        ),
        68,
    ),
)
"""Rhythm changes, modal, major, minor, bossa and ballad, each with its tempo."""


def returned(notes: Notes, bar_s: float) -> tuple[float, float]:
    """The share of the first A's figures, and of its strikes, that come back: the mean of the second and the last A."""
    figures, strikes = [], []
    beat_s = bar_s / 4
    line = top_line_figures(notes)
    head = {figure for at_s, figure in line if at_s < A_BARS * bar_s}
    first = notes[notes["onset_s"] < A_BARS * bar_s]
    for bar in AGAIN_BARS:
        again = {figure for at_s, figure in line if bar * bar_s <= at_s < (bar + A_BARS) * bar_s}
        figures.append(len(head & again) / max(1, len(head)))
        hits = [
            np.any(
                (notes["pitch"] == note["pitch"])
                & (np.abs(notes["onset_s"] - bar * bar_s - note["onset_s"]) < NEAR_BEATS * beat_s)
            )
            for note in first
        ]
        strikes.append(float(np.mean(hits)) if hits else 0.0)
    return float(np.mean(figures)), float(np.mean(strikes))


def measured(notes: Notes, chart: Chart, tempo_bpm: float) -> list[float]:
    """FIGURES of a solo."""
    figures = solo_figures(notes, chart, tempo_bpm)
    again, struck = returned(notes, 240.0 / tempo_bpm)
    return [figures["recurrence"], again, struck, figures["chord tones"], figures["notes/beat"], figures["both hands"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--themes", default="0,0.5,1")
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    told: dict[str, object] = {"charts": len(CHARTS), "seeds": args.seeds}
    print(f"{'theme':<8}" + "".join(f"{name:>14}" for name in FIGURES))
    for theme in (float(text) for text in args.themes.split(",")):
        asked = settings(theme=theme)
        rows = [
            measured(improvise(checkpoint, chart, tempo_bpm=bpm, seed=seed, params=asked).notes, chart, bpm)
            for chart, bpm in ((parse_chart(text), bpm) for text, bpm in CHARTS)
            for seed in range(args.seeds)
        ]
        means = np.mean(rows, axis=0)
        print(f"{theme:<8g}" + "".join(f"{value:>14.3f}" for value in means), flush=True)
        told[f"theme {theme:g}"] = {name: round(float(x), 4) for name, x in zip(FIGURES, means, strict=True)}
    say_result("theme", told)


if __name__ == "__main__":
    main()
