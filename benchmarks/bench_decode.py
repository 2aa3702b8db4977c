"""Decoding: our numpy stream against Hugging Face's GPT-2 `generate` of the same width and depth, one thread, same run.

Both continue 512 tokens with 128 more at batch 1. GPT-2 has random weights, which cost what trained ones do.
Prints a table, then one JSON line. Needs transformers (it comes with peft: pip install 'sideman[train]').
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe

CONTEXT, NEW = 512, 128


def ours() -> list[float]:
    """Seconds of each token of a session's loop: decoder step, guidance, sampler."""
    import native
    from engine.checkpoint import load_checkpoint
    from engine.inference.decoder import Decoder
    from engine.vocabulary import BOS, LAYOUT

    decoder, sampler = Decoder(load_checkpoint()), native.Sampler(LAYOUT, 0)
    chords, rows = np.arange(401, 431), np.clip(np.arange(30) - 20, -8, 8) + 8
    token, seconds = BOS, []
    for _ in range(CONTEXT + NEW):
        start = time.perf_counter()
        sampler.advance(token)
        token = sampler.sample(decoder.step(token, 0, 0, chords, rows)[0])
        seconds.append(time.perf_counter() - start)
    return seconds[CONTEXT:]


def gpt2() -> list[float]:
    """Seconds of each token of Hugging Face's loop, with its cache and its temperature, top-k and top-p processors."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from engine.checkpoint import load_checkpoint

    torch.set_num_threads(1)
    size = load_checkpoint().model
    config = GPT2Config(
        vocab_size=400, n_positions=1024, n_embd=size.latent_dim, n_layer=size.num_layers, n_head=size.num_heads,
        n_inner=size.ff_dim, bos_token_id=389, eos_token_id=None, pad_token_id=388,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    prompt = torch.randint(0, 388, (1, CONTEXT))
    options = {
        "do_sample": True,
        "temperature": 0.8,
        "top_p": 0.9,
        "top_k": 0,
        "attention_mask": torch.ones_like(prompt),
    }
    with torch.no_grad():
        model.generate(prompt, max_new_tokens=8, **options)
        start = time.perf_counter()
        model.generate(prompt, max_new_tokens=1, **options)
        prefill = time.perf_counter() - start
        start = time.perf_counter()
        model.generate(prompt, max_new_tokens=NEW + 1, **options)
        return [(time.perf_counter() - start - prefill) / NEW]


def start_up() -> tuple[float, float]:
    """(seconds from a fresh process to the first bar of music on disk, its peak resident MB)."""
    code = (
        "import resource, sys; from engine.generate_command import main\n"
        "sys.argv = ['engine', '--chords', 'C', '-o', sys.argv[1]]; main()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)"
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        command = [sys.executable, "-c", code, str(Path(folder) / "one.mid")]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds = time.perf_counter() - start
    return seconds, float(run.stderr)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    mine = ours()
    seconds, peak_mb = start_up()
    rival = gpt2()
    rows = {
        "sideman, numpy decoder": statistics.median(mine) * 1e3,
        "Hugging Face GPT-2, torch": statistics.median(rival) * 1e3,
    }
    print(f"{'':<28} {'ms a token':>10}")
    for name, value in rows.items():
        print(f"{name:<28} {value:>10.2f}")
    print(f"fresh process to one bar on disk: {seconds:.2f} s, {peak_mb:.0f} MB")
    result = {"benchmark": "decode", "ms_per_token": {name: round(value, 3) for name, value in rows.items()}}
    result |= {"start_to_file_s": round(seconds, 3), "peak_mb": round(peak_mb)}
    print(json.dumps({**result, **describe()}))


if __name__ == "__main__":
    main()
