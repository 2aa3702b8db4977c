"""What the contestants share: attention with an optional rotation, pre-norm blocks, caches, and drawing from logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "Block", "Cache", "draw", "rotate"]

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values (B, H, T, D) of each block so far; empty before the first token."""


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Turns (B, H, L, D) by angles (B, H, L, D / 2): the rotary embedding of Su et al. 2021."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


class Attention(nn.Module):
    """Multi-head attention over itself, causal unless said otherwise."""

    def __init__(self, dim: int, heads: int, causal: bool = True) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim, bias=False) for _ in range(4))
        nn.init.zeros_(self.out_proj.weight)

    def forward(self, x: Tensor, angles: Tensor | None = None, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """Maps (B, L, d) to (B, L, d). With a cache, x are the tokens after those in it, and it is extended."""
        q, k, v = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )  # (B, H, L, D)
        if angles is not None:
            q, k = rotate(q, angles), rotate(k, angles)
        if cache is not None:
            if layer < len(cache):
                k, v = torch.cat([cache[layer][0], k], dim=2), torch.cat([cache[layer][1], v], dim=2)
                cache[layer] = (k, v)
            else:
                cache.append((k, v))
        causal = self.causal and q.shape[2] > 1
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(-2))
        return out


class Block(nn.Module):
    """Adds attention, then a network with squared ReLU, each behind a norm."""

    def __init__(self, dim: int, heads: int, ff_dim: int, causal: bool = True) -> None:
        super().__init__()
        self.attn_norm, self.ff_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, heads, causal)
        self.up_proj, self.down_proj = nn.Linear(dim, ff_dim, bias=False), nn.Linear(ff_dim, dim, bias=False)
        nn.init.zeros_(self.down_proj.weight)

    def forward(self, x: Tensor, angles: Tensor | None = None, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """(B, L, d) -> (B, L, d)."""
        x = x + self.attn(self.attn_norm(x), angles, cache, layer)
        out: Tensor = x + self.down_proj(self.up_proj(self.ff_norm(x)).relu().square())
        return out


def draw(logits: Tensor, generator: torch.Generator, top_p: float = 0.95) -> int:
    """Draws an index of (N,) logits from the smallest set that holds top_p of the probability (Holtzman et al.)."""
    probability, order = F.softmax(logits.float(), dim=-1).sort(descending=True)
    probability[probability.cumsum(0) - probability > top_p] = 0
    return int(order[torch.multinomial(probability, 1, generator=generator)])
