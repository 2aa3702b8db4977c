"""NF4, the 4-bit NormalFloat of QLoRA (Dettmers et al. 2023), packed as bitsandbytes packs it, in numpy.

Kept here so that reading a checkpoint needs neither bitsandbytes nor torch; tests/engine/model/test_nf4.py holds it to
bitsandbytes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK", "CODE", "EDGES", "check", "dequantise", "quantise"]

BLOCK = 64  # weights that share a scale

CODE = np.array(
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
        -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0,
        0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ],
    dtype=np.float32,
)  # fmt: skip
"""The 16 levels: quantiles of a normal distribution, with an exact zero (table of the paper's appendix E)."""

EDGES = ((CODE[1:].astype(np.float64) + CODE[:-1]) / 2).astype(np.float32)
"""(15,) where one level ends and the next begins."""


def quantise(weight: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(out, in) -> codes (out, in / 2), the first of two weights in the high nibble; absmax (out, in / 64).

    ValueError if `in` is not a multiple of 64.
    """
    rows, cols = weight.shape
    if cols % BLOCK:
        raise ValueError(f"NF4 needs rows of a multiple of {BLOCK} weights, got {cols}")
    blocks = weight.astype(np.float32).reshape(-1, BLOCK)
    absmax = np.abs(blocks).max(axis=1)
    scale = np.divide(np.float32(1), absmax, out=np.zeros_like(absmax), where=absmax > 0)
    levels = np.searchsorted(EDGES, (blocks * scale[:, None]).ravel(), side="left").astype(np.uint8)
    packed = (levels[0::2] << 4) | levels[1::2]
    return packed.reshape(rows, cols // 2), absmax.reshape(rows, cols // BLOCK)


def check(packed: npt.NDArray[np.uint8], absmax: npt.NDArray[np.float32]) -> None:
    """ValueError if the two do not match: (out, in / 2) codes and (out, in / 64) scales."""
    if packed.dtype != np.uint8 or packed.ndim != 2 or absmax.shape != (len(packed), packed.shape[1] * 2 / BLOCK):
        raise ValueError(f"codes {packed.dtype} {packed.shape} and scales {absmax.shape} are not one NF4 matrix")


def dequantise(packed: npt.NDArray[np.uint8], absmax: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The inverse: (out, in / 2) and (out, in / 64) -> (out, in) float32. ValueError if the two do not match."""
    check(packed, absmax)
    rows, half = packed.shape
    levels = np.empty((rows, half, 2), dtype=np.uint8)
    levels[..., 0] = packed >> 4
    levels[..., 1] = packed & 15
    weight = CODE[levels].reshape(rows, -1, BLOCK) * absmax[:, :, None]
    return weight.reshape(rows, half * 2)
