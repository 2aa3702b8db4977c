"""The streaming decoder on torch, for whoever has a GPU, with the same face as the numpy decoder.

Every tensor has one place and one size for the life of the decoder: on CUDA a token is then one replay of a CUDA graph,
and the matrices stay in NF4 where bitsandbytes is installed. Sums are float32. On a processor it serves as the
reference that the compiled decoder is held to; there native is ten times as fast.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.arrays import F32, I64
from engine.errors import SidemanError
from engine.inference.decoders.style_slots import PROJECTIONS, STREAMS, STYLES, Adapter, check_style, check_weights
from engine.inference.decoders.torch_linear import Linear, bitsandbytes_or_none
from engine.model.checkpoint import Checkpoint
from engine.model.controls import ControlRows
from engine.model.shapes import CHORDS_AHEAD, CHORDS_BACK, NUM_PITCHES, is_matrix
from engine.vocabulary import NO_CHORD, NOTE_OFF, NUM_CHORDS, NUM_EVENT_IDS, TIME_SHIFT

__all__ = ["TorchDecoder"]

IN_VIEW = CHORDS_BACK + 1 + CHORDS_AHEAD
IN_FLIGHT = ("_host", "_host_sounding", "_host_shares", "_inputs", "_sounding_now", "_shares", "_logits")
"""The buffers that a token passes through; every fork has its own."""


class TorchDecoder:
    """One stream of tokens, as numpy_decoder's. One thread at a time.

    length: tokens fed so far, less those rolled back. kernel: "torch" and the device.
    """

    def __init__(
        self, checkpoint: Checkpoint, rollback: int = 1024, device: str = "cuda", four_bit: bool | None = None,
        streams: int = STREAMS,
    ) -> None:  # fmt: skip
        """device: cuda or cpu. four_bit: keep the matrices in NF4; None: on CUDA, where bitsandbytes is installed.

        streams: see numpy_decoder; both are computed. SidemanError: no such device, or four_bit without bitsandbytes.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise SidemanError(f"device cuda: torch {torch.__version__} finds no GPU here: install torch for CUDA and"
                               " the driver, or leave --device out")  # fmt: skip
        config, self._device = checkpoint.model, torch.device(device)
        self._heads = config.num_heads
        self._on_gpu = self._device.type == "cuda"
        self.kernel = f"torch {device}"
        self.streams = streams
        if four_bit is None:
            four_bit = self._on_gpu and bitsandbytes_or_none() is not None
        weights = checkpoint.weights
        self._style_weights = torch.zeros(STYLES, device=self._device)
        linear = {
            name: Linear(name, checkpoint, self._device, self._style_weights, four_bit)
            for name in (key.removesuffix(".weight") for key in weights if key.endswith("_proj.weight"))
        }
        self._linear = linear
        self._head = Linear("head", checkpoint, self._device, self._style_weights, four_bit)
        self._shape_of = {name: weights[f"{name}.weight"].shape for name in linear if name.endswith(PROJECTIONS)}
        self._layers = [f"blocks.{i}" for i in range(config.num_layers)]
        self._small = {
            name: torch.from_numpy(value.astype(np.float32)).to(self._device)
            for name, value in weights.items() if not is_matrix(name)
        }  # fmt: skip
        for name in [key for key in self._small if key.endswith(".relative")]:
            self._small[name] = self._split(self._small[name]).transpose(1, 2).contiguous()  # (H, D, R)

        near = config.max_relative_distance - 1
        self._context, self._band = config.max_seq_len, config.latent_len
        self._id_ago = torch.arange(self._context, device=self._device)
        self._band_ago = torch.arange(self._band, device=self._device)
        self._id_row, self._band_row = self._id_ago.clamp(max=near), self._band_ago.clamp(max=near)
        head_dim = config.latent_dim // config.num_heads
        self._make_past(rollback, head_dim)

        # What depends on ids and styles alone.
        table = self._zeros(config.num_heads, NUM_EVENT_IDS, head_dim)
        self._token_k, self._token_v = table, table.clone()
        chords = self._zeros(config.num_layers, config.num_heads, 1 + NUM_CHORDS, head_dim)
        self._chord_k, self._chord_v = chords, chords.clone()
        self._no_chord = self._zeros(config.num_layers, 1, config.latent_dim)
        self._fill_tables()

        # A token's inputs: [token, beat, bar, id slot, latent slot, ids so far, chords in view], chords, their rows.
        self._host = torch.zeros(7 + 2 * IN_VIEW, dtype=torch.int64, pin_memory=self._on_gpu)
        self._host_sounding = torch.zeros(1, NUM_PITCHES, pin_memory=self._on_gpu)
        self._inputs, self._sounding_now = self._host.to(self._device), self._host_sounding.to(self._device)
        # What is asked, as the share that each row of the controls' embedding has in the query.
        self._controls = ControlRows(config.controls)
        self._host_shares = torch.zeros(1, self._controls.count, pin_memory=self._on_gpu)
        self._shares = self._host_shares.to(self._device)
        self._in_view = torch.arange(IN_VIEW, device=self._device)
        self._logits = self._zeros(STREAMS, NUM_EVENT_IDS)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._changes = [0]  # of the slots' adapters, counted together with all forks, which share them
        self._captured_at = 0  # the count that the graph knows

    def _make_past(self, rollback: int, head_dim: int) -> None:
        """Makes the rings that a token writes and reads: of the ids, and of each layer's keys and values."""
        self._rollback, self._latents = rollback, self._band + rollback
        self._id_ring = self._zeros(self._context + rollback).long()
        shape = (len(self._layers) + 1, STREAMS, self._heads, self._latents, head_dim)
        self._k, self._v = self._zeros(*shape), self._zeros(*shape)
        self._sounding = np.zeros((self._latents + 1, NUM_PITCHES), dtype=np.float32)  # ring: after each token
        self._reachable = 0
        self.length = 0

    @torch.no_grad()
    def step(self, token: int, beat: int, bar: int, chord_ids: I64, chord_rows: I64, levels: F32 | None = None) -> F32:
        rows, shares = self._controls.mix(self._controls.unknown if levels is None else self._controls.check(levels))
        count, at = len(chord_ids), self.length
        assert count <= IN_VIEW
        sounding = self._sounding[(at + 1) % len(self._sounding)]
        sounding[:] = self._sounding[at % len(self._sounding)] if at else 0
        if token < TIME_SHIFT:
            sounding[token % NUM_PITCHES] = token < NOTE_OFF
        self._host_sounding.numpy()[0] = sounding
        host = self._host.numpy()
        host[:7] = token, beat, bar, at % len(self._id_ring), at % self._latents, at + 1, count
        host[7 : 7 + count] = chord_ids - NO_CHORD
        host[7 + IN_VIEW : 7 + IN_VIEW + count] = chord_rows
        self._inputs.copy_(self._host, non_blocking=True)
        self._sounding_now.copy_(self._host_sounding, non_blocking=True)
        asked = self._host_shares.numpy()[0]
        asked[:] = 0
        np.add.at(asked, rows, shares)
        self._shares.copy_(self._host_shares, non_blocking=True)
        self._run()
        self.length += 1
        self._reachable = min(self._reachable + 1, self._rollback)
        logits: F32 = self._logits.cpu().numpy()[: self.streams].copy()
        return logits

    def rollback(self, tokens: int) -> None:
        if not 0 <= tokens <= self._reachable:
            raise ValueError(f"cannot roll back {tokens} tokens: {self._reachable} are kept")
        self._reachable -= tokens
        self.length -= tokens

    def fork(self, rollback: int) -> TorchDecoder:
        other = copy.copy(self)
        for name in IN_FLIGHT:
            kept = getattr(self, name).clone()
            setattr(other, name, kept.pin_memory() if name.startswith("_host") and self._on_gpu else kept)
        other._graph = None
        other._make_past(rollback, self._k.shape[-1])
        other.copy(self, 0)
        other._reachable = min(other._reachable, 1)
        return other

    def copy(self, other: TorchDecoder, same: int) -> None:
        del same  # everything that there is room for is copied
        # In place, since a captured graph reads the rings where they are.
        _copy_ring(self._id_ring, other._id_ring, 0, other.length)
        _copy_ring(self._k, other._k, 3, other.length)
        _copy_ring(self._v, other._v, 3, other.length)
        _copy_ring(torch.from_numpy(self._sounding), torch.from_numpy(other._sounding), 0, other.length + 1)
        self.length, self._reachable = other.length, min(other._reachable, self._rollback)

    def guide(self) -> None:
        if self.streams == 1:
            self.streams = STREAMS
            for cache in (self._k, self._v):
                cache[:, 1] = cache[:, 0]

    def set_style(self, slot: int, modules: Adapter) -> None:
        check_style(slot, modules, self._shape_of)
        for name in self._shape_of:
            self._linear[name].set_adapter(slot, modules.get(name))
        self._changes[0] += 1  # captured graphs hold the old adapters, those of forks too
        self._fill_tables()

    def set_style_weights(self, weights: Sequence[float]) -> None:
        check_weights(weights)
        wanted = torch.tensor(weights, dtype=torch.float32)
        if not torch.equal(wanted, self._style_weights.cpu()):
            self._style_weights.copy_(wanted)
            self._fill_tables()

    @torch.no_grad()
    def _fill_tables(self) -> None:
        """Fills the tables in place, since a captured graph reads them where they are."""
        small, linear = self._small, self._linear
        ids = self._norm("token_norm", small["token_emb.weight"][:NUM_EVENT_IDS])
        self._token_k.copy_(self._split(linear["encode_attn.k_proj"](ids)))
        self._token_v.copy_(self._split(linear["encode_attn.v_proj"](ids)))
        memory = self._norm("chord_memory_norm", small["token_emb.weight"][NO_CHORD : NO_CHORD + 1 + NUM_CHORDS])
        for i, name in enumerate(self._layers):
            self._chord_k[i].copy_(self._split(linear[f"{name}.chord_attn.k_proj"](memory)))
            values = linear[f"{name}.chord_attn.v_proj"](memory)
            self._chord_v[i].copy_(self._split(values))
            # Without chords the memory is NO_CHORD alone, so attention returns its value whatever the query.
            self._no_chord[i].copy_(linear[f"{name}.chord_attn.out_proj"](values[:1]))

    def _run(self) -> None:
        if not self._on_gpu:
            self._forward()
            return
        if self._graph is None or self._captured_at != self._changes[0]:
            # Computing a token twice writes the same values, so it can run to warm up, then be captured and replayed.
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(2):
                    self._forward()
            torch.cuda.current_stream().wait_stream(stream)
            self._graph, self._captured_at = torch.cuda.CUDAGraph(), self._changes[0]
            with torch.cuda.graph(self._graph):
                self._forward()
        self._graph.replay()

    def _forward(self) -> None:
        """Computes self._logits of self._inputs, through the caches. Nothing here may depend on a value on the host."""
        small, linear = self._small, self._linear
        token, beat, bar, id_slot, slot, seen, in_view = self._inputs[:7].view(7, 1)  # (1,) each
        query = small["token_emb.weight"][token] + small["beat_emb.weight"][beat] + small["bar_emb.weight"][bar]
        query = query + self._sounding_now @ small["sounding_emb.weight"]  # (1, d), both streams' so far
        if self._controls.names:
            query = query + self._shares @ small["control_emb.weight"]

        self._id_ring.index_copy_(0, id_slot, token)
        ids = self._id_ring[(id_slot - self._id_ago) % len(self._id_ring)]  # (context,), the newest first
        q = self._query("encode_attn", self._norm("encode_norm", query))  # (1, H, 1, D)
        scores = (q @ self._token_k.mT)[..., ids] + (q @ small["encode_attn.relative"])[..., self._id_row]
        mixed = scores.masked_fill(self._id_ago >= seen, -torch.inf).softmax(-1) @ self._token_v[:, ids]
        x = (query + self._merge("encode_attn", mixed)).repeat(STREAMS, 1)  # (S, d)

        chords, rows = self._inputs[7:].view(2, IN_VIEW)
        for i, name in enumerate(self._layers):
            h = self._norm(f"{name}.self_norm", x)
            x = x + self._band_attention(i, f"{name}.self_attn", h, h, slot, seen)
            attn = f"{name}.chord_attn"
            q = self._query(attn, self._norm(f"{name}.chord_norm", x[:1]))
            scores = q @ self._chord_k[i][:, chords].mT + (q @ small[f"{attn}.relative"])[..., rows]
            mixed = scores.masked_fill(self._in_view >= in_view, -torch.inf).softmax(-1) @ self._chord_v[i][:, chords]
            x = x + torch.cat([self._merge(attn, mixed), self._no_chord[i]])
            hidden = linear[f"{name}.ff.up_proj"](self._norm(f"{name}.ff_norm", x)).relu()
            x = x + linear[f"{name}.ff.down_proj"](hidden * hidden)

        h, latent = self._norm("decode_norm", query), self._norm("latent_norm", x)
        y = query + self._band_attention(len(self._layers), "decode_attn", h.expand_as(latent), latent, slot, seen)
        self._logits.copy_(self._head(self._norm("out_norm", y)))

    def _band_attention(self, layer: int, name: str, x: Tensor, latent: Tensor, slot: Tensor, seen: Tensor) -> Tensor:
        """Attends from (S, d) queries to the band of latents, the new one among them; returns (S, d)."""
        for cache, projection in ((self._k, "k_proj"), (self._v, "v_proj")):
            rows = self._linear[f"{name}.{projection}"](latent)
            cache[layer].index_copy_(2, slot, rows.view(STREAMS, self._heads, 1, -1))
        at = (slot - self._band_ago) % self._latents  # the newest first
        keys, values = self._k[layer].index_select(2, at), self._v[layer].index_select(2, at)  # (S, H, W, D)
        q = self._query(name, x)
        scores = q @ keys.mT + (q @ self._small[f"{name}.relative"])[..., self._band_row]
        return self._merge(name, scores.masked_fill(self._band_ago >= seen, -torch.inf).softmax(-1) @ values)

    def _query(self, name: str, x: Tensor) -> Tensor:
        """(n, d) -> (n, H, 1, D), scaled."""
        q = self._linear[f"{name}.q_proj"](x).view(len(x), self._heads, 1, -1)
        scaled: Tensor = q * q.shape[-1] ** -0.5
        return scaled

    def _merge(self, name: str, x: Tensor) -> Tensor:
        """(n, H, 1, D) -> (n, d)."""
        return self._linear[f"{name}.out_proj"](x.reshape(len(x), -1))

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._small[f"{name}.weight"], self._small[f"{name}.bias"])

    def _split(self, x: Tensor) -> Tensor:
        """(n, d) -> (H, n, D)."""
        return x.view(len(x), self._heads, -1).transpose(0, 1)

    def _zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, device=self._device)


def _copy_ring(mine: Tensor, theirs: Tensor, axis: int, count: int) -> None:
    """Copies the latest of `count` entries from one ring along an axis to another, as many as both have room for."""
    size, other = mine.shape[axis], theirs.shape[axis]
    at = torch.arange(max(0, count - min(size, other)), count, device=mine.device)
    mine.index_copy_(axis, at % size, theirs.index_select(axis, at % other))
