"""Feeding many known tokens, as a prompt does: eight through the weights at a time, against as many single steps.

CPU time of one thread. Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import native
from benchmarks.common.random_checkpoint import SIZES, chord_view, model_config, random_checkpoint
from benchmarks.common.result import say_result
from engine.inference.decoders.native_decoder import native_decoder


def cpu_ms(call: Callable[[int], None], count: int) -> float:
    start = time.thread_time()
    call(count)
    return (time.thread_time() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny", "256x6", "medium"])
    parser.add_argument("--tokens", type=int, nargs="+", default=[8, 64, 512])
    options = parser.parse_args()
    print(f"{'':<14} {'tokens':>6} {'at once':>10} {'steps':>10} {'times':>6}   CPU ms a token")
    results, view = {}, chord_view()
    for name in options.sizes:
        rng = np.random.default_rng(0)
        decoder = native_decoder(random_checkpoint(name), 1024)
        known = rng.integers(0, 388, max(model_config(name).latent_len, *options.tokens))
        decoder.feed(known, np.full(len(known), 3), np.full(len(known), 2), *view)

        def at_once(count: int, decoder: native.Decoder = decoder, known: np.ndarray = known) -> None:
            decoder.feed(known[:count], np.full(count, 3), np.full(count, 2), *view)

        def steps(count: int, decoder: native.Decoder = decoder, known: np.ndarray = known) -> None:
            for token in known[:count].tolist():
                decoder.step(token, 3, 2, *view)

        for count in options.tokens:
            batch, single = (min(cpu_ms(call, count) for _ in range(5)) / count for call in (at_once, steps))
            print(f"{name:<14} {count:>6} {batch:>10.3f} {single:>10.3f} {single / batch:>6.1f}", flush=True)
            results[f"{name}, {count}"] = {"at_once": round(batch, 4), "steps": round(single, 4)}
    say_result("prefill", {"kernel": native.kernel(), "cpu_ms_per_token": results})


if __name__ == "__main__":
    main()
