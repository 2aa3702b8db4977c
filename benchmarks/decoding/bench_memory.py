"""Memory by config: a checkpoint in NF4, the numbers a run holds, and the peak of an update.

    python -m benchmarks.decoding.bench_memory [CONFIG ...] [--measure tiny small medium]

Parameters, checkpoint and state are computed from the shapes: float32 weights and gradients, Muon's momentum for the
matrices of the layers, AdamW's two moments for the rest. --measure adds, in a fresh process each, the file as it is
written and the peak of two updates in float32 with one window (of the config's length and span) a batch: with all that
Python and torch take. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common.process import in_fresh_process, peak_mb
from benchmarks.common.result import say_result
from engine.model.checkpoint import save_checkpoint
from engine.model.config import Config
from engine.model.config_file import load_config, shipped_configs
from engine.model.nf4 import BLOCK
from engine.model.shapes import count_parameters, is_matrix, parameter_shapes

MB = 1e6


def checkpoint_bytes(config: Config) -> float:
    """Returns the bytes of matrices in NF4 with a float32 scale for 64, embeddings in float16, norms in float32."""
    total = 0.0
    for name, shape in parameter_shapes(config.model).items():
        count = math.prod(shape)
        if is_matrix(name):
            total += count / 2 + 4 * count / BLOCK
        else:
            total += count * (2 if len(shape) == 2 else 4)
    return total


def state_bytes(config: Config) -> float:
    """Returns the bytes of weights, gradients and the optimisers' moments."""
    total = 0
    for name, shape in parameter_shapes(config.model).items():
        total += math.prod(shape) * 4 * (3 if name.endswith("_proj.weight") else 4)
    return total


def written_bytes(config: Config) -> int:
    """Writes a checkpoint; returns the size of its weights on disk."""
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in parameter_shapes(config.model).items()}
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / "base", config, weights, "")
        return (Path(folder) / "base" / "model.safetensors").stat().st_size


def peak_of_updates_mb(config: Config) -> float:
    """Makes two updates; returns the most memory that this process has held."""
    from benchmarks.study.bench_train import synthetic_piece
    from engine.data.window_sampler import WindowSampler
    from engine.training.trainer import Trainer

    training = replace(config.training, batch_size=1, gradient_accumulation=1, mixed_precision="no")
    trainer = Trainer(replace(config, training=training), 10, seed=0)
    sampler = WindowSampler([synthetic_piece(np.random.default_rng(0))], config.model.max_seq_len, 1, seed=0)
    for _ in range(2):
        trainer.step(sampler)
    return peak_mb()


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory by config.")
    parser.add_argument("configs", metavar="CONFIG", nargs="*", help="[all that ship]")
    parser.add_argument("--measure", metavar="CONFIG", nargs="*", default=[], help="run these")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        config = load_config(args.row)
        print(json.dumps({"peak_mb": peak_of_updates_mb(config), "written": written_bytes(config)}))
        return
    names = args.configs or sorted(shipped_configs(), key=lambda name: count_parameters(load_config(name).model))
    rows = []
    print(f"{'config':<8} {'parameters':>14} {'NF4 MB':>8} {'written':>8} {'state MB':>9} {'peak of an update':>18}")
    for name in names:
        config = load_config(name)
        row: dict[str, object] = {
            "config": name,
            "parameters": count_parameters(config.model),
            "checkpoint_mb": round(checkpoint_bytes(config) / MB, 1),
            "state_mb": round(state_bytes(config) / MB),
        }
        if name in args.measure:
            found = in_fresh_process("benchmarks.decoding.bench_memory", ["--row", name])
            row |= {"written_mb": round(found["written"] / MB, 1), "peak_mb": round(found["peak_mb"] * 2**20 / MB)}
        rows.append(row)
        print(f"{name:<8} {row['parameters']:>14,} {row['checkpoint_mb']:>8} {row.get('written_mb', ''):>8} "
              f"{row['state_mb']:>9,} {row.get('peak_mb', ''):>18}", flush=True)  # fmt: skip
    print()
    say_result("memory", {"rows": rows})


if __name__ == "__main__":
    main()
