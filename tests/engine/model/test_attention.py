"""Banded relative attention against the naive O(L^2 D) formula, forward and backward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.model.relative import relative_attention


def naive(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """softmax over i - band < j <= i of q_i . (k_j + e_min(i - j, R - 1)), with the (L, L, D) tensor written out."""
    rows = []
    for i in range(q.shape[-2]):
        first = max(0, i - band + 1)
        distance = torch.clamp(i - torch.arange(first, i + 1), max=relative.shape[-2] - 1)
        keys = k[..., first : i + 1, :] + relative[:, distance]
        weights = (q[..., i : i + 1, :] * keys).sum(-1).softmax(-1)
        rows.append((weights.unsqueeze(-1) * v[..., first : i + 1, :]).sum(-2))
    return torch.stack(rows, dim=-2)


# band above, at and below the length; fewer, as many and more distances than the band; blocks that divide and do not
SIZES = [
    (1, 4, 4, 4), (4, 4, 4, 1), (7, 16, 16, 4), (20, 8, 32, 8), (33, 5, 10, 8), (33, 33, 33, 7), (40, 64, 13, 16),
    (31, 5, 8, 64), (32, 8, 8, 8), (33, 8, 8, 5), (5, 1, 3, 2), (50, 20, 50, 16), (50, 3, 7, 50), (70, 9, 30, None),
]  # fmt: skip


@pytest.mark.parametrize(("length", "distances", "band", "block"), SIZES)
def test_attention_and_its_gradients_equal_the_naive_formula(
    length: int, distances: int, band: int, block: int | None
) -> None:
    torch.manual_seed(length * 100 + distances)
    shapes = [(2, 3, length, 8)] * 3 + [(3, distances, 8)]
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    out, expected = relative_attention(*inputs, band, block), naive(*inputs, band)
    torch.testing.assert_close(out, expected)
    weight = torch.randn_like(expected)
    for got, wanted in zip(
        torch.autograd.grad(out, inputs, weight), torch.autograd.grad(expected, inputs, weight), strict=True
    ):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize(("length", "distances", "band", "block"), SIZES)
def test_the_last_queries_alone_give_what_they_give_among_all(
    length: int, distances: int, band: int, block: int | None
) -> None:
    torch.manual_seed(length * 100 + distances)
    shapes = [(2, 3, length, 8)] * 3 + [(3, distances, 8)]
    q, k, v, relative = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    for first in {0, length // 3, length - 1}:
        out = relative_attention(q[..., first:, :], k, v, relative, band, block)
        expected = relative_attention(q, k, v, relative, band, block)[..., first:, :]
        torch.testing.assert_close(out, expected)
        weight = torch.randn_like(expected)
        gradients = (torch.autograd.grad(result, (q, k, v, relative), weight) for result in (out, expected))
        for got, wanted in zip(*gradients, strict=True):
            torch.testing.assert_close(got, wanted)
