"""Are the beats that the tracker is confident of the ones that are there?

POP909's PIANO tracks under their annotated beats; Mutopia scores played with drifting tempo and a hand's timing, under
the beats they have (of 6, 9 and 12 in a bar every third); piano rolls, of which nobody knows the beat and few
should pass. Odd songs and every second score: the others served to tune. F-measure as mir_eval.beat has it (70 ms), and
F at the annotated level or one twice or half as fast. Prints a table, the speed, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import mir_eval
import numpy as np

from benchmarks.common.corpora import add_data_option, pop909_folders
from benchmarks.common.result import say_result
from engine.arrays import F64
from engine.beats.tracking import CONFIDENT, estimate_beats
from engine.chords.files.labels import read_pop909
from engine.data.reading.corpus import is_metrical
from engine.midi_io.read import read_performance
from engine.notes import Notes

Sample = tuple[Notes, F64 | None]


def f_measure(truth_s: F64, beats_s: F64) -> float:
    """Returns the F-measure as published: the first five seconds do not count."""
    truth_s, beats_s = mir_eval.beat.trim_beats(truth_s), mir_eval.beat.trim_beats(beats_s)
    return float(mir_eval.beat.f_measure(truth_s, beats_s)) if len(truth_s) and len(beats_s) else 0.0


def f_any_level(truth_s: F64, beats_s: F64) -> float:
    """Returns the best F at the annotated level, at half its tempo on either phase, and at twice its tempo."""
    twice = np.sort(np.concatenate([truth_s, (truth_s[1:] + truth_s[:-1]) / 2]))
    return max(f_measure(level, beats_s) for level in (truth_s, truth_s[::2], truth_s[1::2], twice))


def perform(notes: Notes, beats_s: F64, rng: np.random.Generator) -> Sample:
    """Performs a score under a tempo that drifts by 3, 8 or 15 %, with onsets off by 5, 12 or 20 ms."""
    drift, jitter_s = rng.choice([0.03, 0.08, 0.15]), rng.choice([0.005, 0.012, 0.02])
    grid_s = np.arange(0, max(notes["offset_s"].max(), beats_s[-1]) + 1.5, 0.5)
    curve = np.convolve(rng.normal(size=len(grid_s) + 32), np.hanning(33), "valid")
    played_s = np.concatenate([[0.0], np.cumsum(np.exp(curve[:-1] / curve.std() * drift) * 0.5)])
    out = notes.copy()
    out["onset_s"] = np.maximum(np.interp(notes["onset_s"], grid_s, played_s) + rng.normal(0, jitter_s, len(notes)), 0)
    out["offset_s"] = np.maximum(np.interp(notes["offset_s"], grid_s, played_s), out["onset_s"] + 0.03)
    out["velocity"] = np.clip(notes["velocity"] + rng.normal(0, 8, len(notes)), 1, 127)
    return out[np.lexsort((out["pitch"], out["onset_s"]))], np.interp(beats_s, grid_s, played_s)


def pop909(data: Path) -> Iterator[Sample]:
    for folder in pop909_folders(data):
        if int(folder.name) % 2:
            notes = read_performance(folder / f"{folder.name}.mid", tracks=("PIANO",)).notes
            yield notes, read_pop909(folder)[1]


def scores(data: Path) -> Iterator[Sample]:
    rng = np.random.default_rng(1)
    for path in listed(data, "train/mutopia")[1::2]:
        played = read_performance(path, beats=True)
        if len(played.beats_s) >= 16 and is_metrical(played):
            every = 3 if played.beat_in_bar.max() + 1 in (6, 9, 12) else 1
            yield perform(played.notes, played.beats_s[played.beat_in_bar % every == 0], rng)


def rolls(data: Path) -> Iterator[Sample]:
    for path in listed(data, "train/pianolatron")[1::2]:
        yield read_performance(path).notes, None


def listed(data: Path, start: str) -> list[Path]:
    """Returns the files of the index whose path begins so, in its order."""
    rows = [json.loads(line) for line in (data / "INDEX.jsonl").read_text(encoding="utf-8").splitlines()]
    return [data / row["path"] for row in rows if row["path"].startswith(start)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser, "folder of the corpora")
    parser.add_argument("--pieces", type=int, help="an evenly spread sample of each [all]")
    args = parser.parse_args()
    print(f"{'':<24} {'pieces':>6} {'F':>6} {'any':>6}   {'confident':>9} {'F':>6} {'any':>6} {'s/10 min':>9}")
    rows: dict[str, dict[str, float]] = {}
    kept: list[tuple[float, float]] = []
    for name, source in (("POP909", pop909), ("Mutopia, performed", scores), ("piano rolls", rolls)):
        samples = list(source(args.data))
        samples = samples[:: max(1, len(samples) // args.pieces)] if args.pieces else samples
        start = time.perf_counter()
        estimates = [estimate_beats(notes) for notes, _ in samples]
        spent_s = time.perf_counter() - start
        sure = np.array([estimate.confidence >= CONFIDENT for estimate in estimates])
        speed = spent_s / sum(float(notes["onset_s"][-1]) for notes, _ in samples) * 600
        row = {"pieces": len(samples), "confident": round(float(sure.mean()), 3), "s_per_10_min": round(speed, 3)}
        figures = ["-"] * 4
        if samples[0][1] is not None:
            results = np.array([
                (f_measure(truth_s, e.beats_s), f_any_level(truth_s, e.beats_s))
                for (_, truth_s), e in zip(samples, estimates, strict=True) if truth_s is not None
            ])  # fmt: skip
            kept += [tuple(result) for result in results[sure]]
            means = np.concatenate([results.mean(axis=0), results[sure].mean(axis=0)])
            row |= dict(zip(("f", "f_any", "f_confident", "f_any_confident"), np.round(means, 3).tolist(), strict=True))
            figures = [f"{mean:.3f}" for mean in means]
        rows[name] = row
        print(f"{name:<24} {len(samples):>6} {figures[0]:>6} {figures[1]:>6}   {sure.mean():>9.0%} {figures[2]:>6} "
              f"{figures[3]:>6} {speed:>9.3f}", flush=True)  # fmt: skip
    both = [round(float(figure), 3) for figure in np.mean(kept, axis=0)]
    print(f"confidence {CONFIDENT} or more, known beats: {len(kept)} pieces, F {both[0]:.3f}, any level {both[1]:.3f}")
    say_result("beats", {"confident_f": both[0], "confident_f_any": both[1], "rows": rows})


if __name__ == "__main__":
    main()
