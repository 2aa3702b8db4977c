"""The layers of the numpy decoder: weights laid out for single rows."""

from __future__ import annotations

import numpy as np

from engine.arrays import F32
from engine.model.checkpoint import Weights

__all__ = ["Attention", "Block", "Norm", "merge_heads", "softmax", "split_heads"]

EPSILON = np.float32(1e-5)  # torch.nn.LayerNorm's


class Attention:
    """Weights of one attention, laid out for single rows: matrices (in, out), relative embeddings (H, D, R)."""

    def __init__(self, weights: Weights, name: str, heads: int) -> None:
        dim = weights[f"{name}.q_proj.weight"].shape[0]
        scale = np.float32((dim // heads) ** -0.5)
        self.q = np.ascontiguousarray(weights[f"{name}.q_proj.weight"].T) * scale
        self.k = np.ascontiguousarray(weights[f"{name}.k_proj.weight"].T)
        self.v = np.ascontiguousarray(weights[f"{name}.v_proj.weight"].T)
        self.out = np.ascontiguousarray(weights[f"{name}.out_proj.weight"].T)
        self.relative = np.ascontiguousarray(split_heads(weights[f"{name}.relative"], heads).transpose(0, 2, 1))


class Norm:
    def __init__(self, weights: Weights, name: str) -> None:
        self.weight, self.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        dim = len(self.weight)
        self._mean = np.full((dim, 1), 1 / dim, dtype=np.float32)  # a product with it costs a fifth of ndarray.mean

    def __call__(self, x: F32) -> F32:
        centred = x - x @ self._mean
        variance = (centred * centred) @ self._mean
        return centred * (self.weight / np.sqrt(variance + EPSILON)) + self.bias  # type: ignore[no-any-return]


class Block:
    """One process layer: its weights, and the chords' keys and values as tables over the 289 chord ids."""

    def __init__(self, weights: Weights, name: str, heads: int) -> None:
        self._name, self._heads = name, heads
        self.self_norm = Norm(weights, f"{name}.self_norm")
        self.chord_norm = Norm(weights, f"{name}.chord_norm")
        self.ff_norm = Norm(weights, f"{name}.ff_norm")
        self.up = np.ascontiguousarray(weights[f"{name}.ff.up_proj.weight"].T)
        self.down = np.ascontiguousarray(weights[f"{name}.ff.down_proj.weight"].T)

    def set_attention(self, weights: Weights, chord_emb: F32) -> None:
        """Sets everything that a style changes. chord_emb: (289, d)."""
        name, heads = self._name, self._heads
        self.self_attn = Attention(weights, f"{name}.self_attn", heads)
        self.qkv = np.concatenate([self.self_attn.q, self.self_attn.k, self.self_attn.v], axis=1)
        self.chord_attn = Attention(weights, f"{name}.chord_attn", heads)
        self.chord_k = split_heads(chord_emb @ self.chord_attn.k, heads)  # (H, 289, D)
        values = chord_emb @ self.chord_attn.v
        self.chord_v = split_heads(values, heads)
        # Without chords the memory is NO_CHORD alone, so attention returns its value whatever the query.
        self.no_chord_out = values[:1] @ self.chord_attn.out  # (1, d)


def split_heads(x: F32, heads: int) -> F32:
    """Splits (n, d) into heads: (H, n, D)."""
    return np.ascontiguousarray(x.reshape(x.shape[0], heads, -1).transpose(1, 0, 2))


def merge_heads(x: F32) -> F32:
    """Joins the heads of (H, n, D) again: (n, d)."""
    merged: F32 = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    return merged


def softmax(logits: F32) -> F32:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    shares: F32 = weights / weights.sum(-1, keepdims=True)
    return shares
