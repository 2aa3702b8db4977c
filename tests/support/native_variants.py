"""Both variants of native side by side, for the tests that hold them to one law and to each other."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

NAMES = ("MidiRing", "Sampler", "Scheduler", "decode", "encode", "kernels", "now_us", "philox4x32")

python = SimpleNamespace(
    **{
        name: getattr(importlib.import_module(f"native.twins.{module}"), name)
        for name, module in zip(
            NAMES, ("ring", "sampler", "scheduler", "tokenizer", "tokenizer", "kernel", "clock", "philox"), strict=True
        )
    }
)
compiled: Any = None
if importlib.util.find_spec("native._core") is not None:
    core: ModuleType = importlib.import_module("native._core")
    compiled = SimpleNamespace(**{name: getattr(core, name) for name in NAMES})

needs_compiled = pytest.mark.skipif(compiled is None, reason="native._core was not built")
each_variant = pytest.mark.parametrize(
    "lib", [pytest.param(compiled, id="compiled", marks=needs_compiled), pytest.param(python, id="python")]
)


def performance(seed: int, n_notes: int = 400) -> dict[str, Any]:
    """Makes something like a recorded pianist: chords with spread onsets, overlaps, repeated keys, a pedal."""
    rng = np.random.default_rng(seed)
    chord_s = np.cumsum(rng.gamma(2.0, 0.15, size=n_notes // 3 + 1))
    onset_s = np.sort(np.repeat(chord_s, 3)[:n_notes] + rng.normal(0.0, 0.008, size=n_notes).clip(-0.02, 0.02) + 0.05)
    pedal_s = np.sort(rng.uniform(0.0, onset_s[-1], size=40))
    return {
        "onset_s": onset_s,
        "offset_s": onset_s + rng.gamma(1.5, 0.3, size=n_notes) + 0.005,
        "pitch": rng.normal(64, 12, size=n_notes).round().clip(21, 108).astype(np.uint8),
        "velocity": rng.normal(70, 20, size=n_notes).round().clip(1, 127).astype(np.uint8),
        "pedal_s": pedal_s,
        "pedal_down": np.arange(40) % 2 == 0,
    }


def assert_equal_arrays(a: tuple[Any, ...], b: tuple[Any, ...]) -> None:
    """Asserts the same dtypes, shapes and values, column by column."""
    assert [x.dtype for x in a] == [x.dtype for x in b]
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)
