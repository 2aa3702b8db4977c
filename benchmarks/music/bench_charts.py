"""Twenty charts to listen to: a WAV and a piano roll of each, and beside them what can be counted of the music.

    python -m benchmarks.music.bench_charts FOLDER [--checkpoint CKPT] [--style NAME] [--seed N] [--no-wav]

The figures tell where to listen first; they do not replace it. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.common.result import say_result
from engine.chords import parse_chart
from engine.evaluation.excerpts import Meter
from engine.evaluation.features import groove, on_the_beat, restrikes
from engine.evaluation.metrics import chord_tone_share, longest_rest_s
from engine.midi_io.write import write_midi
from engine.model.checkpoint import load_checkpoint
from engine.output.plot import plot_png
from engine.output.render import render_wav
from engine.solo.improvise import improvise
from osc_protocol.table.parameters import settings

# Name, chart, bars, bpm: cadences, blues, modal, pop, waltz, slow chords, two chords a bar, far keys, long charts.
CHARTS = (
    ("two five one", "Dm7 | G7 | Cmaj7 | %", 16, 120),
    ("minor two five", "Bm7b5 | E7 | Am7 | %", 16, 132),
    ("blues in F", "F7 | Bb7 | F7 | F7 | Bb7 | Bb7 | F7 | D7 | Gm7 | C7 | F7 | C7", 24, 140),
    ("minor blues", "Cm7 | Cm7 | Cm7 | Cm7 | Fm7 | Fm7 | Cm7 | Cm7 | Ab7 | G7 | Cm7 | G7", 24, 110),
    ("rhythm changes", "Bb G7 | Cm7 F7 | Dm7 G7 | Cm7 F7 | Fm7 Bb7 | Eb Ebm | Dm7 G7 | Cm7 F7", 16, 180),
    ("turnaround", "Cmaj7 A7 | Dm7 G7", 16, 100),
    ("modal", "Dm7 | % | % | % | Ebm7 | % | % | %", 16, 150),
    ("bossa", "Fmaj7 | % | G7 | % | Gm7 | Gb7 | Fmaj7 | Gb7", 16, 130),
    ("descending minors", "Gmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7 | Ebmaj7 | Am7b5 D7 | Gm7 | D7", 16, 96),
    ("giant steps", "Bmaj7 D7 | Gmaj7 Bb7 | Ebmaj7 | Am7 D7 | Gmaj7 Bb7 | Ebmaj7 F#7 | Bmaj7 | Fm7 Bb7", 16, 160),
    ("pop", "C | G | Am | F", 16, 100),
    ("pop ballad", "Ab | Eb | Fm | Db", 16, 70),
    ("rock", "E | A | E | B", 16, 126),
    ("canon", "D | A | Bm | F#m | G | D | G | A", 16, 80),
    ("andalusian", "Am | G | F | E", 16, 108),
    ("gospel", "C | C7 | F | F#dim | C | Am7 | Dm7 G7 | C", 16, 76),
    ("one chord", "Am7", 12, 112),
    ("very slow", "Ebmaj7 | Cm9 | Fm9 | Bb13", 8, 52),
    ("very fast", "Dm7 | G7 | Em7 | A7", 24, 240),
    ("far key", "F#m7 | B7 | Emaj7 | C#m7", 16, 120),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Plays twenty charts to listen to.")
    parser.add_argument("folder", type=Path, help="for the WAVs and pictures")
    parser.add_argument("--checkpoint", type=Path, help="[the shipped base]")
    parser.add_argument("--style", default="", help="[none]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-wav", action="store_true", help="MIDI and pictures alone, without FluidSynth")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    checkpoint = load_checkpoint(args.checkpoint)
    columns = (
        "notes/s",
        "chord tones",
        "on the beat",
        "groove",
        "restrikes",
        "rest s",
        "together",
        "lowest",
        "highest",
    )
    print(f"{'':<18} {'bpm':>4} " + " ".join(f"{name:>11}" for name in columns))
    rows = {}
    for name, text, bars, tempo_bpm in CHARTS:
        chart = parse_chart(text).fill(bars)
        solo = improvise(checkpoint, chart, tempo_bpm=tempo_bpm, seed=args.seed, params=settings(style=args.style))
        onset_s = solo.notes["onset_s"]
        meter = Meter(tempo_bpm, solo.metre.beats, 0.0)
        values = (
            len(onset_s) / solo.length_s, chord_tone_share(solo.notes, chart, tempo_bpm), on_the_beat(onset_s, meter),
            groove(onset_s, solo.length_s, meter), restrikes(solo.notes), longest_rest_s(solo.notes, solo.length_s),
            float((np.diff(onset_s) < 0.03).mean()), float(solo.notes["pitch"].min()), float(solo.notes["pitch"].max()),
        )  # fmt: skip
        rows[name] = {column: round(float(value), 3) for column, value in zip(columns, values, strict=True)}
        print(f"{name:<18} {tempo_bpm:>4} " + " ".join(f"{value:>11.2f}" for value in values), flush=True)
        place = args.folder / name.replace(" ", "-")
        midi = place.with_suffix(".mid")
        write_midi(midi, solo.notes, tempo_bpm=tempo_bpm, chords=solo.chords, length_s=solo.length_s)
        plot_png(
            place.with_suffix(".png"), solo.notes, solo.chords, tempo_bpm=tempo_bpm, title=f"{name}, {tempo_bpm} bpm"
        )
        if not args.no_wav:
            render_wav(midi, place.with_suffix(".wav"))
    means = {column: round(float(np.mean([row[column] for row in rows.values()])), 3) for column in columns}
    print(f"{'mean':<18} {'':>4} " + " ".join(f"{means[column]:>11.2f}" for column in columns))
    say_result("charts", {"style": args.style, "mean": means, "charts": rows})


if __name__ == "__main__":
    main()
