"""Relative attention against the naive O(L^2 D) formula."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.model.attention import banded_attention, causal_attention, skew_band, skew_causal


def naive(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """softmax over i - band < j <= i of q_i . (k_j + e_min(i - j, R - 1)), with the (L, L, D) tensor written out."""
    length, distances = q.shape[-2], relative.shape[-2]
    out = torch.zeros_like(q)
    for i in range(length):
        first = max(0, i - band + 1)
        distance = torch.clamp(i - torch.arange(first, i + 1), max=distances - 1)
        keys = k[..., first : i + 1, :] + relative[:, distance]
        weights = (q[..., i : i + 1, :] * keys).sum(-1).softmax(-1)
        out[..., i, :] = (weights.unsqueeze(-1) * v[..., first : i + 1, :]).sum(-2)
    return out


def random_qkv(length: int, distances: int) -> tuple[Tensor, ...]:
    torch.manual_seed(length * 100 + distances)
    return (*(torch.randn(2, 3, length, 8) for _ in range(3)), torch.randn(3, distances, 8))


@pytest.mark.parametrize(
    ("length", "distances", "band"), [(1, 4, 4), (7, 16, 16), (20, 8, 32), (33, 5, 10), (33, 33, 33), (40, 64, 13)]
)
def test_causal_attention_equals_the_naive_formula(length: int, distances: int, band: int) -> None:
    q, k, v, relative = random_qkv(length, distances)
    torch.testing.assert_close(causal_attention(q, k, v, relative, band), naive(q, k, v, relative, band))


@pytest.mark.parametrize(
    ("length", "distances", "band"), [(1, 4, 4), (4, 4, 4), (7, 16, 16), (31, 5, 8), (32, 8, 8), (33, 8, 8), (5, 1, 3)]
)
def test_banded_attention_equals_the_naive_formula(length: int, distances: int, band: int) -> None:
    q, k, v, relative = random_qkv(length, min(distances, band))
    torch.testing.assert_close(banded_attention(q, k, v, relative, band), naive(q, k, v, relative, band))


def test_skew_causal_puts_every_distance_in_its_place() -> None:
    by_distance = torch.arange(5.0).expand(7, 5)  # the logit is the distance itself
    out = skew_causal(by_distance, 7)
    assert all(out[i, j] == min(i - j, 4) for i in range(7) for j in range(i + 1))


def test_skew_band_puts_every_distance_in_its_place_and_hides_the_rest() -> None:
    width = 6
    out = skew_band(torch.arange(float(width)).expand(width, width))
    for i in range(width):
        for k in range(2 * width):
            distance = width + i - k
            assert out[i, k] == (distance if 0 <= distance < width else -math.inf)
