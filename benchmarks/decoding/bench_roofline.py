"""How near the decoder comes to the limit of the memory: bytes a token times the read bandwidth of one core.

The bandwidth is measured in the same run, alternating with the decoder, from 1 and 4 far-apart streams over as many
bytes as a token reads (weights, tables, full caches). Both are the fastest pass in CPU time, so that other programs
count little.
Prints a table, then one JSON line.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import native
from benchmarks.common.random_checkpoint import SIZES, chord_view, model_config, random_checkpoint
from benchmarks.common.result import say_result
from engine.inference.decoders.native_decoder import native_decoder


def measure(name: str, precision: str, streams: int, rounds: int) -> dict[str, float]:
    decoder = native_decoder(random_checkpoint(name), 64, precision, streams)
    view, band = chord_view(), model_config(name).latent_len
    decoder.feed(np.full(band, 60), np.full(band, 0), np.full(band, 0), *view)
    size = decoder.token_bytes
    token_s, one, four = [], 0.0, 0.0
    for _ in range(rounds):
        one = max(one, native.read_bandwidth(size, 1, 0.15))
        four = max(four, native.read_bandwidth(size, 4, 0.15))
        decoder.step(60, 3, 2, *view)
        for token in range(max(5, int(2e8 / size))):
            start = time.thread_time()
            decoder.step(token % 388, 3, 2, *view)
            token_s.append(time.thread_time() - start)
    best = min(token_s)
    return {
        "mb_a_token": size / 1e6, "gb_s_1_stream": one / 1e9, "gb_s_4_streams": four / 1e9, "ms": best * 1e3,
        "limit_ms": size / four * 1e3, "fraction": size / four / best,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["256x6", "medium", "256m"])
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    columns = ("mb_a_token", "gb_s_1_stream", "gb_s_4_streams", "ms", "limit_ms", "fraction")
    print(f"{'':<28} " + " ".join(f"{column:>14}" for column in columns))
    results = {}
    for name in options.sizes:
        for precision in ("int8", "exact"):
            for streams in (1, 2):
                label = f"{name} {precision}, {streams} stream{'s' * (streams - 1)}"
                results[label] = measure(name, precision, streams, options.rounds)
                print(f"{label:<28} " + " ".join(f"{results[label][column]:>14.3f}" for column in columns), flush=True)
    rounded = {label: {key: round(value, 4) for key, value in row.items()} for label, row in results.items()}
    say_result("roofline", {"kernel": native.kernel(), "sizes": rounded})


if __name__ == "__main__":
    main()
