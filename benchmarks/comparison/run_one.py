"""One contestant in a process of its own, so that its memory and its start are its own.

    python -m benchmarks.comparison.run_one train NAME DATA FOLDER --minutes 3 [--style DATA]
    python -m benchmarks.comparison.run_one play NAME FOLDER

train: learns from DATA for so many minutes of processor time, writes its weights into FOLDER, measures them on the test
side; with --style, which scg has not, learns an adapter of that data for a third of the time. play: loads them and
plays every chart. Each prints one JSON line.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common.process import peak_mb

BORN_S = time.monotonic()
WINDOWS = 64  # held-out windows that a loss is measured on
STYLE_WINDOWS = 24
CLIPS_SEED = 5
NAMES = ("scg", "moonbeam", "ours", "plain")


def train(name: str, data: Path, folder: Path, minutes: float, style: Path | None) -> dict[str, Any]:
    """Trains; returns figures of the training, and of an adapter where there is one."""
    import torch

    from benchmarks.comparison import moonbeam, ours, plain, scg
    from benchmarks.comparison.learning import learn
    from benchmarks.comparison.music import sides

    torch.set_num_threads(1)
    torch.manual_seed(0)
    room: Any = {"scg": scg, "moonbeam": moonbeam, "ours": ours, "plain": plain}[name]
    music = sides(data)
    model = {"scg": scg.Scg, "moonbeam": moonbeam.Moonbeam, "ours": ours.fresh, "plain": plain.Plain}[name]()
    source = room.sampler(music["train"]) if name in ("ours", "plain") else music["train"]
    learnt = learn(model, partial(room.training_loss, model, source), room.RATE, 60 * minutes)
    peak = peak_mb()
    folder.mkdir(parents=True, exist_ok=True)
    size = _save(name, model, folder)
    figures = {
        "parameters": sum(p.numel() for p in model.parameters()), "updates": learnt.updates,
        "train_cpu_s": learnt.cpu_s, "train_peak_mb": peak, "training_loss": learnt.loss,
        "cpu_s_per_update": learnt.cpu_s / learnt.updates, "file_bytes": size,
        "held_out": room.held_out(model.eval(), music["test"], WINDOWS),
    }  # fmt: skip
    if style is not None and name != "scg":
        figures["adapter"] = _adapter(name, room, model, sides(style), 20 * minutes)
    return figures


def _save(name: str, model: Any, folder: Path) -> int:
    """Writes the weights, ours in NF4 as it ships, the others in float16; returns their bytes."""
    from safetensors.torch import save_file

    from benchmarks.comparison import ours

    if name == "ours":
        ours.save(folder / "base", model)
        return sum(path.stat().st_size for path in (folder / "base").iterdir())
    save_file(
        {key: value.half().contiguous() for key, value in model.state_dict().items()}, folder / "base.safetensors"
    )
    return (folder / "base.safetensors").stat().st_size


def _adapter(name: str, room: Any, model: Any, music: dict[str, Any], budget_s: float) -> dict[str, Any]:
    """Trains an adapter of a style: LoRA beside the weights of moonbeam, beside NF4 for ours and plain."""
    from benchmarks.comparison.adapters import adapter_bytes, in_nf4, with_lora
    from benchmarks.comparison.learning import learn_adapter

    sizes = {"nf4_base_bytes": in_nf4(model)} if name in ("ours", "plain") else {}
    before = room.held_out(model, music["test"], STYLE_WINDOWS)
    wrapped: Any = with_lora(model)
    inner = wrapped.base_model.model  # the same object, its projections now with LoRA beside them
    source = room.sampler(music["train"]) if name in ("ours", "plain") else music["train"]
    learnt = learn_adapter(inner, partial(room.training_loss, inner, source), 1e-3, budget_s)
    return {
        "before": before, "after": room.held_out(inner.eval(), music["test"], STYLE_WINDOWS),
        "updates": learnt.updates, "cpu_s_per_update": learnt.cpu_s / learnt.updates,
        "bytes": adapter_bytes(wrapped), **sizes, "peak_mb": peak_mb(),
    }  # fmt: skip


def play(name: str, folder: Path) -> dict[str, Any]:
    """Plays every chart; returns chord tones of its own chords and of other charts', time and memory.

    The time is of playing with weights that were read before. Ours computes whole bars, of which the notes of the first
    CLIP_S are counted; the others stop there.
    """
    from benchmarks.comparison.music import ASKED, CLIP_S, chord_share

    player = _player(name, folder)
    rows, first_s = list[dict[str, Any]](), 0.0
    for number, asked in enumerate(ASKED):
        begin = time.process_time()
        notes = player(asked, CLIPS_SEED + number)
        spent = time.process_time() - begin
        first_s = first_s or time.monotonic() - BORN_S
        others = [chord_share(notes, other) for other in ASKED if other is not asked]
        rows.append({
            "chart": asked.name, "notes": len(notes), "cpu_s": spent, "chord_tones": chord_share(notes, asked),
            "other_charts": sum(others) / len(others),
        })  # fmt: skip
    sounding = [row for row in rows if row["notes"]]
    return {
        "chord_tones": sum(row["chord_tones"] for row in sounding) / max(1, len(sounding)),
        "other_charts": sum(row["other_charts"] for row in sounding) / max(1, len(sounding)),
        "notes_s": sum(row["notes"] for row in rows) / (CLIP_S * len(rows)),
        "cpu_ms_per_note": 1e3 * sum(row["cpu_s"] for row in rows) / max(1, sum(row["notes"] for row in rows)),
        "cpu_s_per_clip": min(row["cpu_s"] for row in rows), "start_to_first_clip_s": first_s,
        "play_peak_mb": peak_mb(), "clips": rows,
    }  # fmt: skip


def _player(name: str, folder: Path) -> Callable[[Any, int], Any]:
    from benchmarks.comparison import ours
    from engine.model.checkpoint import load_checkpoint

    if name in ("ours", "ours in torch"):
        return partial(
            ours.play, load_checkpoint(folder / "base"), backend="torch" if name == "ours in torch" else "auto"
        )
    import torch
    from safetensors.torch import load_file

    from benchmarks.comparison import moonbeam, plain, scg

    torch.set_num_threads(1)
    room: Any = {"scg": scg, "scg without its rule": scg, "moonbeam": moonbeam, "plain": plain}[name]
    model = {"scg": scg.Scg, "moonbeam": moonbeam.Moonbeam, "plain": plain.Plain}[
        name.removesuffix(" without its rule")
    ]().eval()
    model.load_state_dict({key: value.float() for key, value in load_file(folder / "base.safetensors").items()})
    return partial(room.play, model, **({"candidates": 1} if "without" in name else {}))


def main() -> None:
    parser = argparse.ArgumentParser(description="One contestant of bench_comparison.")
    actions = parser.add_subparsers(dest="action", required=True)
    training = actions.add_parser("train")
    training.add_argument("name", choices=NAMES)
    training.add_argument("data", type=Path)
    training.add_argument("folder", type=Path)
    training.add_argument("--minutes", type=float, default=3.0)
    training.add_argument("--style", type=Path)
    playing = actions.add_parser("play")
    playing.add_argument("name")
    playing.add_argument("folder", type=Path)
    args = parser.parse_args()
    if args.action == "train":
        print(json.dumps(train(args.name, args.data, args.folder, args.minutes, args.style)))
    else:
        print(json.dumps(play(args.name, args.folder)))


if __name__ == "__main__":
    main()
