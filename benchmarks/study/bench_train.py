"""Tokens a second of a training update, on threads of the processor or on a GPU, on synthetic data.

    python -m benchmarks.study.bench_train [CONFIG ...] [--updates 6] [--threads 1 2] [--device cuda] [--workers N]

Default: tiny, small, and 256 x 6 with the windows of tiny ("7m"), on one thread and on two. With --device cuda: the
configs in their own precision and the fast form (engine/training/device), one row each. One update is batch_size x
gradient_accumulation windows of max_seq_len tokens, forward, backward and both optimisers, with the windows that are
cut, varied and, where the config has a share for it, composed beside it; counted are tokens that have a loss. On a
processor the least of several updates counts: other work on a machine only adds. Beside the clock's time stands the
processor's: on one thread it is what a calm machine would take. On a GPU, where
updates are queued, it is the mean of all timed ones; the first one, with the compiler, and the peak of memory stand
beside it. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.common.result import say_result
from engine.data.diet import Diet
from engine.data.feed import Feed, default_workers
from engine.data.shards.shard_writer import save_shard
from engine.data.shards.shards import PieceArrays, Shard
from engine.model.config import Config
from engine.model.config_file import load_config
from engine.model.shapes import count_parameters
from engine.training.device import make_accelerator
from engine.training.trainer import Trainer

WARM_UP = 2  # updates that fill the allocator and are not timed


def synthetic_piece(rng: np.random.Generator, notes: int = 2000) -> PieceArrays:
    """Makes a piece as long as a real one: notes one after the other, a chord every eight, four beats a bar."""
    pitch = rng.integers(36, 90, notes)
    columns = [rng.integers(356, 388, notes), pitch, rng.integers(256, 300, notes), pitch + 128]
    tokens = np.concatenate([[389], np.stack(columns, axis=1).ravel(), [390]]).astype(np.uint16)
    beats = np.arange(0.0, 22.0 * notes, 50.0)
    chords = 1 + notes // 8
    return PieceArrays(
        tokens, np.array([400, *rng.integers(401, 689, chords - 1)]), np.arange(chords) * 180, beats,
        np.arange(len(beats)) % 4, 0,
    )  # fmt: skip


def configuration(name: str) -> Config:
    if name != "7m":
        return load_config(name)
    tiny = load_config("tiny")
    return replace(tiny, model=replace(tiny.model, latent_dim=256, num_layers=6, ff_dim=1024))


def diet_of(config: Config, folder: Path) -> Diet:
    """Returns the config's windows over eight synthetic pieces."""
    rng = np.random.default_rng(0)
    save_shard(folder / "train.safetensors", Shard([synthetic_piece(rng) for _ in range(8)], ["synthetic"]))
    training = config.training
    return Diet(
        folder / "train.safetensors", config.model.max_seq_len, training.batch_size, 0, practice=training.practice,
        controls=config.model.controls, gaps=training.gaps,
    )  # fmt: skip


def seconds_per_update(config: Config, threads: int, updates: int) -> tuple[float, float, int]:
    """Returns the least wall and processor time of an update over one run, and the tokens of each update."""
    torch.set_num_threads(threads)
    trainer = Trainer(config, 1000, seed=0)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        windows = diet_of(config, Path(folder)).open()
        for _ in range(WARM_UP + updates):
            start, start_cpu = time.perf_counter(), time.process_time()
            trainer.step(windows)
            runs.append((time.perf_counter() - start, time.process_time() - start_cpu))
    seconds, processor = (min(column) for column in zip(*runs[WARM_UP:], strict=True))
    return seconds, processor, trainer.tokens_per_update


def on_gpu(name: str, config: Config, updates: int, workers: int) -> dict[str, object]:
    """Measures one config on a GPU."""
    accelerator = make_accelerator("cuda", config.training.mixed_precision)
    trainer = Trainer(config, 1000, seed=0, accelerator=accelerator)
    with tempfile.TemporaryDirectory() as folder:
        windows = Feed(diet_of(config, Path(folder)), 0, 1, workers, accelerator.device)
        start = time.perf_counter()
        trainer.step(windows).item()
        first_s = time.perf_counter() - start
        for _ in range(2 * WARM_UP):
            trainer.step(windows).item()
        start = time.perf_counter()
        for _ in range(updates):
            loss = trainer.step(windows)
        loss.item()
        seconds = (time.perf_counter() - start) / updates
    return {
        "config": name, "parameters": count_parameters(config.model), "device": torch.cuda.get_device_name(),
        "precision": config.training.mixed_precision, "workers": workers, "ms_per_update": round(1000 * seconds, 1),
        "tokens_per_s": round(trainer.tokens_per_update / seconds), "first_update_s": round(first_s, 1),
        "peak_gb": round(torch.cuda.max_memory_allocated() / 1e9, 1),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Tokens a second of a training update.")
    parser.add_argument("configs", metavar="CONFIG", nargs="*", default=["tiny", "small", "7m"],
                        help="shipped configs or YAML files [tiny small 7m]")  # fmt: skip
    parser.add_argument("--threads", metavar="N", type=int, nargs="+", default=[1, 2], help="[1 2]")
    parser.add_argument("--updates", metavar="N", type=int, default=6, help="timed updates for each row [6]")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="[cpu]")
    parser.add_argument("--workers", metavar="N", type=int, default=default_workers(torch.device("cuda")),
                        help="processes that make batches beside a GPU [one a core, 14 at most]")  # fmt: skip
    args = parser.parse_args()
    if args.device == "cuda":
        gpu_rows = [on_gpu(name, configuration(name), args.updates, args.workers) for name in args.configs]
        for row in gpu_rows:
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        say_result("train", {"torch": torch.__version__, "rows": gpu_rows})
        return
    print(
        f"{'config':<8} {'parameters':>11} {'threads':>7} {'tokens':>7} {'ms/update':>10} {'tokens/s':>9} {'of one':>7}"
    )
    rows = []
    for name in args.configs:
        config = configuration(name)
        parameters = count_parameters(config.model)
        for threads in args.threads:
            seconds, processor, tokens = seconds_per_update(config, threads, args.updates)
            print(f"{name:<8} {parameters:>11,} {threads:>7} {tokens:>7,} {1000 * seconds:>10,.0f} "
                  f"{1000 * processor:>10,.0f} {tokens / seconds:>9,.0f} {tokens / processor:>7,.0f}",
                  flush=True)  # fmt: skip
            rates = {"tokens_per_s": round(tokens / seconds), "tokens_per_processor_s": round(tokens / processor)}
            rows.append({"config": name, "parameters": parameters, "threads": threads, **rates})
    print()
    say_result("train", {"torch": torch.__version__, "rows": rows})


if __name__ == "__main__":
    main()
