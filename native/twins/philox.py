"""Philox4x32-10, the counter-based generator of Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3").

Counter-based means: the n-th draw is a function of (seed, n) alone, so rolling back needs no saved generator state.
"""

from __future__ import annotations

__all__ = ["philox4x32", "uniform"]

_WORD = 0xFFFFFFFF
_MULTIPLY = (0xD2511F53, 0xCD9E8D57)
_BUMP = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and sqrt(3) - 1


def philox4x32(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Four 32-bit words from a 128-bit counter and a 64-bit key, least significant word first."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high, low = c0 * _MULTIPLY[0], c2 * _MULTIPLY[1]
        c0, c1, c2, c3 = (low >> 32) ^ c1 ^ k0, low & _WORD, (high >> 32) ^ c3 ^ k1, high & _WORD
        k0, k1 = (k0 + _BUMP[0]) & _WORD, (k1 + _BUMP[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, index: int) -> float:
    """The index-th double in [0, 1) of a 64-bit seed: the top 53 of the first 64 bits."""
    x0, x1, _, _ = philox4x32((index & _WORD, index >> 32, 0, 0), (seed & _WORD, seed >> 32))
    return ((x1 << 32 | x0) >> 11) * 2.0**-53
