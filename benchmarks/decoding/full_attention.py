"""The rival of bench_linear: a plain decoder that attends to all that came before, of a given model's size."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from engine.model.config import ModelConfig
from engine.model.shapes import count_parameters
from engine.vocabulary import NUM_EVENT_IDS

__all__ = ["FullAttention", "equal_rival"]


class Layer(nn.Module):
    """Pre-norm attention and feed-forward, as in GPT-2, with torch's fused attention."""

    def __init__(self, dim: int, heads: int, ff_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.ff_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.up, self.down = nn.Linear(dim, ff_dim, bias=False), nn.Linear(ff_dim, dim, bias=False)

    def forward(self, x: Tensor, cache: Tensor | None = None, position: int = 0) -> Tensor:
        """x: (B, L, d). cache: (2, B, H, N, D) keys and values, filled up to `position`: x is then the next token."""
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, dim=-1))
        if cache is None:
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            cache[0, :, :, position], cache[1, :, :, position] = k[:, :, 0], v[:, :, 0]
            seen = F.scaled_dot_product_attention(q, cache[0, :, :, : position + 1], cache[1, :, :, : position + 1])
        x = x + self.out(seen.transpose(1, 2).flatten(-2))
        return x + self.down(self.up(self.ff_norm(x)).relu().square())


class FullAttention(nn.Module):
    """Token and position embeddings, layers, head."""

    def __init__(self, dim: int, depth: int, heads: int, ff_dim: int, length: int) -> None:
        super().__init__()
        self.token_emb, self.position_emb = nn.Embedding(NUM_EVENT_IDS, dim), nn.Embedding(length, dim)
        self.layers = nn.ModuleList(Layer(dim, heads, ff_dim) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, NUM_EVENT_IDS, bias=False)

    def forward(self, tokens: Tensor, last: int) -> Tensor:
        """(B, L) ids -> (B, last, 400) logits of the last positions."""
        x = self.token_emb(tokens) + self.position_emb.weight[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x[:, -last:]))

    def step(self, token: Tensor, caches: Tensor, position: int) -> Tensor:
        """One token (B, 1) after `position` others -> (B, 400) logits; caches: (layers, 2, B, H, N, D)."""
        x = self.token_emb(token) + self.position_emb.weight[position]
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache, position)
        return self.head(self.norm(x[:, 0]))


def equal_rival(config: ModelConfig, length: int) -> FullAttention:
    """Makes a rival of the config's width, depth and heads; its feed-forward is as wide as equal parameters take."""
    dim, depth = config.latent_dim, config.num_layers
    narrow = FullAttention(dim, depth, config.num_heads, 1, length)
    room = count_parameters(config) - sum(p.numel() for p in narrow.parameters())
    return FullAttention(dim, depth, config.num_heads, 1 + round(room / (2 * dim * depth)), length)
