"""The attention of engine/model/relative in whole blocks: few large products, which a GPU and a compiler like.

Queries go in blocks of the band's width and meet the keys of two blocks, half of which are hidden: twice the
arithmetic of the plain form and a few calls where that makes hundreds. The relative term is skewed into place by
padding each row and reading the result in rows of another length (Huang et al. 2018). The softmax is in float32, all
else in the type of the queries.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["dense_attention"]


def dense_attention(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """As relative_attention for as many queries as keys: q (scaled), k, v (B, H, L, D), relative (H, R, D)."""
    length, relative = q.shape[2], relative.to(q.dtype)
    assert k.shape[2] == length, "the dense form has a query for every key"
    if band >= length:
        return _whole(q, k, v, relative)
    missing = -length % band
    if missing:
        q, k, v = (F.pad(x, (0, 0, 0, missing)) for x in (q, k, v))
    return _banded(q, k, v, relative, band)[:, :, :length]


def _whole(q: Tensor, k: Tensor, v: Tensor, relative: Tensor) -> Tensor:
    """Every position sees all before it."""
    batch, heads, length, _ = q.shape
    by_distance = q @ _farthest_first(relative, length).transpose(-1, -2)  # (B, H, L, L): column c is distance L-1-c
    skewed = F.pad(by_distance, (1, 0)).reshape(batch, heads, length + 1, length)[:, :, 1:]
    place = torch.arange(length, device=q.device)
    return _attend(q @ k.transpose(-1, -2) + skewed, place[None] > place[:, None], v)


def _banded(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """L is a multiple of the band W; row i of a block sees columns i < c <= i + W of its two blocks of keys."""
    batch, heads, length, dim = q.shape
    count = length // band
    rows = q.reshape(batch, heads, count, band, dim)
    keys, values = (_pairs(x, band) for x in (k, v))
    by_distance = rows @ _farthest_first(relative, band)[:, None].transpose(-1, -2)  # (B, H, n, W, W)
    flat = F.pad(by_distance, (1, band)).flatten(-2)[..., : 2 * band * band]
    logits = rows @ keys.transpose(-1, -2) + flat.reshape(batch, heads, count, band, 2 * band)
    row, column = torch.arange(band, device=q.device)[:, None], torch.arange(2 * band, device=q.device)
    hidden = (column <= row) | (column > row + band)
    before = (torch.arange(count, device=q.device) == 0)[:, None, None] & (column < band)  # nothing is there
    return _attend(logits, hidden | before, values).reshape(batch, heads, length, dim)


def _pairs(x: Tensor, band: int) -> Tensor:
    """(B, H, L, D) -> (B, H, n, 2 W, D): each block behind the one before it, the first behind zeros."""
    batch, heads, length, dim = x.shape
    blocks = F.pad(x, (0, 0, band, 0)).reshape(batch, heads, length // band + 1, band, dim)
    return torch.cat([blocks[:, :, :-1], blocks[:, :, 1:]], dim=3)


def _farthest_first(relative: Tensor, distances: int) -> Tensor:
    """(H, R, D) -> (H, distances, D): distance `distances` - 1 first; farther than R - 1 they share the last row."""
    index = torch.arange(distances - 1, -1, -1, device=relative.device).clamp(max=relative.shape[1] - 1)
    return relative[:, index]


def _attend(logits: Tensor, hidden: Tensor, v: Tensor) -> Tensor:
    weights = logits.float().masked_fill(hidden, -math.inf).softmax(-1)
    return weights.to(v.dtype) @ v
