"""Who takes part in bench_decode, on networks of one size with full caches, and how their tokens are timed.

Ours compute two streams (with and without the chords) unless the name says otherwise, rivals one, which flatters them.
An adapter of rank 8 is on where the name says so. Rivals have two threads where the name says so, else one.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np

import native
from benchmarks.common.random_checkpoint import chord_view, model_config, random_checkpoint, random_style
from engine.arrays import F64
from engine.inference.decoders.numpy_decoder import Decoder

__all__ = ["Contestant", "ours", "own_contestants", "rivals", "stepper"]

Stepper = Callable[[], object]
Clock = Callable[[], float]
Contestant = Callable[[float], F64]
"""Seconds to spend -> (n, 2) milliseconds of n tokens: of the processor, and on the wall."""


def stepper(step: Stepper, cpu: Clock = time.thread_time) -> Contestant:
    def run(budget_s: float) -> F64:
        step(), step()  # the processor's caches hold another network
        rows = []
        end, late = cpu() + budget_s, time.perf_counter() + 4 * budget_s
        while cpu() < end and time.perf_counter() < late:
            wall, busy = time.perf_counter(), cpu()
            step()
            rows.append((cpu() - busy, time.perf_counter() - wall))
        return 1e3 * np.array(rows)

    return run


def ours(name: str, precision: str, adapter: bool, streams: int = 2, kernel: str | None = None) -> Stepper:
    from engine.inference.decoders.native_decoder import native_decoder

    decoder = native_decoder(random_checkpoint(name), 1024, precision, streams, kernel)
    if adapter:
        decoder.set_style(0, random_style(model_config(name)))
        decoder.set_style_weights([1.0, 0.0, 0.0, 0.0])
    view, band = chord_view(), model_config(name).latent_len
    decoder.feed(np.full(band, 60), np.full(band, 0), np.full(band, 0), *view)
    tokens = itertools.cycle(np.random.default_rng(0).integers(0, 388, 997).tolist())
    return lambda: decoder.step(next(tokens), 3, 2, *view)


def _numpy(name: str) -> Stepper:
    decoder = Decoder(random_checkpoint(name, dequantised=True))
    view, tokens = chord_view(), itertools.cycle(np.random.default_rng(0).integers(0, 388, 997).tolist())
    for _ in range(model_config(name).latent_len):
        decoder.step(next(tokens), 3, 2, *view)
    return lambda: decoder.step(next(tokens), 3, 2, *view)


def own_contestants(name: str) -> dict[str, Contestant]:
    steppers: dict[str, Stepper] = {}
    if native.VARIANT == "compiled":
        steppers["native, adapter"] = ours(name, "int8", True)
        steppers["native"] = ours(name, "int8", False)
        steppers["native, adapter, one stream"] = ours(name, "int8", True, streams=1)
        steppers["native, one stream"] = ours(name, "int8", False, streams=1)
        steppers["native int16, adapter"] = ours(name, "int16", True)
        steppers["native exact, adapter"] = ours(name, "exact", True)
        if native.kernel() == "avx512":
            steppers["native without AVX-512, adapter"] = ours(name, "int8", True, kernel="avx2")
            steppers["native without AVX-512, one stream"] = ours(name, "int8", False, streams=1, kernel="avx2")
        if name in ("tiny", "256x6"):
            steppers["native portable exact, adapter"] = ours(name, "exact", True, kernel="portable")
    if name != "256m":  # its float32 weights are a gigabyte
        steppers["numpy"] = _numpy(name)
    return {key: stepper(step) for key, step in steppers.items()}


def rivals(name: str, compiled: bool) -> dict[str, Contestant]:
    """Returns the rivals by name. compiled: torch.compile too, which takes a minute to build."""
    import torch

    from benchmarks.decoding.rivals import generate_loop, torch_stepper

    def on(threads: int, contestant: Contestant) -> Contestant:
        def run(budget_s: float) -> F64:
            torch.set_num_threads(threads)
            return contestant(budget_s)

        return run

    model = model_config(name)
    eager = torch_stepper(model)
    rows = {
        "torch eager float32": on(1, stepper(eager)),
        "torch eager float32, two threads": on(2, stepper(eager, time.process_time)),
        "bitsandbytes NF4 + PEFT": on(1, stepper(torch_stepper(model, four_bit=True))),
        "Hugging Face GPT-2 generate": on(1, generate_loop("gpt2", model)),
        "Hugging Face Llama generate": on(1, generate_loop("llama", model)),
    }
    if compiled:
        torch.set_num_threads(1)
        rows["torch.compile bfloat16"] = on(1, stepper(torch_stepper(model, compiled=True)))
    return rows
