"""Tokens a second of a training update: what one core and two give at a config, on synthetic data.

    python benchmarks/bench_train.py [CONFIG] [--updates 6]

One update is batch_size x gradient_accumulation windows of max_seq_len tokens, forward, backward and both optimisers,
with the sampler that cuts and transposes the windows. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch
from machine import describe

from engine.config import load_config
from engine.data.shards import PieceArrays
from engine.data.windows import WindowSampler
from engine.training.train import Trainer

THREADS = (1, 2)
WARM_UP = 2  # updates that fill the allocator and are not timed


def synthetic_piece(rng: np.random.Generator, notes: int = 2000) -> PieceArrays:
    """Notes one after the other, a chord every eight of them, four beats a bar: the lengths of a real piece."""
    pitch = rng.integers(36, 90, notes)
    columns = [rng.integers(356, 388, notes), pitch, rng.integers(256, 300, notes), pitch + 128]
    tokens = np.concatenate([[389], np.stack(columns, axis=1).ravel(), [390]]).astype(np.uint16)
    beats = np.arange(0.0, 22.0 * notes, 50.0)
    chords = 1 + notes // 8
    return PieceArrays(
        tokens, np.array([400, *rng.integers(401, 689, chords - 1)]), np.arange(chords) * 180, beats,
        np.arange(len(beats)) % 4, 0,
    )  # fmt: skip


def seconds_per_update(config_name: str, threads: int, updates: int) -> float:
    """Median over the updates of one run."""
    torch.set_num_threads(threads)
    config = load_config(config_name)
    rng = np.random.default_rng(0)
    trainer = Trainer(config, 1000, seed=0)
    pieces = [synthetic_piece(rng) for _ in range(8)]
    sampler = WindowSampler(pieces, config.model.max_seq_len, config.training.batch_size, seed=0)
    runs = []
    for _ in range(WARM_UP + updates):
        start = time.perf_counter()
        trainer.step(sampler)
        runs.append(time.perf_counter() - start)
    return statistics.median(runs[WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(description="Tokens a second of a training update.")
    parser.add_argument("config", nargs="?", default="tiny", help="a shipped config or a YAML file [tiny]")
    parser.add_argument("--updates", metavar="N", type=int, default=6, help="timed updates for each row [6]")
    args = parser.parse_args()
    config = load_config(args.config)
    training = config.training
    tokens = config.model.max_seq_len * training.batch_size * training.gradient_accumulation
    print(f"{args.config}: {tokens} tokens an update, mixed precision: {training.mixed_precision}")
    print(f"{'threads':>7} {'ms/update':>10} {'tokens/s':>10} {'of one':>7}")
    rates = {}
    for threads in THREADS:
        seconds = seconds_per_update(args.config, threads, args.updates)
        rates[threads] = tokens / seconds
        print(
            f"{threads:>7} {1000 * seconds:>10.0f} {rates[threads]:>10,.0f} {rates[threads] / rates[THREADS[0]]:>6.2f}x"
        )
    rows = [{"threads": threads, "tokens_per_s": round(rate)} for threads, rate in rates.items()]
    facts = {**describe(), "torch": torch.__version__}
    print()
    print(json.dumps({"benchmark": "train", "config": args.config, "machine": facts, "rows": rows}))


if __name__ == "__main__":
    main()
