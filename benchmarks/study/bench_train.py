"""Tokens a second of a training update, on one thread and two, on synthetic data.

    python -m benchmarks.study.bench_train [CONFIG ...] [--updates 6]

Default: tiny, small, and 256 x 6 with the windows of tiny ("7m"). One update is batch_size x gradient_accumulation
windows of max_seq_len tokens, forward, backward and both optimisers, with the sampler that cuts and transposes the
windows; counted are tokens that have a loss. The least of several updates: other work on a machine only adds. Beside
the clock's time stands the processor's: on one thread it is what a calm machine would take. Prints a table, then one
JSON line.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import torch

from benchmarks.common.result import say_result
from engine.data.shards.shards import PieceArrays
from engine.data.window_sampler import WindowSampler
from engine.model.config import Config, load_config
from engine.model.shapes import count_parameters
from engine.training.trainer import Trainer

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


def configuration(name: str) -> Config:
    if name != "7m":
        return load_config(name)
    tiny = load_config("tiny")
    return replace(tiny, model=replace(tiny.model, latent_dim=256, num_layers=6, ff_dim=1024))


def seconds_per_update(config: Config, threads: int, updates: int) -> tuple[float, float, int]:
    """The least time over the updates of one run, by the clock and of the processor, and the tokens of each."""
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    trainer = Trainer(config, 1000, seed=0)
    pieces = [synthetic_piece(rng) for _ in range(8)]
    sampler = WindowSampler(pieces, config.model.max_seq_len, config.training.batch_size, seed=0)
    runs = []
    for _ in range(WARM_UP + updates):
        start, start_cpu = time.perf_counter(), time.process_time()
        trainer.step(sampler)
        runs.append((time.perf_counter() - start, time.process_time() - start_cpu))
    seconds, processor = (min(column) for column in zip(*runs[WARM_UP:], strict=True))
    return seconds, processor, trainer.tokens_per_update


def main() -> None:
    parser = argparse.ArgumentParser(description="Tokens a second of a training update.")
    parser.add_argument("configs", metavar="CONFIG", nargs="*", default=["tiny", "small", "7m"],
                        help="shipped configs or YAML files [tiny small 7m]")  # fmt: skip
    parser.add_argument("--threads", metavar="N", type=int, nargs="+", default=[1, 2], help="[1 2]")
    parser.add_argument("--updates", metavar="N", type=int, default=6, help="timed updates for each row [6]")
    args = parser.parse_args()
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
