"""A style of ten of a pianist's pieces: what is gained on pieces of that pianist nobody has heard, and on others'.

    python -m benchmarks.study.bench_pianist PIANIST other=FOLDER ... [--songs 10] [--windows 24] [--solos 12]
                                             [--style STYLE] [-- options of sideman finetune]

PIANIST and the others are folders of MIDI files. Ten pieces, evenly spread by name, go through `sideman prepare` and
`sideman finetune`, with every choice left to them; the rest stays unheard, also by what says when to stop. --style is
one that was made before. Every collection is scored twice on the same windows, with the base and with the style: music
in mid-flow with its recognised chords and beat, and nothing else told. What right chords are worth is how much worse
the same music is under them in another order. Solos are twelve charts at default knobs, one seed each, of which the
notes on the beat are counted; those of the base are also asked for what the style's auto asks. Prints a table, then one
JSON line.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.process import held_mb
from benchmarks.common.result import say_result
from engine.evaluation.charts import CHARTS
from engine.evaluation.solo_figures import solo_figures
from engine.model.checkpoint import Checkpoint, load_checkpoint
from engine.styles.style import Style, adapter_of
from engine.styles.style_folder import load_style
from engine.styles.typical import typical_of
from osc_protocol.table.parameters import Setting, settings

LENGTH = 512  # tokens of a window
BARS = 16  # of a solo
UNHEARD = "unheard"


@dataclass(frozen=True)
class Made:
    """How a style was made."""

    folder: Path
    minutes: float
    processor_s: float
    peak_mb: float


def split(pianist: Path, songs: int) -> tuple[list[Path], list[Path]]:
    """Returns the pieces to learn, evenly spread by name, and those that stay unheard."""
    files = sorted(path for path in pianist.iterdir() if path.suffix.lower() in (".mid", ".midi"))
    if len(files) <= songs:
        raise SystemExit(f"{pianist}: {len(files)} pieces, and some beyond the {songs} to learn must stay unheard")
    learnt = set(np.linspace(0, len(files) - 1, songs).round().astype(int).tolist())
    return [file for i, file in enumerate(files) if i in learnt], [f for i, f in enumerate(files) if i not in learnt]


def prepare(files: Sequence[Path], work: Path, name: str, *sides: str) -> Path:
    """Runs `sideman prepare` on copies of the files; returns the folder of data. sides: of its --split."""
    songs, data = work / f"{name}_songs", work / name
    songs.mkdir()
    for file in files:
        shutil.copy(file, songs)
    sideman("prepare", str(songs), "-o", str(data), *(["--split", *sides] if sides else []))
    return data


def sideman(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "bridge.cli", *arguments], check=True, stdout=subprocess.DEVNULL)


def make_style(data: Path, out: Path, options: Sequence[str]) -> Made:
    """Runs `sideman finetune`."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    sideman("finetune", "--data", str(data), "--style", "pianist", "-o", str(out), *options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Made(out, (time.monotonic() - began) / 60, processor_s, held_mb(after))


def score(checkpoint: Checkpoint, style: Style, data: dict[str, Path], windows: int) -> dict[str, dict[str, float]]:
    """Returns for each collection nats a token of base and style, and what chords are worth to each."""
    import torch

    from engine.data.eval_windows import eval_windows
    from engine.data.shards.shards import load_shard
    from engine.styles.merge import merged_weights
    from engine.training.evaluate import load_model, token_nats, with_wrong_chords

    base = load_model(checkpoint)
    styled = load_model(checkpoint)
    merged = merged_weights(checkpoint.weights, [(adapter_of(style, checkpoint), 1.0)])
    styled.load_state_dict({name: torch.from_numpy(value) for name, value in merged.items()})
    rows = {}
    for name, folder in data.items():
        shard = load_shard(folder / "train.safetensors")
        row = {}
        for who, model in (("base", base), ("style", styled)):
            for chords, music in (("right", shard), ("wrong", with_wrong_chords(shard))):
                cut = eval_windows(music.pieces, LENGTH, windows)
                nats = np.concatenate(list(token_nats(model, cut, length=LENGTH)))
                row[f"{who}_{chords}"] = float(nats.mean(dtype=np.float64))
        row["gain_percent"] = 100 * (1 - row["style_right"] / row["base_right"])
        row["worth_left"] = (row["style_wrong"] - row["style_right"]) / (row["base_wrong"] - row["base_right"])
        rows[name] = row
    return rows


def solos_of(checkpoint: Checkpoint, style: Path, charts: int) -> dict[str, dict[str, float]]:
    """Returns means of what is counted of solos: of the base's and the style's at default knobs, of the base's asked.

    Asked means: for the values that the style has for auto. Who strikes twice as often strikes between the beats.
    """
    os.environ["SIDEMAN_STYLES"] = str(style.parent)
    controls = {control.name: control for control in checkpoint.model.controls}
    typical = typical_of(load_style(style), controls)
    asked = {name: value for name, value in typical.items() if not isinstance(value, str)}
    return {
        who: _counted(checkpoint, settings(**values), charts)
        for who, values in (("base", {}), ("base, asked", asked), ("style", {"style": style.name}))
    }


def _counted(checkpoint: Checkpoint, params: Sequence[Setting], charts: int) -> dict[str, float]:
    from engine.solo.improvise import improvise

    figures = []
    for measured in CHARTS[:charts]:
        chart = measured.fill(BARS)
        solo = improvise(checkpoint, chart, tempo_bpm=measured.tempo_bpm, seed=1, params=params)
        figures.append(solo_figures(solo.notes, chart, measured.tempo_bpm))
    return {name: float(np.mean([row[name] for row in figures])) for name in ("on the beat", "chord tones", "notes/s")}


def report(rows: dict[str, dict[str, float]], solos: dict[str, dict[str, float]], made: Made | None) -> dict[str, Any]:
    """Prints the tables; returns the figures."""
    print(f"{'':<24} {'base':>7} {'style':>7} {'gain':>8} {'chords are worth':>18} {'left':>6}")
    for name, row in rows.items():
        worth = [row[f"{who}_wrong"] - row[f"{who}_right"] for who in ("base", "style")]
        print(
            f"{name:<24} {row['base_right']:>7.3f} {row['style_right']:>7.3f} {row['gain_percent']:>6.2f} % "
            f"{worth[0]:>9.3f} -> {worth[1]:.3f} {row['worth_left']:>6.2f}"
        )
    own = rows[UNHEARD]["gain_percent"]
    others = float(np.mean([row["gain_percent"] for name, row in rows.items() if name != UNHEARD]))
    best = max(row["gain_percent"] for name, row in rows.items() if name != UNHEARD)
    print(f"gain on unheard pieces {own:.2f} %, on others' {others:.2f} % on average, {best:.2f} % at most")
    for who, figures in solos.items():
        print(f"solos, {who:<12} " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    if made is not None:
        print(f"made in {made.minutes:.1f} min, {made.processor_s:.0f} s of processor time, {made.peak_mb:.0f} MB")
    return {"rows": rows, "own_percent": own, "others_percent": others, "others_most_percent": best, "solos": solos}


def main() -> None:
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = sys.argv[end + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pianist", type=Path)
    parser.add_argument("others", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--songs", type=int, default=10, help="to learn [10]")
    parser.add_argument("--windows", type=int, default=24, help="of each collection, of 512 tokens [24]")
    parser.add_argument("--solos", type=int, default=12, help="charts to play over [12]")
    parser.add_argument("--style", type=Path, help="a style made before, of the same ten pieces")
    args = parser.parse_args(sys.argv[1:end])
    checkpoint = load_checkpoint(None)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        learnt, unheard = split(args.pianist, args.songs)
        data = {UNHEARD: prepare(unheard, work, UNHEARD, "1", "0", "0")}
        for text in args.others:
            name, _, path = text.partition("=")
            data[name] = prepare(sorted(Path(path).glob("*.mid")), work, f"other_{name}", "1", "0", "0")
        made = None
        if args.style is None:
            made = make_style(prepare(learnt, work, "learnt"), work / "style", options)
            args.style = made.folder
        rows = score(checkpoint, load_style(args.style), data, args.windows)
        solos = solos_of(checkpoint, args.style, args.solos) if args.solos else {}
        facts = report(rows, solos, made)
        if made is not None:
            facts["made"] = {"minutes": made.minutes, "processor_s": made.processor_s, "peak_mb": made.peak_mb}
        say_result("pianist", facts)


if __name__ == "__main__":
    main()
