"""Banded causal attention with Music Transformer's relative positions, block by block, with its own backward pass.

Huang et al. 2018, "Music Transformer": a logit is (q_i . k_j + q_i . e_{i-j}) / sqrt(D). The second term comes out of
one matrix product by distance, and "skewing" brings it into place: here as a view whose rows are one element longer
than the logits' rows, so that nothing is padded, flipped or copied.

Queries go in blocks small enough for their logits to stay in the cache; a block sees the keys in its band and no
others, so time and memory are linear in the sequence. Written out, autograd's backward of the same formula spends a
third of a training update on copies and zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["relative_attention"]

CPU_BLOCK = 64  # queries; with their keys about a megabyte of logits
GPU_BLOCK = 512  # there the number of kernels counts


def relative_attention(
    q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int, block: int | None = None
) -> Tensor:
    """Position i sees i - band < j <= i. q (scaled): (B, H, M, D), k, v: (B, H, L, D) -> (B, H, M, D).

    The M <= L queries are those of the last positions. relative: (H, R, D), row r for distance r; farther keys share
    the last row.
    """
    assert q.shape[-2] <= k.shape[-2] == v.shape[-2]
    assert block is None or block >= 1
    if block is None:
        block = CPU_BLOCK if q.device.type == "cpu" else GPU_BLOCK
    out: Tensor = _RelativeAttention.apply(q, k, v, relative.to(q.dtype), band, block)  # type: ignore[no-untyped-call]
    return out


@dataclass(frozen=True)
class _Block:
    """Queries at start..stop-1 and their columns, of which column c of row i lies at distance reach + i - c.

    rows: the queries' place among those there are. keys: the columns' among keys that have `block` rows of zeros in
    front.
    """

    start: int
    stop: int
    rows: slice
    keys: slice
    reach: int  # distance of the first column from the first row
    distances: int  # rows of the relative embeddings in use: distances 0..distances-1

    def by_distance(self, logits: Tensor) -> Tensor:
        """(N, rows, distances) view of contiguous (N, rows, columns) logits, the farthest distance first."""
        count, rows, columns = logits.shape
        offset = self.reach - self.distances + 1
        return logits.as_strided((count, rows, self.distances), (rows * columns, columns + 1, 1), offset)


def _blocks(first: int, length: int, band: int, distances: int, block: int) -> Iterator[_Block]:
    """The queries at first..length-1."""
    for start in range(first, length, block):
        stop = min(start + block, length)
        past = min(band - 1, start)
        used = min(distances, band, past + stop - start)
        # The first row of the by-distance view needs used - 1 columns before its query, if only zeros.
        reach = max(past, used - 1)
        rows, keys = slice(start - first, stop - first), slice(block + start - reach, block + stop)
        yield _Block(start, stop, rows, keys, reach, used)


@lru_cache(maxsize=512)
def _masks(
    start: int, rows: int, reach: int, band: int, distances: int, device: torch.device, dtype: torch.dtype
) -> tuple[Tensor, Tensor | None]:
    """(rows, columns) -inf where a pair is hidden, and 1 where it shares the last distance: the first columns only."""
    column = torch.arange(rows + reach, device=device)
    distance = reach + torch.arange(rows, device=device)[:, None] - column
    hidden = (distance < 0) | (distance >= band) | (column < reach - start)
    mask = torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill_(hidden, -math.inf)
    shared = rows + reach - distances
    far = (distance[:, :shared] >= distances).to(dtype) if shared > 0 and distances < band else None
    return mask, far


class _RelativeAttention(torch.autograd.Function):
    """q: (B, H, M, D), k, v: (B, H, L, D); everything inside is (N, M or L, D) with N = B * H."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int, block: int) -> Tensor:
        batch, heads, length, _ = k.shape
        first, distances = length - q.shape[2], relative.shape[1]
        q_n = q.flatten(0, 1)
        k_n, v_n = (F.pad(x.flatten(0, 1), (0, 0, block, 0)) for x in (k, v))
        embedding = relative.flip(1).repeat(batch, 1, 1)  # (N, R, D), the farthest first
        out = torch.empty_like(q_n)
        kept = []
        for b in _blocks(first, length, band, distances, block):
            rows = q_n[:, b.rows]
            logits = torch.bmm(rows, k_n[:, b.keys].transpose(1, 2))
            b.by_distance(logits).add_(torch.bmm(rows, embedding[:, -b.distances :].transpose(1, 2)))
            mask, far = _masks(min(b.start, band), b.stop - b.start, b.reach, band, distances, q.device, q.dtype)
            if far is not None:
                logits[..., : far.shape[1]].addcmul_(torch.bmm(rows, embedding[:, :1].transpose(1, 2)), far)
            weights = logits.add_(mask).softmax(-1)
            out[:, b.rows] = torch.bmm(weights, v_n[:, b.keys])
            kept.append(weights)
        ctx.save_for_backward(q_n, k_n, v_n, embedding, out, *kept)
        ctx.sizes = (batch, heads, band, block)
        return out.view(q.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q_n, k_n, v_n, embedding, out, *kept = ctx.saved_tensors
        batch, heads, band, block = ctx.sizes
        length, distances = k_n.shape[1] - block, embedding.shape[1]
        first = length - q_n.shape[1]
        d_out = gradients[0].flatten(0, 1)
        d_q = torch.empty_like(q_n)
        d_k, d_v, d_embedding = (torch.zeros_like(x) for x in (k_n, v_n, embedding))
        learns = ctx.needs_input_grad[3]  # a style leaves the embeddings as they are
        inner = (d_out * out).sum(-1, keepdim=True)  # of the softmax: sum over j of weight x its gradient
        for b, weights in zip(_blocks(first, length, band, distances, block), kept, strict=True):
            rows, d_rows = q_n[:, b.rows], d_out[:, b.rows]
            d_v[:, b.keys] += torch.bmm(weights.transpose(1, 2), d_rows)
            d_logits = torch.bmm(d_rows, v_n[:, b.keys].transpose(1, 2))
            d_logits.sub_(inner[:, b.rows]).mul_(weights)
            d_k[:, b.keys] += torch.bmm(d_logits.transpose(1, 2), rows)
            near, near_embedding = b.by_distance(d_logits).contiguous(), embedding[:, -b.distances :]
            d_block = torch.bmm(d_logits, k_n[:, b.keys]).baddbmm_(near, near_embedding)
            if learns:
                d_embedding[:, -b.distances :] += torch.bmm(near.transpose(1, 2), rows)
            _, far = _masks(min(b.start, band), b.stop - b.start, b.reach, band, distances, q_n.device, q_n.dtype)
            if far is not None:
                shared = (d_logits[..., : far.shape[1]] * far).sum(-1, keepdim=True)  # (N, rows, 1)
                d_block.baddbmm_(shared, embedding[:, :1])
                if learns:
                    d_embedding[:, :1] += torch.bmm(shared.transpose(1, 2), rows)
            d_q[:, b.rows] = d_block
        shape = (batch, heads, -1, q_n.shape[2])
        d_relative = d_embedding.view(batch, heads, distances, -1).sum(0).flip(1) if learns else None
        return d_q.view(shape), d_k[:, block:].view(shape), d_v[:, block:].view(shape), d_relative, None, None
