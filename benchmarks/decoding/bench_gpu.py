"""On an NVIDIA GPU: how long 128, 256 and 512 events take, and the memory, beside the first announcement's table.

    python -m benchmarks.decoding.bench_gpu [--sizes tiny medium 256m]

That table (50, 100 and 200 ms on an RTX 4090) was promised before there was code. An event is a token of the stream;
both streams of guidance run and an adapter of rank 8 is on. "session" is the whole token loop with sampling and rules,
"graph" the decoder alone. Prints a table, then one JSON line; without CUDA one line, and exit status 2.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np

import native
from benchmarks.common.random_checkpoint import SIZES, chord_view, model_config, random_checkpoint, random_style
from benchmarks.common.result import say_result

PROMISED_MS = {128: 50, 256: 100, 512: 200}


def measure(name: str, four_bit: bool) -> dict[str, float]:
    import torch

    from engine.inference.decoders.torch_decoder import TorchDecoder
    from engine.inference.stream import Stream

    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    decoder = TorchDecoder(random_checkpoint(name, dequantised=True), 1025, "cuda", four_bit)
    decoder.set_style(0, random_style(model_config(name)))
    decoder.set_style_weights([1.0, 0.0, 0.0, 0.0])
    view, tokens = chord_view(), itertools.cycle(np.random.default_rng(0).integers(0, 388, 997).tolist())
    for _ in range(model_config(name).latent_len):
        decoder.step(next(tokens), 3, 2, *view)
    row = {"memory_mb": (torch.cuda.max_memory_allocated() - before) / 2**20}
    for count in PROMISED_MS:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            for _ in range(count):
                decoder.step(next(tokens), 3, 2, *view)
            best = min(best, time.perf_counter() - start)
        row[f"graph_{count}_ms"] = best * 1e3
    stream = Stream(decoder, 1, 1024)
    stream.set_params(native.SamplerParams(keep_timing=True), 1.0)
    for count in PROMISED_MS:
        start, begin = time.perf_counter(), stream.length
        while stream.length < begin + count:
            stream.generate(stream.until + 10)
        row[f"session_{count}_ms"] = (time.perf_counter() - start) * 1e3 * count / (stream.length - begin)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny", "medium", "256m"])
    options = parser.parse_args()
    try:
        import torch
    except ImportError:
        print("bench_gpu: torch is not installed: pip install 'sideman[train]'", file=sys.stderr)
        return 2
    if not torch.cuda.is_available():
        print(f"bench_gpu: torch {torch.__version__} finds no CUDA device here", file=sys.stderr)
        return 2
    from engine.inference.decoders.torch_linear import bitsandbytes_or_none

    columns = [f"{kind}_{count}_ms" for kind in ("graph", "session") for count in PROMISED_MS] + ["memory_mb"]
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{'':<20} " + " ".join(f"{column:>15}" for column in columns))
    print(f"{'announced':<20} " + " ".join(f"{ms:>15}" for ms in PROMISED_MS.values()))
    results = {}
    for name in options.sizes:
        for four_bit in (True, False) if bitsandbytes_or_none() is not None else (False,):
            label = f"{name}, {'NF4' if four_bit else 'float32'}"
            results[label] = measure(name, four_bit)
            print(f"{label:<20} " + " ".join(f"{results[label][column]:>15.1f}" for column in columns), flush=True)
    rounded = {label: {key: round(value, 2) for key, value in row.items()} for label, row in results.items()}
    gpu = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__}
    say_result("gpu", {"announced_ms": PROMISED_MS, "sizes": rounded, **gpu})
    return 0


if __name__ == "__main__":
    sys.exit(main())
