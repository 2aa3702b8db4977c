"""Time of one draw from 400 logits: the whole chain in C++, its Python twin, the usual numpy way, and Hugging Face's
logits processors (transformers; the train extra's torch) with the same mask, penalty and cuts.

    python -m benchmarks.decoding.bench_sampler

Prints a table, then one JSON line. Times include the call from Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import native
from benchmarks.common.machine import seconds_per_call
from benchmarks.common.result import say_result
from engine.vocabulary import LAYOUT
from native.twins.sampler import Sampler as PythonSampler

ALL: dict[str, Any] = {"register_low": 0, "register_high": 127, "polyphony": 16}
CASES = {
    "defaults": native.SamplerParams(),
    "top-p off": native.SamplerParams(top_p=1.0),
    "top-k 40, min-p 0.02, repetition": native.SamplerParams(top_k=40, min_p=0.02, repetition=1.2),
    "every pitch legal": native.SamplerParams(**ALL),
}
HISTORY = [370, 60, 64, 355, 67, 70, 355]  # a chord sounds; NOTE_ON, NOTE_OFF, VELOCITY and TIME_SHIFT are open


def numpy_draw(logits: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], params: native.SamplerParams,
               rng: np.random.Generator) -> int:  # fmt: skip
    """Mask, temperature, top-p and a draw as one would write them with numpy; less than the chain does."""
    scores = np.where(mask, logits, -np.inf) / params.temperature
    order = np.argsort(-scores, kind="stable")
    weights = np.exp(scores[order] - scores[order[0]])
    mass = np.cumsum(weights)
    kept = int(np.searchsorted(mass, params.top_p * mass[-1])) + 1
    return int(order[min(np.searchsorted(mass[:kept], rng.random() * mass[min(kept, len(mass)) - 1], "right"), 399)])


def hugging_face_draw(
    logits: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_], params: native.SamplerParams
) -> Callable[[], int] | None:
    """Mask, penalty, temperature, top-k, top-p, min-p, draw, as `generate` would; None without transformers."""
    try:
        import torch
        from transformers import (
            LogitsProcessorList,
            MinPLogitsWarper,
            RepetitionPenaltyLogitsProcessor,
            SuppressTokensLogitsProcessor,
            TemperatureLogitsWarper,
            TopKLogitsWarper,
            TopPLogitsWarper,
        )
    except ImportError:
        return None
    torch.set_num_threads(1)
    chain = LogitsProcessorList([SuppressTokensLogitsProcessor(np.flatnonzero(~mask).tolist())])
    if params.repetition != 1:
        chain.append(RepetitionPenaltyLogitsProcessor(params.repetition))
    chain.append(TemperatureLogitsWarper(params.temperature))
    if params.top_k:
        chain.append(TopKLogitsWarper(params.top_k))
    if params.top_p < 1:
        chain.append(TopPLogitsWarper(params.top_p))
    if params.min_p > 0:
        chain.append(MinPLogitsWarper(params.min_p))
    ids, row = torch.LongTensor([HISTORY]), torch.from_numpy(logits)[None]

    def call() -> int:
        return int(torch.multinomial(chain(ids, row.clone()).softmax(-1), 1))

    return call


def draw(sampler: object, logits: npt.NDArray[np.float32]) -> Callable[[], int]:
    index = 0
    sample = sampler.sample  # type: ignore[attr-defined]

    def call() -> int:
        nonlocal index
        index += 1
        return int(sample(logits, index))

    return call


def main() -> None:
    rng = np.random.default_rng(0)
    kinds = {
        "flat": rng.normal(size=400).astype(np.float32) * 0.1,
        "normal": rng.normal(size=400).astype(np.float32),
        "peaked": rng.normal(size=400).astype(np.float32) * 4,  # most like a trained model
    }
    rows: list[dict[str, object]] = []
    print(f"native is {native.VARIANT}\n")
    print(f"{'chain':34} {'logits':7} {'legal':>5} {'native us':>10} {'twin us':>8} {'numpy us':>9} {'HF us':>7} "
          f"{'HF/native':>9}")  # fmt: skip
    for case, params in CASES.items():
        for kind, logits in kinds.items():
            native_sampler, twin = native.Sampler(LAYOUT, 1), PythonSampler(LAYOUT, 1)
            for sampler in (native_sampler, twin):
                sampler.set_params(params)
                for token in HISTORY:
                    sampler.advance(token)
            mask = native_sampler.allowed()
            times = [
                1e6 * seconds_per_call(call, 0.4)
                for call in (
                    draw(native_sampler, logits),
                    draw(twin, logits),
                    lambda logits=logits, mask=mask, params=params: numpy_draw(logits, mask, params, rng),
                )
            ]
            rival = hugging_face_draw(logits, mask, params)
            hf = 1e6 * seconds_per_call(rival, 0.4) if rival else float("nan")
            print(f"{case:34} {kind:7} {mask.sum():5} {times[0]:10.2f} {times[1]:8.0f} {times[2]:9.1f} {hf:7.0f} "
                  f"{hf / times[0]:9.0f}")  # fmt: skip
            rows.append({"chain": case, "logits": kind, "legal": int(mask.sum()), "native_us": round(times[0], 2),
                         "twin_us": round(times[1], 1), "numpy_us": round(times[2], 1),
                         "hf_us": round(hf, 1)})  # fmt: skip
    print()
    say_result("sampler", {"variant": native.VARIANT, "rows": rows})


if __name__ == "__main__":
    main()
