"""The network: Perceiver AR (Hawthorne et al. 2022) with relative attention and a chord memory.

Encode: every position's latent cross-attends to the last max_seq_len tokens; keys and values depend on the id alone.
The query knows its token, the beat, and which notes sound: a small network need not infer what is plain to see. It
also carries what is asked of the music, its controls (engine/model/controls).
Process: blocks of banded causal self-attention, cross-attention to the chords, feed-forward.
Decode: the token's own embedding cross-attends to the latents in its band; 400 logits for the next event.

This is the training form, a whole window at once, in one of two arithmetics: PLAIN for a CPU, DENSE for a GPU and a
compiler. The streaming form of the same function is engine/inference/decoders/numpy_decoder.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from engine.model.attention import Projections
from engine.model.config import ModelConfig
from engine.model.controls import ControlRows
from engine.model.dense import dense_attention
from engine.model.relative import relative_attention
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_BACK, NUM_PITCHES
from engine.vocabulary import NOTE_OFF, NOTE_ON, NUM_EVENT_IDS

__all__ = ["DENSE", "PLAIN", "Block", "Inputs", "Kernels", "PerceiverMusicTransformer"]


@dataclass(frozen=True)
class Inputs:
    """A batch of windows. Position p predicts token p + 1; everything about "now" is at the time after token p."""

    tokens: Tensor  # (B, L) event ids
    beat: Tensor  # (B, L) 0..24, 24 = unknown
    bar: Tensor  # (B, L) 0..8, 8 = unknown
    chords: Tensor  # (B, C) chord ids; the first is NO_CHORD
    chord_now: Tensor  # (B, L) index of the sounding chord
    chords_ahead: Tensor  # (B,) how many future chords are known, 0..CHORDS_AHEAD
    num_chords: Tensor  # (B,) chords in use, the rest is padding
    levels: Tensor | None = None  # (B, L, K) float, what is asked of each control; None: everything is unknown

    def to(self, device: torch.device | str) -> Inputs:
        moved: dict[str, Any] = {
            name: None if value is None else value.to(device) for name, value in vars(self).items()
        }
        return Inputs(**moved)


class _SquaredReLU(torch.autograd.Function):
    """relu(x)^2, in place on x: autograd's own backward reads and writes the widest activation four times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rectified: Tensor = x.clamp_min_(0)
        ctx.save_for_backward(rectified)
        return rectified * rectified

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (rectified,) = ctx.saved_tensors
        return gradients[0].mul(rectified).mul_(2)


def _squared_relu_in_place(x: Tensor) -> Tensor:
    return _SquaredReLU.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def _squared_relu(x: Tensor) -> Tensor:
    rectified = torch.relu(x)
    return rectified * rectified


class Kernels(NamedTuple):
    """What the network computes with; any of them gives the same function."""

    attention: Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]
    squared_relu: Callable[[Tensor], Tensor]


PLAIN = Kernels(relative_attention, _squared_relu_in_place)
DENSE = Kernels(dense_attention, _squared_relu)
"""Knows no span: as many latents as tokens."""


class FeedForward(nn.Module):
    """Squared ReLU (So et al. 2021, "Primer"): as good as GELU at this size, and exact to reproduce in C++."""

    def __init__(self, dim: int, ff_dim: int) -> None:
        super().__init__()
        self.up_proj = nn.Linear(dim, ff_dim, bias=False)
        self.down_proj = nn.Linear(ff_dim, dim, bias=False)

    def forward(self, x: Tensor, squared_relu: Callable[[Tensor], Tensor] = _squared_relu_in_place) -> Tensor:
        return self.down_proj(squared_relu(self.up_proj(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    """One process layer, pre-norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, heads = config.latent_dim, config.num_heads
        self.band = config.latent_len
        self.self_norm = nn.LayerNorm(dim)
        self.self_attn = Projections(dim, heads, min(config.latent_len, config.max_relative_distance))
        self.chord_norm = nn.LayerNorm(dim)
        self.chord_attn = Projections(dim, heads, 2 * CHORD_CLIP + 1)
        self.ff_norm = nn.LayerNorm(dim)
        self.ff = FeedForward(dim, config.ff_dim)
        self.dropout = nn.Dropout(config.dropout)
        self.kernels = PLAIN

    def forward(self, x: Tensor, chord_emb: Tensor, chord_offset: Tensor, chord_mask: Tensor) -> Tensor:
        """x: (B, L, d); chord_emb: (B, C, d); chord_offset, chord_mask: (B, L, C) embedding row and hidden pairs."""
        attn, h = self.self_attn, self.self_norm(x)
        k, v = attn.split(attn.k_proj(h)), attn.split(attn.v_proj(h))
        x = x + self.dropout(attn.merge(self.kernels.attention(attn.query(h), k, v, attn.relative_heads(), self.band)))

        attn = self.chord_attn
        q = attn.query(self.chord_norm(x))  # (B, H, L, D)
        k, v = attn.split(attn.k_proj(chord_emb)), attn.split(attn.v_proj(chord_emb))  # (B, H, C, D)
        by_offset = q @ attn.relative_heads().transpose(-1, -2)  # (B, H, L, 17)
        index = chord_offset.unsqueeze(1).expand(-1, q.shape[1], -1, -1)
        logits = q @ k.transpose(-1, -2) + by_offset.gather(-1, index)  # (B, H, L, C)
        weights = logits.masked_fill(chord_mask.unsqueeze(1), -math.inf).softmax(-1)
        x = x + self.dropout(attn.merge(weights @ v))

        return x + self.dropout(self.ff(self.ff_norm(x), self.kernels.squared_relu))  # type: ignore[no-any-return]


def sounding_after(tokens: Tensor) -> Tensor:
    """Returns (B, L, 128) bool for (B, L) event ids: pitches that sound after each token; silence before the first."""
    at = torch.arange(1, tokens.shape[1] + 1, device=tokens.device).expand_as(tokens)
    silence = torch.zeros(*tokens.shape, NUM_PITCHES, dtype=at.dtype, device=tokens.device)

    def last(first: int) -> Tensor:
        """(B, L, 128) place of each pitch's latest event among those ids; 0 if it had none."""
        pitch = tokens - first
        place = torch.where((pitch >= 0) & (pitch < NUM_PITCHES), at, 0)
        return silence.scatter(2, pitch.clamp(0, NUM_PITCHES - 1).unsqueeze(2), place.unsqueeze(2)).cummax(1).values

    return last(NOTE_ON) > last(NOTE_OFF)


class ControlEmbedding(nn.Embedding):
    """Embeds what is asked: rows mixed between neighbouring levels and summed over the controls."""

    def __init__(self, rows: ControlRows, dim: int) -> None:
        super().__init__(rows.count, dim)
        self._rows = rows
        self._first: Tensor
        self._levels: Tensor
        self.register_buffer("_first", torch.from_numpy(rows.first), persistent=False)
        self.register_buffer("_levels", torch.from_numpy(rows.levels), persistent=False)

    def forward(self, levels: Tensor | None) -> Tensor:
        """(B, L, K) levels -> (B, L, d); None, everything unknown -> (1, 1, d)."""
        if levels is None:
            levels = torch.from_numpy(self._rows.unknown).to(self.weight.device).view(1, 1, -1)
        # ControlRows.mix where the levels are: on a GPU nothing waits for them.
        lower = levels.floor()
        share = (levels - lower).to(self.weight.dtype)
        low = torch.where(levels < 0, self._levels, lower.long())
        high = torch.where(share > 0, low + 1, low)
        shares = torch.zeros(*levels.shape[:-1], self._rows.count, dtype=self.weight.dtype, device=self.weight.device)
        shares = shares.scatter_add(-1, low + self._first, 1 - share).scatter_add(-1, high + self._first, share)
        return shares @ self.weight


class PerceiverMusicTransformer(nn.Module):
    """The whole network: next-event logits for every position of a window."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        dim, heads = config.latent_dim, config.num_heads
        self.token_emb = nn.Embedding(config.vocab_size, dim)
        self.beat_emb = nn.Embedding(BEAT_BINS + 1, dim)
        self.bar_emb = nn.Embedding(BAR_BINS + 1, dim)
        self.sounding_emb = nn.Embedding(NUM_PITCHES, dim)
        self.control_emb = ControlEmbedding(ControlRows(config.controls), dim) if config.controls else None
        self.encode_norm = nn.LayerNorm(dim)
        self.token_norm = nn.LayerNorm(dim)  # of the keys' and values' side
        self.encode_attn = Projections(dim, heads, config.max_relative_distance)
        self.chord_memory_norm = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.num_layers))
        self.decode_norm = nn.LayerNorm(dim)
        self.latent_norm = nn.LayerNorm(dim)
        self.decode_attn = Projections(dim, heads, min(config.latent_len, config.max_relative_distance))
        self.out_norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, NUM_EVENT_IDS, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.kernels = PLAIN
        self._init_weights()

    def _init_weights(self) -> None:
        residual_std = 0.02 / math.sqrt(3 * self.config.num_layers + 2)  # GPT-2: by the number of residual branches
        for name, parameter in self.named_parameters():
            if parameter.dim() < 2:
                continue  # norms start as identity
            std = residual_std if name.endswith(("out_proj.weight", "down_proj.weight")) else 0.02
            nn.init.normal_(parameter, std=std)

    def forward(self, inputs: Inputs, span: int = 0) -> Tensor:
        """Inputs of B windows of L tokens -> (B, M, 400) logits of the last M = span positions; 0: of all.

        Latents and queries stand on the span; the encode attention's keys and values on the whole window.
        """
        config = self.config
        first = max(0, inputs.tokens.shape[1] - span) if span else 0
        beat, bar, chord_now = inputs.beat[:, first:], inputs.bar[:, first:], inputs.chord_now[:, first:]
        query = self.token_emb(inputs.tokens[:, first:]) + self.beat_emb(beat) + self.bar_emb(bar)  # (B, M, d)
        query = query + sounding_after(inputs.tokens)[:, first:].to(query.dtype) @ self.sounding_emb.weight
        if self.control_emb is not None:
            query = query + self.control_emb(None if inputs.levels is None else inputs.levels[:, first:])

        attn = self.encode_attn
        table = self.token_norm(self.token_emb.weight[:NUM_EVENT_IDS])  # (400, d): the ids are all there is to know
        k = attn.split(attn.k_proj(table)[inputs.tokens])
        v = attn.split(attn.v_proj(table)[inputs.tokens])
        q = attn.query(self.encode_norm(query))
        x = query + self.dropout(attn.merge(self.kernels.attention(q, k, v, attn.relative_heads(), config.max_seq_len)))

        chord_emb = self.chord_memory_norm(self.token_emb(inputs.chords))  # (B, C, d)
        chord_index = torch.arange(inputs.chords.shape[1], device=x.device)
        offset = chord_index - chord_now.unsqueeze(-1)  # (B, M, C)
        hidden = (
            (offset > inputs.chords_ahead.view(-1, 1, 1))
            | (offset < -CHORDS_BACK)
            | (chord_index >= inputs.num_chords.view(-1, 1, 1))
        )
        row = offset.clamp(-CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP
        for block in self.blocks:
            x = block(x, chord_emb, row, hidden)

        attn, h = self.decode_attn, self.latent_norm(x)
        k, v = attn.split(attn.k_proj(h)), attn.split(attn.v_proj(h))
        q = attn.query(self.decode_norm(query))
        y = query + self.dropout(attn.merge(self.kernels.attention(q, k, v, attn.relative_heads(), config.latent_len)))
        return self.head(self.out_norm(y))  # type: ignore[no-any-return]
