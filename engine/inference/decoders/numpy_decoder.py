"""The network, one token at a time, in numpy: the streaming form of engine/model/perceiver.

Exact, not approximate: the logits are those of the full forward pass, at constant cost and memory a token, and taking
tokens back is a change of one counter. What makes both possible is the banded attention: a latent needs the keys and
values of the `latent_len` latents before it and nothing else, and the encode attention needs ids alone (its keys and
values are a table over the vocabulary).

Two streams run side by side, with the chords and without, for classifier-free guidance.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from engine.arrays import F32, I64
from engine.inference.decoders.numpy_layers import Attention, Block, Norm, merge_heads, softmax, split_heads
from engine.inference.decoders.style_slots import PROJECTIONS, STREAMS, STYLES, Adapter, check_style, check_weights
from engine.model.checkpoint import Checkpoint, Weights
from engine.model.controls import ControlRows
from engine.model.shapes import CHORDS_AHEAD, CHORDS_BACK, NUM_PITCHES
from engine.vocabulary import NO_CHORD, NOTE_OFF, NUM_CHORDS, NUM_EVENT_IDS, TIME_SHIFT

__all__ = ["Decoder"]


class Decoder:
    """One stream of tokens. One thread at a time.

    length: tokens fed so far, less those rolled back. rollback: how many tokens rollback() can reach back. streams: 2,
    or 1 where nobody guides: the logits with the chords alone.
    """

    kernel = "numpy"

    def __init__(self, checkpoint: Checkpoint, rollback: int = 1024, streams: int = STREAMS) -> None:
        self.streams = streams  # that are shown: this twin computes both
        config, weights = checkpoint.model, dict(checkpoint.weights)  # the copy unpacks every tensor once
        self._heads = heads = config.num_heads
        self._context, self._band = config.max_seq_len, config.latent_len
        self._token_emb = weights["token_emb.weight"]
        self._beat_emb, self._bar_emb = weights["beat_emb.weight"], weights["bar_emb.weight"]
        self._sounding_emb = weights["sounding_emb.weight"]
        self._controls = ControlRows(config.controls)
        self._control_emb = weights["control_emb.weight"] if config.controls else None

        self._encode_norm = Norm(weights, "encode_norm")
        self._token_table = Norm(weights, "token_norm")(self._token_emb[:NUM_EVENT_IDS])  # (400, d)
        # Column c of a context of n tokens lies n - 1 - c back; farther than the table reaches counts as its last row.
        distance = np.arange(self._context - 1, -1, -1)
        self._encode_row = np.minimum(distance, config.max_relative_distance - 1)

        chords = self._token_emb[NO_CHORD : NO_CHORD + 1 + NUM_CHORDS]
        self._chord_table = Norm(weights, "chord_memory_norm")(chords)  # (289, d)
        self._blocks = [Block(weights, f"blocks.{i}", heads) for i in range(config.num_layers)]
        self._decode_norm, self._latent_norm = Norm(weights, "decode_norm"), Norm(weights, "latent_norm")
        self._out_norm = Norm(weights, "out_norm")
        self._head = np.ascontiguousarray(weights["head.weight"].T)

        self._base = weights
        names = (name.removesuffix(".weight") for name in weights)
        self._projections = {name: weights[f"{name}.weight"].shape for name in names if name.endswith(PROJECTIONS)}
        self._styles: list[Adapter] = [{} for _ in range(STYLES)]
        self._style_weights = [0.0] * STYLES
        self._set_attention(weights)

        band_row = np.minimum(np.arange(self._band - 1, -1, -1), config.max_relative_distance - 1)
        self._band_relative = [
            np.ascontiguousarray(attn.relative[:, :, band_row])  # (H, D, W), oldest key first
            for attn in (*(block.self_attn for block in self._blocks), self._decode)
        ]
        self._make_past(rollback, config.latent_dim // heads)

    def _make_past(self, rollback: int, head_dim: int) -> None:
        """Makes room for what a decoder remembers of its stream. Nothing is in it yet."""
        self._rollback = rollback
        # Keys and values lie in plain arrays that slide back when full: a band is then one contiguous slice.
        self._capacity = 2 * (self._band + rollback)
        shape = (len(self._band_relative), STREAMS, self._heads, self._capacity, head_dim)
        self._k, self._v = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
        self._ids = np.zeros(2 * (self._context + rollback), dtype=np.int64)
        self._sounding = np.zeros((len(self._ids) + 1, NUM_PITCHES), dtype=np.float32)  # row i: before the id at i
        self._cached = 0  # entries in _k and _v
        self._num_ids = 0  # entries in _ids
        self._reachable = 0  # tokens that rollback may take back
        self.length = 0

    def set_style(self, slot: int, modules: Adapter) -> None:
        """Puts an adapter into one of four slots: module name -> (A (rank, in), B (out, rank), alpha / rank).

        It acts by its weight. {} empties the slot. ValueError: a module the network lacks, or one of another size.
        """
        check_style(slot, modules, self._projections)
        self._styles[slot] = modules
        if self._style_weights[slot]:
            self._apply_styles()

    def set_style_weights(self, weights: Sequence[float]) -> None:
        """Sets how much of each slot acts from the next token on. What the caches hold is not computed anew."""
        check_weights(weights)
        self._style_weights = [float(weight) for weight in weights]
        self._apply_styles()  # even if they are as before: a fork may have changed the matrices that it shares

    def rollback(self, tokens: int) -> None:
        """Forgets the last tokens, as if they had never been fed. ValueError beyond `rollback`."""
        if not 0 <= tokens <= self._reachable:
            raise ValueError(f"cannot roll back {tokens} tokens: {self._reachable} are kept")
        self._cached -= tokens
        self._num_ids -= tokens
        self._reachable -= tokens
        self.length -= tokens

    def fork(self, rollback: int) -> Decoder:
        """Returns a decoder with the same weights, styles and past; from here on each goes its own way.

        The fork can roll back what it was fed since, up to `rollback` tokens, and one token of the parent's. Do not
        change styles while forks are in use.
        """
        other = copy.copy(self)
        other._make_past(rollback, self._k.shape[-1])
        other.copy(self, 0)
        other._reachable = min(other._reachable, 1)
        return other

    def copy(self, other: Decoder, same: int) -> None:
        """Takes over the state of another fork. same: how many of their first tokens are common and need no copying."""
        del same  # everything that there is room for is copied: this is the slow twin
        cached = min(other._cached, self._band + self._rollback)
        for mine, theirs in ((self._k, other._k), (self._v, other._v)):
            mine[..., :cached, :] = theirs[..., other._cached - cached : other._cached, :]
        ids, end = min(other._num_ids, self._context + self._rollback), other._num_ids
        self._ids[:ids] = other._ids[end - ids : end]
        self._sounding[: ids + 1] = other._sounding[end - ids : end + 1]
        self._cached, self._num_ids, self.length = cached, ids, other.length
        self._reachable = min(other._reachable, self._rollback)

    def guide(self) -> None:
        """Begins the stream without chords where one was computed; its past is the other's, what comes is its own."""
        if self.streams == 1:
            self.streams = STREAMS
            for cache in (self._k, self._v):
                cache[:, 1] = cache[:, 0]

    def step(self, token: int, beat: int, bar: int, chord_ids: I64, chord_rows: I64, levels: F32 | None = None) -> F32:
        """Feeds one token; returns (streams, 400) logits of the next one, with and without the chords.

        beat, bar: bins at the time after the token (engine/beats/phase). chord_ids, chord_rows: (c,), see
        Conditions.chords_in_view. levels: (K,) what is asked (engine/model/controls); None: everything is unknown.
        ValueError: levels that are none.
        """
        assert len(chord_ids) <= CHORDS_BACK + 1 + CHORDS_AHEAD
        rows, shares = self._controls.mix(self._controls.unknown if levels is None else self._controls.check(levels))
        self._make_room()
        sounding = self._sounding[self._num_ids + 1]
        sounding[:] = self._sounding[self._num_ids]
        if token < TIME_SHIFT:
            sounding[token % NUM_PITCHES] = token < NOTE_OFF
        self._ids[self._num_ids] = token
        self._num_ids += 1
        query = self._token_emb[token] + self._beat_emb[beat] + self._bar_emb[bar] + sounding @ self._sounding_emb
        if self._control_emb is not None:
            query = query + shares @ self._control_emb[rows]
        query = query[None]  # (1, d): both streams are the same until the first chord attention

        x = query + self._encode_attention(self._encode_norm(query))
        x = np.repeat(x, STREAMS, axis=0)
        chord_columns, dim = chord_ids - NO_CHORD, x.shape[1]
        for layer, block in enumerate(self._blocks):
            qkv = block.self_norm(x) @ block.qkv
            q, k, v = qkv[:, :dim], qkv[:, dim : 2 * dim], qkv[:, 2 * dim :]
            x = x + self._band_attention(layer, q, k, v) @ block.self_attn.out
            chords = self._chord_attention(block, x[:1], chord_columns, chord_rows)
            x = x + np.concatenate([chords, block.no_chord_out])
            hidden = np.maximum(block.ff_norm(x) @ block.up, 0)
            x = x + (hidden * hidden) @ block.down

        latent = self._latent_norm(x)
        q = np.repeat(self._decode_norm(query) @ self._decode.q, STREAMS, axis=0)
        attended = self._band_attention(len(self._blocks), q, latent @ self._decode.k, latent @ self._decode.v)
        y = self._out_norm(query + attended @ self._decode.out)
        self._cached += 1
        self._reachable = min(self._reachable + 1, self._rollback)
        self.length += 1
        logits: F32 = y @ self._head
        return logits[: self.streams]

    def _apply_styles(self) -> None:
        """Adds the low-rank products to the matrices, which takes milliseconds, so that a token costs no more."""
        weights = dict(self._base)
        for modules, share in zip(self._styles, self._style_weights, strict=True):
            for module, (a, b, scale) in modules.items() if share else ():
                weights[f"{module}.weight"] = weights[f"{module}.weight"] + (b * np.float32(share * scale)) @ a
        self._set_attention(weights)

    def _set_attention(self, weights: Weights) -> None:
        """Lays out the attentions' matrices and computes the tables made of them."""
        self._encode = Attention(weights, "encode_attn", self._heads)
        keys = split_heads(self._token_table @ self._encode.k, self._heads)
        self._token_k = np.ascontiguousarray(keys.transpose(0, 2, 1))  # (H, D, 400)
        self._token_v = split_heads(self._token_table @ self._encode.v, self._heads)  # (H, 400, D)
        for block in self._blocks:
            block.set_attention(weights, self._chord_table)
        self._decode = Attention(weights, "decode_attn", self._heads)

    def _encode_attention(self, x: F32) -> F32:
        """(1, d) -> (1, d): over the last max_seq_len ids, through tables."""
        n = min(self._num_ids, self._context)
        ids = self._ids[self._num_ids - n : self._num_ids]
        q = split_heads(x @ self._encode.q, self._heads)  # (H, 1, D)
        by_id = (q @ self._token_k)[:, 0]  # (H, 400)
        by_distance = (q @ self._encode.relative)[:, 0]  # (H, R)
        weights = softmax(by_id[:, ids] + by_distance[:, self._encode_row[-n:]])  # (H, n)
        # The weight of an id is the sum over its occurrences.
        row = np.arange(self._heads)[:, None] * NUM_EVENT_IDS
        by_row = np.bincount((row + ids).ravel(), weights.ravel(), self._heads * NUM_EVENT_IDS)
        total = by_row.astype(np.float32).reshape(self._heads, 1, NUM_EVENT_IDS)
        return merge_heads(total @ self._token_v) @ self._encode.out  # type: ignore[no-any-return]

    def _band_attention(self, layer: int, q: F32, k: F32, v: F32) -> F32:
        """(G, d) each -> (G, d): stores k and v, attends to the latents in the band."""
        heads, at = self._heads, self._cached
        shape = (STREAMS, heads, -1)
        self._k[layer, :, :, at], self._v[layer, :, :, at] = k.reshape(shape), v.reshape(shape)
        n = min(at + 1, self._band)
        keys, values = (cache[layer, :, :, at + 1 - n : at + 1] for cache in (self._k, self._v))  # (G, H, n, D)
        q = q.reshape(STREAMS, heads, 1, -1)
        relative = self._band_relative[layer][:, :, self._band - n :]
        logits = q @ keys.transpose(0, 1, 3, 2) + q @ relative  # (G, H, 1, n)
        return (softmax(logits) @ values).reshape(STREAMS, -1)

    def _chord_attention(self, block: Block, x: F32, columns: I64, rows: I64) -> F32:
        """(1, d) -> (1, d) over the chords in reach."""
        q = split_heads(block.chord_norm(x) @ block.chord_attn.q, self._heads)  # (H, 1, D)
        keys, values = block.chord_k[:, columns], block.chord_v[:, columns]  # (H, c, D)
        logits = q @ keys.transpose(0, 2, 1) + (q @ block.chord_attn.relative)[:, :, rows]
        return merge_heads(softmax(logits) @ values) @ block.chord_attn.out  # type: ignore[no-any-return]

    def _make_room(self) -> None:
        """Slides what is still needed to the front of a full array."""
        if self._cached == self._capacity:
            keep = self._band + self._rollback
            for cache in (self._k, self._v):
                cache[:, :, :, :keep] = cache[:, :, :, -keep:]
            self._cached = keep
        if self._num_ids == len(self._ids):
            keep = self._context + self._rollback
            self._ids[:keep] = self._ids[-keep:]
            self._sounding[: keep + 1] = self._sounding[-keep - 1 :]
            self._num_ids = keep
