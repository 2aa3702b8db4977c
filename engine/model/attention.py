"""The learned parts of an attention: four projections and relative embeddings. engine/model/relative does the rest."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Projections"]


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
