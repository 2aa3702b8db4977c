"""Attention with Music Transformer's learned relative positions, causal, banded and linear in the sequence.

Huang et al. 2018, "Music Transformer": a logit is (q_i . k_j + q_i . e_{i-j}) / sqrt(D). The second term comes out of
one matrix product by "skewing": row i is shifted by i places, without an (L, L, D) intermediate.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Projections", "banded_attention", "causal_attention", "skew_band", "skew_causal"]


class Projections(nn.Module):
    """The four matrices of an attention and its relative embeddings.

    relative: (num_distances, dim); row r belongs to distance r (for the chords: to a relative chord index).
    """

    def __init__(self, dim: int, num_heads: int, num_distances: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q_proj = nn.Linear(dim, dim, bias=False)
        self.k_proj = nn.Linear(dim, dim, bias=False)
        self.v_proj = nn.Linear(dim, dim, bias=False)
        self.out_proj = nn.Linear(dim, dim, bias=False)
        self.relative = nn.Parameter(torch.zeros(num_distances, dim))

    def split(self, x: Tensor) -> Tensor:
        """(..., L, dim) -> (..., H, L, D)."""
        return x.reshape(*x.shape[:-1], self.num_heads, -1).transpose(-3, -2)

    def merge(self, x: Tensor) -> Tensor:
        """(..., H, L, D) -> (..., L, dim), through out_proj."""
        return self.out_proj(x.transpose(-3, -2).flatten(-2))  # type: ignore[no-any-return]

    def query(self, x: Tensor) -> Tensor:
        """(..., L, dim) -> (..., H, L, D), scaled by 1/sqrt(D) so that both logit terms are."""
        return self.split(self.q_proj(x)) * (1.0 / math.sqrt(x.shape[-1] // self.num_heads))

    def relative_heads(self) -> Tensor:
        """(H, R, D) embeddings of the distances 0..R-1."""
        return self.split(self.relative)


def skew_causal(by_distance: Tensor, length: int) -> Tensor:
    """(..., L, R) logits by distance -> (..., L, L): out[i, j] = by_distance[i, min(i - j, R - 1)] for j <= i.

    Entries with j > i are undefined (mask them).
    """
    num_distances = by_distance.shape[-1]
    if num_distances < length:  # farther tokens share the last distance
        far = by_distance[..., -1:].expand(*by_distance.shape[:-1], length - num_distances)
        by_distance = torch.cat([by_distance, far], dim=-1)
    # Column m of the flipped matrix is distance L - 1 - m, which belongs at column j = i - L + 1 + m: padding a column
    # on the left and reading with row stride L instead of L + 1 moves row i there.
    flipped = F.pad(by_distance[..., :length].flip(-1), (1, 0))
    lead = flipped.shape[:-2]
    return flipped.reshape(*lead, length + 1, length)[..., 1:, :]


def skew_band(by_distance: Tensor) -> Tensor:
    """(..., W, W) logits by distance -> (..., W, 2W) over the keys of the previous and this block.

    Key k of the 2W lies at distance d = W + i - k from query i; the band holds d = 0..W-1, outside it stands -inf.
    """
    width = by_distance.shape[-1]
    # Distance d of row i belongs at column i + W - d. Flipped column m is d = W - 1 - m -> column i + 1 + m: pad one
    # left and W right, then read the (W, 2W + 1) buffer with row stride 2W.
    padded = F.pad(by_distance.flip(-1), (1, width), value=-math.inf)
    lead = padded.shape[:-2]
    flat = padded.reshape(*lead, width * (2 * width + 1))[..., : width * 2 * width]
    return flat.reshape(*lead, width, 2 * width)


def causal_attention(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """Encode attention: position i sees i - band < j <= i. q (scaled), k, v: (B, H, L, D); relative: (H, R, D)."""
    length = q.shape[-2]
    logits = q @ k.transpose(-1, -2) + skew_causal(q @ relative.transpose(-1, -2), length)  # (B, H, L, L)
    i = torch.arange(length, device=q.device)
    distance = i[:, None] - i[None, :]
    hidden = (distance < 0) | (distance >= band)
    return logits.masked_fill(hidden, -math.inf).softmax(-1) @ v


def banded_attention(q: Tensor, k: Tensor, v: Tensor, relative: Tensor, band: int) -> Tensor:
    """Latent attention: position i sees i - band < j <= i, in blocks of `band`: O(L * band) time and memory.

    q (scaled), k, v: (B, H, L, D); relative: (H, R, D) with R <= band. Returns (B, H, L, D).
    """
    length = q.shape[-2]
    if relative.shape[-2] < band:
        far = relative[:, -1:].expand(-1, band - relative.shape[-2], -1)
        relative = torch.cat([relative, far], dim=-2)
    blocks = -(-length // band)
    tail = blocks * band - length
    q = _blocks(F.pad(q, (0, 0, 0, tail)), band)  # (B, H, n, W, D)
    # One block of nothing in front: block b's keys are then blocks b and b + 1 of the padded sequence.
    k, v = (_blocks(F.pad(x, (0, 0, band, tail)), band) for x in (k, v))
    k2 = torch.cat([k[..., :-1, :, :], k[..., 1:, :, :]], dim=-2)  # (B, H, n, 2W, D)
    v2 = torch.cat([v[..., :-1, :, :], v[..., 1:, :, :]], dim=-2)
    logits = q @ k2.transpose(-1, -2) + skew_band(q @ relative.transpose(-1, -2).unsqueeze(1))  # (B, H, n, W, 2W)
    before_start = torch.zeros(blocks, 1, 2 * band, dtype=torch.bool, device=q.device)
    before_start[0, :, :band] = True
    out = logits.masked_fill(before_start, -math.inf).softmax(-1) @ v2
    return out.flatten(-3, -2)[..., :length, :]


def _blocks(x: Tensor, width: int) -> Tensor:
    """(..., n * W, D) -> (..., n, W, D)."""
    return x.reshape(*x.shape[:-2], -1, width, x.shape[-1])
