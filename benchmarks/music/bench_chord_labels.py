"""How often the recogniser names the chord that POP909's annotators named, from the PIANO track alone.

Weighted chord symbol recall with mir_eval's standard measures (pip install mir_eval), beside plain template matching a
beat. Songs with an even number served to tune; the table is of the odd ones unless --split says otherwise. Prints a
table, the speed, what a live chord costs, then one JSON line.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import mir_eval
import numpy as np

from benchmarks.common.corpora import add_data_option, pop909_folders
from benchmarks.common.machine import seconds_per_call
from benchmarks.common.result import say_result
from engine.arrays import F64
from engine.beats.tracking import CONFIDENT, estimate_beats
from engine.chords import Chord
from engine.chords.files.labels import read_pop909
from engine.chords.identify import identify
from engine.chords.recognise import recognise
from engine.midi_io.read import read_performance
from engine.notes import Notes
from engine.vocabulary import PITCH_NAMES, QUALITIES

MEASURES = ("root", "majmin", "thirds", "sevenths", "mirex", "majmin_inv", "sevenths_inv")
# The vocabulary's qualities as Harte et al. 2005 write them.
HARTE = {
    "": "maj", "m": "min", "dim": "dim", "aug": "aug", "sus4": "sus4", "sus2": "sus2", "5": "5", "6": "maj6",
    "m6": "min6", "7": "7", "maj7": "maj7", "m7": "min7", "mMaj7": "minmaj7", "m7b5": "hdim7", "dim7": "dim7",
    "7sus4": "sus4(b7)", "9": "9", "maj9": "maj9", "m9": "min9", "13": "13", "7b9": "7(b9)", "7#9": "7(#9)",
    "7#11": "7(#11)", "7#5": "aug(b7)",
}  # fmt: skip
DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")

Changes = list[tuple[float, Chord | None]]


def harte(chord: Chord | None) -> str:
    """Returns a chord as mir_eval reads it, `F#:maj7/5`; N for none."""
    if chord is None:
        return "N"
    degree = DEGREES[(chord.bass - chord.root) % 12] if chord.bass is not None else "1"
    return f"{PITCH_NAMES[chord.root]}:{HARTE[chord.quality]}" + ("" if degree == "1" else f"/{degree}")


def template_matching(notes: Notes, beats_s: F64) -> Changes:
    """The baseline: a beat is the major, minor or seventh chord whose tones hold most of its sounding time."""
    edges = np.concatenate([[0.0], beats_s[beats_s > 0], [max(notes["offset_s"].max(), beats_s[-1]) + 1e-3]])
    shapes = [(root, quality) for root in range(12) for quality in ("", "m", "7", "maj7", "m7")]
    templates = np.zeros((len(shapes), 12))
    for row, (root, quality) in enumerate(shapes):
        templates[row, [(root + i) % 12 for i in QUALITIES[quality]]] = 1 / np.sqrt(len(QUALITIES[quality]))
    chroma = np.zeros((len(edges) - 1, 12))
    for note in notes:
        first = max(int(np.searchsorted(edges, note["onset_s"], side="right")) - 1, 0)
        for frame in range(first, len(edges) - 1):
            overlap_s = min(note["offset_s"], edges[frame + 1]) - max(note["onset_s"], edges[frame])
            if overlap_s <= 0:
                break
            chroma[frame, note["pitch"] % 12] += overlap_s
    best = (chroma @ templates.T).argmax(axis=1)
    return [
        (float(edges[i]), Chord(*shapes[best[i]]) if chroma[i].any() else None)
        for i in range(len(best))
        if i == 0 or best[i] != best[i - 1] or chroma[i].any() != chroma[i - 1].any()
    ]


def with_estimated_beats(notes: Notes) -> Changes:
    """Recognises as for a file without a tempo map: with beats only where the tracker is confident."""
    estimate = estimate_beats(notes)
    return recognise(notes, estimate.beats_s if estimate.confidence >= CONFIDENT else None)


def score(folder: Path, changes: Changes) -> tuple[dict[str, float], float]:
    """Returns mir_eval's measures of one song, and its annotated seconds."""
    rows = [line.split() for line in (folder / "chord_midi.txt").read_text().splitlines() if line.strip()]
    truth = np.array([[float(row[0]), float(row[1])] for row in rows])
    starts = [onset_s for onset_s, _ in changes]
    found = np.array([starts, [*starts[1:], max(float(truth[-1, 1]), starts[-1] + 1.0)]]).T
    found, names = mir_eval.util.adjust_intervals(
        found, [harte(chord) for _, chord in changes], float(truth[0, 0]), float(truth[-1, 1]), "N", "N"
    )
    intervals, expected, given = mir_eval.util.merge_labeled_intervals(truth, [row[2] for row in rows], found, names)
    seconds = mir_eval.util.intervals_to_durations(intervals)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a song without a single chord that counts
        measures = {
            name: float(mir_eval.chord.weighted_accuracy(getattr(mir_eval.chord, name)(expected, given), seconds))
            for name in MEASURES
        }
    return measures, float(seconds.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser, "folder with chords/pop909")
    parser.add_argument("--split", choices=("odd", "even", "all"), default="odd", help="song numbers [odd]")
    parser.add_argument("--songs", type=int, help="an evenly spread sample [all]")
    args = parser.parse_args()
    folders = [
        path for path in pop909_folders(args.data) if args.split == "all" or int(path.name) % 2 == (args.split == "odd")
    ]
    if args.songs:
        folders = folders[:: max(1, len(folders) // args.songs)]
    songs = [(path, read_performance(path / f"{path.name}.mid", tracks=("PIANO",)).notes, read_pop909(path)[1])
             for path in folders]  # fmt: skip
    methods: dict[str, Callable[[Notes, F64], Changes]] = {
        "annotated beats": recognise,
        "estimated beats": lambda notes, _: with_estimated_beats(notes),
        "no beats": lambda notes, _: recognise(notes),
        "baseline: templates, annotated beats": template_matching,
    }
    print(f"{'':<37} " + " ".join(f"{name:>12}" for name in MEASURES) + f" {'notes/s':>9}")
    rows = {}
    for name, method in methods.items():
        start = time.perf_counter()
        changes = [method(notes, beats_s) for _, notes, beats_s in songs]
        rate = sum(len(notes) for _, notes, _ in songs) / (time.perf_counter() - start)
        results = [score(path, found) for (path, _, _), found in zip(songs, changes, strict=True)]
        weights = [seconds for _, seconds in results]
        row = {key: round(float(np.average([r[key] for r, _ in results], weights=weights)), 4) for key in MEASURES}
        rows[name] = {**row, "notes_per_s": round(rate)}
        print(f"{name:<37} " + " ".join(f"{row[key]:>12.3f}" for key in MEASURES) + f" {rate:>9,.0f}", flush=True)
    rng = np.random.default_rng(0)
    hands = [(int(rng.integers(1, 4096)), int(rng.integers(12))) for _ in range(500)]
    live_us = seconds_per_call(lambda: [identify.__wrapped__(*hand) for hand in hands], 0.2, 5) / len(hands) * 1e6
    print(f"live: a chord in the hands is named in {live_us:.1f} us, its first time")
    live = round(live_us, 1)
    say_result("chord labels", {"songs": len(songs), "split": args.split, "rows": rows, "live_us": live})


if __name__ == "__main__":
    main()
