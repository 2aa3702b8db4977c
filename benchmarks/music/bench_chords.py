"""Does the solo follow its chords? Chord-tone share of solos under their own chart and under the other charts.

Eight charts of eight bars at 120 bpm, SEEDS solos each, for chord_strength 0, 1 and 2. The other charts are a control:
what the same notes score by chance. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.chords import parse_chart
from engine.evaluation.metrics import chord_tone_share, longest_rest_s
from engine.model.checkpoint import load_checkpoint
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import settings

CHARTS = (
    "Dm7 | G7 | Cmaj7 | Am7", "F#m7 | B7 | Emaj7 | C#m7", "Bbm7 | Eb7 | Abmaj7 | Fm7", "C | F | G | C",
    "Eb | Cm | Ab | Bb7", "A7 | D7 | A7 | E7", "Bm | G | D | A", "Gm7 | C7 | Fmaj7 | Dm7b5",
)  # fmt: skip
TEMPO_BPM = 120.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    parser.add_argument("--seeds", type=int, default=3, help="solos a chart [3]")
    args = parser.parse_args()
    checkpoint = load_checkpoint(args.checkpoint)
    charts = [parse_chart(text).fill(8) for text in CHARTS]
    rows = []
    print(
        f"{'chord_strength':>14} {'own chords':>10} {'others':>7} {'notes':>6} {'longest rest':>12} {'note length':>11}"
    )
    for strength in (0.0, 1.0, 2.0):
        own, others = list[float](), list[float]()
        notes, rests, lengths = [], [], []
        for number, chart in enumerate(charts):
            for seed in range(args.seeds):
                asked = settings(chord_strength=strength)
                solo = improvise(checkpoint, chart, tempo_bpm=TEMPO_BPM, seed=seed, params=asked)
                for other, against in enumerate(charts):
                    share = chord_tone_share(solo.notes, against, TEMPO_BPM)
                    (own if other == number else others).append(share)
                notes.append(len(solo.notes))
                rests.append(longest_rest_s(solo.notes, solo.length_s))
                lengths.append(float(np.median(solo.notes["offset_s"] - solo.notes["onset_s"])))
        row = {
            "chord_strength": strength,
            "own": round(float(np.mean(own)), 3),
            "others": round(float(np.mean(others)), 3),
            "notes": round(float(np.mean(notes)), 1),
            "longest_rest_s": round(float(np.mean(rests)), 2),
            "median_note_s": round(float(np.mean(lengths)), 2),
        }
        rows.append(row)
        print(
            f"{strength:>14} {row['own']:>10.2f} {row['others']:>7.2f} {row['notes']:>6.0f} "
            f"{row['longest_rest_s']:>10.1f} s {row['median_note_s']:>9.2f} s"
        )
    say_result("chords", {"solos": len(charts) * args.seeds, "rows": rows})


if __name__ == "__main__":
    main()
