"""Can a classifier that knows only real pieces name the style of generated ones? A confusion matrix of blind clips.

    python -m benchmarks.music.bench_styles ragtime=FOLDER klezmer=FOLDER spanish=FOLDER [--clips 20]

FOLDER holds MIDI files of real pieces in that style; styles of these names must be there (`sideman styles list`) or
lie in --folder. A multinomial logistic regression learns from windows of the real pieces, all but every fourth piece,
which says how good it is. Then every style plays the same charts at the same tempo with the same seeds, and each clip
is named; then five other charts, which nothing was tuned on. Features are statistics of notes alone: how dense, how
high, how long, which intervals. Velocities are left out, since scores have none worth the name and would be told by it;
so is the key, and so, as the chart sets it, is the tempo: the classifier hears every real piece at five of them (told
by its notated tempo alone, a rag over a chart at 110 is none). --own-tempo leaves that out, as first measured. `base`
plays without a style, as a control: its clips must be of some style too, and which one says what the features alone
would make of it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.chords import parse_chart
from engine.midi_io.read import read_performance
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.notes import Notes
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import settings

CHARTS = (
    "Dm7 | G7 | Cmaj7 | Am7 | Dm7 | G7 | C | C",
    "F | F7 | Bb | Bbm | F | C7 | F | C7",
    "Am | Dm | E7 | Am | Dm | Am | E7 | Am",
    "Eb | Cm | Fm | Bb7 | Gm | C7 | Fm Bb7 | Eb",
    "Gm | Cm | D7 | Gm | Cm | F7 | Bb | D7",
)
MORE_CHARTS = (
    "Bb | G7 | Cm7 | F7 | Dm7 | G7 | Cm7 F7 | Bb",
    "Em | Em | Am | B7 | Em | C | Am B7 | Em",
    "D | Bm | G | A | D | F#m | G A | D",
    "Cm | Fm | Cm | G7 | Ab | Fm | Dm7b5 G7 | Cm",
    "A7 | A7 | D7 | A7 | E7 | D7 | A7 | E7",
)
TEMPO_BPM = 110.0
STRETCHES = (0.7, 0.84, 1.0, 1.19, 1.41)  # of the real pieces' times
WINDOW_S = 17.0  # of the real pieces; eight bars at TEMPO_BPM
MIN_NOTES = 24
DECAY = 1e-2  # of the classifier's weights
CHORD_S = 0.035  # onsets so near are one chord
IOI_EDGES_S = np.array([0.06, 0.1, 0.14, 0.19, 0.26, 0.36, 0.5, 0.75])
LENGTH_EDGES_S = np.array([0.06, 0.12, 0.2, 0.35, 0.6, 1.0])


def features(notes: Notes) -> np.ndarray:
    """Returns some forty numbers of a window of notes; none depends on velocity or key."""
    order = np.argsort(notes["onset_s"], kind="stable")
    onset, pitch = notes["onset_s"][order], notes["pitch"][order].astype(int)
    length = (notes["offset_s"] - notes["onset_s"])[order]
    starts = np.flatnonzero(np.diff(onset, prepend=-9.0) > CHORD_S)
    sizes = np.diff(np.append(starts, len(onset)))
    gaps = np.diff(onset[starts])
    tops, bottoms = np.maximum.reduceat(pitch, starts), np.minimum.reduceat(pitch, starts)
    steps, leaps = np.abs(np.diff(tops)), np.abs(np.diff(bottoms))
    classes = np.bincount(pitch % 12, minlength=12) / len(pitch)
    span = max(onset[-1] - onset[0], 1.0)
    return np.concatenate([
        [len(onset) / span, len(starts) / span, pitch.mean() / 12, pitch.std() / 12, (pitch < 48).mean(),
         (pitch > 76).mean(), length.sum() / span, np.log(length.clip(0.01)).mean(), np.log(length.clip(0.01)).std()],
        [(sizes == n).mean() for n in (1, 2, 3, 4)],
        np.bincount(np.searchsorted(IOI_EDGES_S, gaps), minlength=len(IOI_EDGES_S) + 1) / max(len(gaps), 1),
        np.bincount(np.searchsorted(LENGTH_EDGES_S, length), minlength=len(LENGTH_EDGES_S) + 1) / len(length),
        [(steps == n).mean() for n in (0, 1, 2, 3)], [(steps > 7).mean(), (steps == 12).mean()],
        [(leaps == 0).mean(), ((leaps > 7) & (leaps < 20)).mean()],
        [-(classes * np.log(classes.clip(1e-9))).sum(), gaps.std() / max(gaps.mean(), 1e-3) if len(gaps) else 0.0],
    ])  # fmt: skip


def windows(notes: Notes, stretch: float = 1.0) -> list[np.ndarray]:
    """Returns features of every window of a piece, played so many times slower."""
    onset_s = notes["onset_s"] * stretch
    found = []
    for start_s in np.arange(0.0, float(onset_s.max()), WINDOW_S):
        part = notes[(onset_s >= start_s) & (onset_s < start_s + WINDOW_S)].copy()
        if len(part) >= MIN_NOTES:
            part["onset_s"] *= stretch
            part["offset_s"] *= stretch
            found.append(features(part))
    return found


class Classifier:
    """Multinomial logistic regression on standardised features, by gradient descent; every style counts the same."""

    def __init__(self, rows: np.ndarray, labels: np.ndarray, count: int) -> None:
        self.mean, self.std = rows.mean(0), rows.std(0) + 1e-6
        x, wanted = self._design(rows), np.eye(count)[labels]
        share = (1.0 / np.bincount(labels, minlength=count))[labels] / count
        self.weights = np.zeros((x.shape[1], count))
        for _ in range(2000):
            gradient = x.T @ ((self._softmax(x) - wanted) * share[:, None]) + DECAY * self.weights
            self.weights -= 0.5 * gradient

    def name(self, row: np.ndarray) -> int:
        return int(self._softmax(self._design(row[None])).argmax())

    def _design(self, rows: np.ndarray) -> np.ndarray:
        standard = np.clip((rows - self.mean) / self.std, -4, 4)  # one odd feature must not decide alone
        return np.concatenate([standard, np.ones((len(rows), 1))], axis=1)

    def _softmax(self, x: np.ndarray) -> np.ndarray:
        logits = x @ self.weights
        powers = np.exp(logits - logits.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)


def show(title: str, rows: list[str], names: list[str], matrix: np.ndarray) -> None:
    print(f"{title:<16}" + "".join(f"{name:>10}" for name in names))
    for row, counts in zip(rows, matrix, strict=True):
        print(f"{row:<16}" + "".join(f"{count:>10}" for count in counts))


def clips_named(
    checkpoint: Checkpoint,
    styles: list[str],
    names: list[str],
    charts: tuple[str, ...],
    count: int,
    classifier: Classifier,
) -> tuple[np.ndarray, int]:
    """Returns (styles, names) counts of clips, and how many had too few notes to tell."""
    named = np.zeros((len(styles), len(names)), dtype=int)
    too_short = 0
    for row, style in enumerate(styles):
        for clip in range(count):
            notes = play(checkpoint, style, charts[clip % len(charts)], clip)
            if len(notes) < MIN_NOTES:
                too_short += 1
                continue
            named[row, classifier.name(features(notes))] += 1
    return named, too_short


def play(checkpoint: Checkpoint, style: str, chart_text: str, seed: int) -> Notes:
    """Plays as `sideman generate --no-ending` does with all other parameters at their defaults. style "": the base."""
    chart = parse_chart(chart_text)
    return improvise(
        checkpoint, chart, tempo_bpm=TEMPO_BPM, seed=seed, params=settings(style=style), ending=False
    ).notes  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Names the style of blind clips.")
    parser.add_argument("styles", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--clips", type=int, default=20, help="of each style [20]")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, help="style folders NAME in here, before those installed")
    parser.add_argument(
        "--own-tempo", action="store_true", help="the classifier hears real pieces at their own tempo alone"
    )
    args = parser.parse_args()
    folders = dict(text.split("=", 1) for text in args.styles)
    names = list(folders)

    real = [
        (label, number % 4 == 3, stretch, row)
        for label, name in enumerate(names)
        for number, path in enumerate(sorted(Path(folders[name]).glob("*.mid")))
        for stretch in ((1.0,) if args.own_tempo else STRETCHES)
        for row in windows(read_performance(path).notes, stretch)
    ]
    seen = [(label, row) for label, held_out, _, row in real if not held_out]
    classifier = Classifier(np.array([row for _, row in seen]), np.array([label for label, _ in seen]), len(names))
    unheard = np.zeros((len(names), len(names)), dtype=int)
    for label, held_out, stretch, row in real:
        if held_out and stretch == 1.0:
            unheard[label, classifier.name(row)] += 1
    show("real, unheard", names, names, unheard)

    checkpoint = load_checkpoint(args.checkpoint)
    if args.folder:
        os.environ["SIDEMAN_STYLES"] = str(args.folder)
    result = {
        "names": names,
        "own_tempo": args.own_tempo,
        "real_unheard": unheard.tolist(),
        "real_accuracy": round(float(np.trace(unheard) / unheard.sum()), 3),
    }
    for title, charts in (("charts", CHARTS), ("other charts", MORE_CHARTS)):
        clips, too_short = clips_named(checkpoint, [*names, ""], names, charts, args.clips, classifier)
        show(title, [*names, "(base)"], names, clips)
        right, total = int(np.trace(clips[:-1])), args.clips * len(names)
        print(f"{right} of {total} clips named right ({100 * right / total:.0f} %; chance {100 / len(names):.0f} %)")
        result[title] = {"clips": clips.tolist(), "accuracy": round(right / total, 3), "too_few_notes": too_short}
    say_result("styles", result)


if __name__ == "__main__":
    main()
