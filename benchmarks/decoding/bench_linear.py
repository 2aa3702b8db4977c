"""Cost over the context: prefill, training step and decoding, against a full-attention decoder of equal size.

    python -m benchmarks.decoding.bench_linear [--config medium] [--lengths 512 1024 2048] [--plot docs/linear.png]

Ours sees all N tokens (max_seq_len = N) with latents on the last M = latent_len ("span") or on all N ("whole"). The
rival has the same width, depth and number of parameters and torch's fused attention; its loss, too, stands on all N.
Float32, one thread, one window; a step is forward, backward and AdamW. Each row is a fresh process; its seconds are
processor time, which other work on the machine hardly changes: the least of three runs, or one of more than 20 s.
Memory is the peak beyond what model and optimiser hold. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.figure import blank_figure, save_figure
from benchmarks.common.process import in_fresh_process, peak_mb
from benchmarks.common.result import say_result

LENGTHS = (512, 1024, 2048, 4096, 8192)
RUNS, ENOUGH_S = 3, 20.0
DECODED = 32  # steps timed at each length
MODELS = ("span", "whole", "full attention")


def measure(model: str, kind: str, config_name: str, length: int) -> dict[str, float]:
    """Returns seconds and peak bytes of one kind ("prefill", "train") of one model, in a fresh process."""
    import torch
    import torch.nn.functional as F

    from benchmarks.decoding.full_attention import equal_rival
    from engine.model.config_file import load_config
    from engine.model.perceiver import Inputs, PerceiverMusicTransformer

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = replace(load_config(config_name).model, max_seq_len=length, dropout=0.0)
    tokens = torch.randint(0, 388, (1, length))
    targets = torch.randint(0, 388, (1, length))
    loss_tokens = config.latent_len if model == "span" else length
    network: torch.nn.Module
    if model == "full attention":
        network = equal_rival(config, length)

        def forward(last: int) -> torch.Tensor:
            return network(tokens, last)
    else:
        network = PerceiverMusicTransformer(config)
        inputs = Inputs(
            tokens=tokens,
            beat=torch.full((1, length), 24),
            bar=torch.full((1, length), 8),
            chords=torch.randint(401, 689, (1, 1 + length // 32)),
            chord_now=torch.arange(length).unsqueeze(0) // 32,
            chords_ahead=torch.tensor([4]),
            num_chords=torch.tensor([1 + length // 32]),
        )

        def forward(last: int) -> torch.Tensor:
            return network(inputs, loss_tokens)[:, -last:]

    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-5)

    def prefill() -> None:
        with torch.no_grad():
            forward(1)

    def train() -> None:
        logits = forward(loss_tokens)
        F.cross_entropy(logits.transpose(1, 2), targets[:, -loss_tokens:]).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=False)

    if kind == "train":  # gradients and moments are there before the first step that counts
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimiser.step()
    held = _resident_bytes()
    seconds = least_seconds(prefill if kind == "prefill" else train)
    peak = round(peak_mb() * 2**20) - held
    parameters = sum(p.numel() for p in network.parameters())
    return {"seconds": seconds, "bytes": max(0, peak), "loss_tokens": loss_tokens, "parameters": parameters}


def decode(model: str, config_name: str, lengths: list[int]) -> dict[int, float]:
    """Returns seconds a token after so many others: our decoder as shipped, the rival in torch with its keys cached."""
    from engine.model.config_file import load_config

    config = replace(load_config(config_name).model, max_seq_len=max(lengths), dropout=0.0)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 388, max(lengths) + 1)
    if model == "full attention":
        import torch

        from benchmarks.decoding.full_attention import equal_rival

        torch.set_num_threads(1)
        rival = equal_rival(config, max(lengths) + 1).eval()
        heads = config.num_heads
        caches = torch.randn(config.num_layers, 2, 1, heads, max(lengths) + 1, config.latent_dim // heads)

        @torch.no_grad()
        def step(position: int) -> None:
            rival.step(torch.tensor([[int(ids[position])]]), caches, position)
    else:
        from engine.inference.backends import make_decoder
        from engine.model.checkpoint import load_checkpoint, save_checkpoint
        from engine.model.config import Config
        from engine.model.shapes import parameter_shapes

        shapes = parameter_shapes(config)
        weights = {name: rng.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
        with tempfile.TemporaryDirectory() as folder:
            save_checkpoint(Path(folder) / "base", Config(model=config), weights, "")
            decoder = make_decoder(load_checkpoint(Path(folder) / "base"))
        chords, rows = np.array([401, 402, 403]), np.array([7, 8, 9])
        fed = 0

        def step(position: int) -> None:
            nonlocal fed
            while fed <= position:
                decoder.step(int(ids[fed]), 24, 8, chords, rows)
                fed += 1

    found = {}
    for length in sorted(lengths):
        runs = []
        for position in range(length - DECODED, length):
            if model != "full attention" and position == length - DECODED:
                step(position)  # all that comes before
                continue
            start = time.process_time()
            step(position)
            runs.append(time.process_time() - start)
        found[length] = float(np.min(runs))
    return found


def least_seconds(call: Callable[[], None]) -> float:
    runs: list[float] = []
    while len(runs) < RUNS and sum(runs) < ENOUGH_S:
        start = time.process_time()
        call()
        runs.append(time.process_time() - start)
    return min(runs)


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def row_of(*arguments: object) -> Any:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy's threads wait busily
    return in_fresh_process("benchmarks.decoding.bench_linear", ["--row", json.dumps(arguments)], environment)


def draw(path: Path, rows: list[dict[str, Any]], lengths: list[int]) -> None:
    """Draws three panels over N, both axes logarithmic."""
    names = {"span": "ours, latents on the last 256", "whole": "ours, latents on all"}
    colours = {"span": "#4663b8", "whole": "#52a8cc", "full attention": "#a3402c"}
    figure = blank_figure(12.0, 4.0)
    panels = (("train", "training step, s"), ("prefill", "prefill, s"), ("decode", "decoding, ms a token"))
    for axes, (kind, label) in zip(figure.subplots(1, 3), panels, strict=True):
        for model in MODELS:
            points = [(r["length"], r["seconds"]) for r in rows if (r["model"], r["kind"]) == (model, kind)]
            if points:
                unit = 1000.0 if kind == "decode" else 1.0
                name = names.get(model, model) if kind != "decode" else names.get(model, model).split(",")[0]
                counts, values = zip(*((n, unit * seconds) for n, seconds in points), strict=True)
                axes.plot(counts, values, marker="o", color=colours[model], label=name)
        axes.set_xscale("log", base=2)
        axes.set_xticks(lengths, [str(n) for n in lengths])
        axes.set_yscale("log")
        axes.set_xlabel("context, tokens")
        axes.set_title(label, fontsize=11)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=9)
    save_figure(path, figure)


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost over the context, ours and full attention.")
    parser.add_argument("--config", default="medium")
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.row:
        kind, *rest = json.loads(args.row)
        print(json.dumps(decode(*rest) if kind == "decode" else measure(rest[0], kind, *rest[1:])))
        return
    rows: list[dict[str, Any]] = []
    print(f"{'N':>5} {'kind':<8} {'model':<15} {'seconds':>9} {'of full':>8} {'MB':>7} {'loss tokens/s':>13}")
    for length in args.lengths:
        for kind in ("train", "prefill"):
            group = {model: row_of(kind, model, args.config, length) for model in MODELS}
            for model, row in group.items():
                faster = group["full attention"]["seconds"] / row["seconds"]
                rate = f"{row['loss_tokens'] / row['seconds']:,.0f}" if kind == "train" else ""
                print(f"{length:>5} {kind:<8} {model:<15} {row['seconds']:>9.3f} {faster:>7.1f}x "
                      f"{row['bytes'] / 1e6:>7.0f} {rate:>13}", flush=True)  # fmt: skip
                rows.append({"length": length, "kind": kind, "model": model, **row, "faster": round(faster, 2)})
    for model in ("span", "full attention"):
        for text, seconds in row_of("decode", model, args.config, args.lengths).items():
            print(f"{text:>5} {'decode':<8} {model:<15} {seconds:>9.5f}")
            rows.append({"length": int(text), "kind": "decode", "model": model, "seconds": seconds})
    if args.plot:
        draw(args.plot, rows, args.lengths)
    print()
    say_result("linear", {"config": args.config, "rows": rows})


if __name__ == "__main__":
    main()
