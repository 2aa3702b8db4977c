"""NF4 in numpy is bitsandbytes' NF4, bit by bit."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt
import pytest

from engine.model.nf4 import BLOCK, CODE, dequantise, quantise


def matrices() -> dict[str, npt.NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    normal = rng.normal(0, 0.02, (64, 256)).astype(np.float32)
    zeros, outliers, tiny = normal.copy(), normal.copy(), normal * np.float32(1e-30)
    zeros[::3] = 0
    zeros[1, :BLOCK] = 0
    outliers[np.arange(64), rng.integers(0, 256, 64)] = rng.choice([-50, 50], 64)
    levels = rng.choice(CODE, (64, 256))  # every weight is a level: nothing to lose
    levels[:, ::BLOCK] = 1
    return {
        "normal": normal, "zeros": zeros, "outliers": outliers, "tiny": tiny, "levels": levels,
        "uniform": rng.uniform(-1, 1, (64, 256)).astype(np.float32), "one row": normal[:1, :BLOCK],
        "all zero": np.zeros((2, BLOCK), dtype=np.float32),
    }  # fmt: skip


@pytest.mark.parametrize("name", matrices())
def test_codes_scales_and_weights_are_those_of_bitsandbytes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of missing GPU libraries while it is imported
        functional = pytest.importorskip("bitsandbytes.functional")
    torch = pytest.importorskip("torch")
    weight = matrices()[name]
    packed, state = functional.quantize_4bit(torch.from_numpy(weight), blocksize=BLOCK, quant_type="nf4")
    codes, absmax = quantise(weight)
    np.testing.assert_array_equal(absmax.ravel(), state.absmax.numpy())
    np.testing.assert_array_equal(codes.ravel(), packed.numpy().ravel())
    theirs = functional.dequantize_4bit(packed, state).numpy()
    np.testing.assert_array_equal(dequantise(codes, absmax).view(np.uint32), theirs.view(np.uint32))


@pytest.mark.parametrize("name", matrices())
def test_a_round_trip_errs_by_half_the_widest_gap_at_most(name: str) -> None:
    weight = matrices()[name]
    back = dequantise(*quantise(weight))
    bound = np.repeat(np.abs(weight.reshape(-1, BLOCK)).max(axis=1), BLOCK).reshape(weight.shape)
    assert (np.abs(back - weight) <= bound * np.diff(CODE).max() / 2 * (1 + 1e-5)).all()
    if name in ("levels", "all zero"):
        np.testing.assert_array_equal(back, weight)


def test_quantising_twice_changes_nothing() -> None:
    once = dequantise(*quantise(matrices()["normal"]))
    np.testing.assert_array_equal(dequantise(*quantise(once)), once)


@pytest.mark.parametrize(("codes", "scales"), [((4, 32), (4, 2)), ((4, 32), (3, 1)), ((128,), (2,)), ((4, 16), (4, 0))])
def test_codes_and_scales_that_do_not_match_are_refused(codes: tuple[int, ...], scales: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="not one NF4 matrix"):
        dequantise(np.zeros(codes, dtype=np.uint8), np.zeros(scales, dtype=np.float32))
    with pytest.raises(ValueError, match="multiple of 64"):
        quantise(np.zeros((2, 65), dtype=np.float32))
