"""Other ways to compute the same network a token at a time, each one stream without guidance, for bench_decode.

The torch network here is ours in its plainest streaming form (eager, caches as tensors, tables for the encode keys and
values): in float32, with bitsandbytes' 4-bit layers under PEFT adapters, and compiled in bfloat16. GPT-2 and Llama are
Hugging Face's own, of the same width and depth, with its own loop.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.arrays import F64
from engine.model.config import ModelConfig

__all__ = ["generate_loop", "torch_stepper"]

CHORDS = 30


class _Attention(nn.Module):
    def __init__(self, dim: int, heads: int, distances: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.v_proj, self.out_proj = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.relative = nn.Parameter(torch.randn(heads, distances, dim // heads) * 0.02)

    def split(self, x: Tensor) -> Tensor:
        """(n, d) -> (H, n, D)."""
        return x.view(x.shape[0], self.heads, -1).transpose(0, 1)

    def attend(self, x: Tensor, k: Tensor, v: Tensor, rows: Tensor) -> Tensor:
        """(1, d) over (H, n, D) keys and values whose relative rows are given."""
        q = self.split(self.q_proj(x))
        bias = (q @ self.relative.transpose(-1, -2)).index_select(-1, rows) * q.shape[-1] ** -0.5
        mixed = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=bias[None])[0]
        return self.out_proj(mixed.transpose(0, 1).reshape(1, -1))


class _Block(nn.Module):
    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        dim, near = model.latent_dim, min(model.latent_len, model.max_relative_distance)
        self.self_norm, self.chord_norm, self.ff_norm = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.self_attn = _Attention(dim, model.num_heads, near)
        self.chord_attn = _Attention(dim, model.num_heads, 17)
        self.up_proj = nn.Linear(dim, model.ff_dim, bias=False)
        self.down_proj = nn.Linear(model.ff_dim, dim, bias=False)


class _Stream(nn.Module):
    """Every cache full: what a token costs in the long run."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        dim, band = model.latent_dim, model.latent_len
        self.model = model
        self.embedding = nn.Embedding(700, dim)
        self.encode_norm, self.decode_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.latent_norm, self.out_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.encode_attn = _Attention(dim, model.num_heads, model.max_relative_distance)
        self.decode_attn = _Attention(dim, model.num_heads, min(band, model.max_relative_distance))
        self.blocks = nn.ModuleList(_Block(model) for _ in range(model.num_layers))
        self.head = nn.Linear(dim, 400, bias=False)
        shape = (model.num_heads, band, dim // model.num_heads)
        self.k = [torch.randn(shape) for _ in range(model.num_layers + 1)]
        self.v = [torch.randn(shape) for _ in range(model.num_layers + 1)]
        chords = (model.num_heads, CHORDS, dim // model.num_heads)
        self.chord_kv = [(torch.randn(chords), torch.randn(chords)) for _ in range(model.num_layers)]
        table = (model.num_heads, 400, dim // model.num_heads)
        self.table = torch.randn(table), torch.randn(table)
        self.ids = torch.randint(0, 388, (model.max_seq_len,))
        far = min(band, model.max_relative_distance) - 1
        ago = torch.arange(band)
        self.band_rows = torch.stack([(at - ago).remainder(band).clamp(max=far) for at in range(band)])
        self.ago = torch.arange(model.max_seq_len)
        self.chord_rows = (torch.arange(CHORDS) - 12).clamp(0, 16)

    def band(self, layer: int, attn: _Attention, query: Tensor, latent: Tensor, at: Tensor) -> Tensor:
        self.k[layer].index_copy_(1, at, attn.split(attn.k_proj(latent)))
        self.v[layer].index_copy_(1, at, attn.split(attn.v_proj(latent)))
        return attn.attend(query, self.k[layer], self.v[layer], self.band_rows[at][0])

    def step(self, token: Tensor, position: Tensor) -> Tensor:
        """(1,), (1,) -> (1, 400). Tensors alone, so that it can be compiled."""
        query = self.embedding(token)
        self.ids.index_copy_(0, position.remainder(len(self.ids)), token)
        rows = (position - self.ago).remainder(len(self.ids)).clamp(max=self.model.max_relative_distance - 1)
        keys, values = (table[:, self.ids] for table in self.table)
        x = query + self.encode_attn.attend(self.encode_norm(query), keys, values, rows)
        at = position.remainder(self.model.latent_len)
        for layer, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            h = block.self_norm(x)
            x = x + self.band(layer, block.self_attn, h, h, at)
            x = x + block.chord_attn.attend(block.chord_norm(x), *self.chord_kv[layer], self.chord_rows)
            x = x + block.down_proj(block.up_proj(block.ff_norm(x)).relu().square())
        y = query + self.band(len(self.blocks), self.decode_attn, self.decode_norm(query), self.latent_norm(x), at)
        return self.head(self.out_norm(y))


def torch_stepper(model: ModelConfig, four_bit: bool = False, compiled: bool = False) -> Callable[[], object]:
    """A call that computes one token: float32 eager; bitsandbytes NF4 in bfloat16 with a PEFT adapter of rank 8; or
    torch.compile in bfloat16."""
    torch.manual_seed(0)
    stream = _Stream(model).eval()
    if four_bit:
        _to_four_bits(stream)
    elif compiled:
        _to_bfloat16(stream)
    step = torch.compile(stream.step, mode="max-autotune-no-cudagraphs", dynamic=False) if compiled else stream.step
    tokens = [torch.tensor([i]) for i in range(388)]
    count = iter(range(1 << 30))

    def call() -> object:
        position = next(count)
        with torch.no_grad():
            return step(tokens[position % 388], torch.tensor([position]))

    return call


def _to_four_bits(stream: _Stream) -> None:
    from bitsandbytes.nn.modules import Linear4bit
    from peft import LoraConfig, get_peft_model

    for parent in list(stream.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                layer = Linear4bit(
                    child.in_features, child.out_features, bias=False, compute_dtype=torch.bfloat16,
                    compress_statistics=False, quant_type="nf4",
                )  # fmt: skip
                layer.load_state_dict(child.state_dict())
                # Where a processor has bfloat16 units, bitsandbytes packs rows by 32 and asserts that blocks are whole.
                if child.out_features % 32:
                    layer.support_avx512bf16_for_cpu = False
                setattr(parent, name, layer.to("cpu"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        get_peft_model(
            stream, LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "out_proj"])
        )
    stream.eval()
    _to_bfloat16(stream)


def _to_bfloat16(stream: _Stream) -> None:
    for parameter in stream.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(torch.bfloat16)
    bfloat = torch.bfloat16
    stream.k, stream.v = [x.to(bfloat) for x in stream.k], [x.to(bfloat) for x in stream.v]
    stream.table = stream.table[0].to(bfloat), stream.table[1].to(bfloat)
    stream.chord_kv = [(k.to(bfloat), v.to(bfloat)) for k, v in stream.chord_kv]


class _Times:
    """A streamer that notes when each token came."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    def put(self, ids: object) -> None:
        self.rows.append((time.thread_time(), time.perf_counter()))

    def end(self) -> None:
        pass


def _network(kind: str, model: ModelConfig, positions: int) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    special: dict[str, Any] = {"bos_token_id": 389, "eos_token_id": None, "pad_token_id": 388, "vocab_size": 400}
    if kind == "gpt2":
        return GPT2LMHeadModel(GPT2Config(
            n_positions=positions, n_embd=model.latent_dim, n_layer=model.num_layers, n_head=model.num_heads,
            n_inner=model.ff_dim, **special,
        )).eval()  # fmt: skip
    return LlamaForCausalLM(LlamaConfig(
        max_position_embeddings=positions, hidden_size=model.latent_dim, num_hidden_layers=model.num_layers,
        num_attention_heads=model.num_heads, intermediate_size=model.ff_dim * 2 // 3,  # in three matrices, not two
        **special,
    )).eval()  # fmt: skip


def generate_loop(kind: str, model: ModelConfig) -> Callable[[float], F64]:
    """gpt2 or llama: `generate` with its cache and its sampling processors behind a prompt as long as our context.

    The call takes the seconds to spend, and returns (n, 2) CPU and wall milliseconds of n tokens; the prompt is extra.
    """
    context, most = model.max_seq_len - 64, 60
    network = _network(kind, model, context + most + 4)
    prompt = torch.randint(0, 388, (1, context))
    token_s = 0.01

    def run(budget_s: float) -> F64:
        nonlocal token_s
        times = _Times()
        with torch.no_grad():
            network.generate(
                prompt, attention_mask=torch.ones_like(prompt), do_sample=True, temperature=0.8, top_p=0.9, top_k=0,
                max_new_tokens=min(most, max(8, int(budget_s / token_s))), streamer=times,
            )  # fmt: skip
        rows = np.diff(np.array(times.rows), axis=0)[1:]  # without the prompt's own pass
        token_s = float(np.median(rows[:, 0]))
        return 1e3 * rows

    return run
