"""Sizes that every form of the network agrees on; no torch here, the decoder reads it too."""

from __future__ import annotations

import math

from engine.model.config import ModelConfig
from engine.model.controls import ControlRows
from engine.vocabulary import NUM_EVENT_IDS

__all__ = [
    "BAR_BINS", "BEAT_BINS", "CHORDS_AHEAD", "CHORDS_BACK", "CHORD_CLIP", "NUM_PITCHES", "OPTIONAL_PARAMETERS",
    "count_parameters", "is_matrix", "parameter_shapes",
]  # fmt: skip

BEAT_BINS = 24  # position in the beat; one more row is the null bin
BAR_BINS = 8  # beat of the bar, later beats share the last; one more row is the null bin
NUM_PITCHES = 128
CHORD_CLIP = 8  # relative chord indices beyond this share an embedding
CHORDS_BACK = 55  # chords before the sounding one that stay in memory ...
CHORDS_AHEAD = 8  # ... and after it: 64 in all

OPTIONAL_PARAMETERS = frozenset({"sounding_emb.weight", "control_emb.weight"})
"""Parameters that the oldest runs lack: zeros in their place leave the function as it was."""


def parameter_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every parameter by name, in the order of engine/model/perceiver (a test compares them)."""
    d, ff = config.latent_dim, config.ff_dim
    band = min(config.latent_len, config.max_relative_distance)
    shapes: dict[str, tuple[int, ...]] = {
        "token_emb.weight": (config.vocab_size, d),
        "beat_emb.weight": (BEAT_BINS + 1, d),
        "bar_emb.weight": (BAR_BINS + 1, d),
        "sounding_emb.weight": (NUM_PITCHES, d),
    }
    if config.controls:
        shapes["control_emb.weight"] = (ControlRows(config.controls).count, d)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (d,)

    def attention(name: str, distances: int) -> None:
        shapes[f"{name}.relative"] = (distances, d)
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{name}.{projection}.weight"] = (d, d)

    norm("encode_norm")
    norm("token_norm")
    attention("encode_attn", config.max_relative_distance)
    norm("chord_memory_norm")
    for i in range(config.num_layers):
        norm(f"blocks.{i}.self_norm")
        attention(f"blocks.{i}.self_attn", band)
        norm(f"blocks.{i}.chord_norm")
        attention(f"blocks.{i}.chord_attn", 2 * CHORD_CLIP + 1)
        norm(f"blocks.{i}.ff_norm")
        shapes[f"blocks.{i}.ff.up_proj.weight"] = (ff, d)
        shapes[f"blocks.{i}.ff.down_proj.weight"] = (d, ff)
    norm("decode_norm")
    norm("latent_norm")
    attention("decode_attn", band)
    norm("out_norm")
    shapes["head.weight"] = (NUM_EVENT_IDS, d)
    return shapes


def count_parameters(config: ModelConfig) -> int:
    """Returns how many numbers the network learns."""
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def is_matrix(name: str) -> bool:
    """Whether a parameter is a linear layer's weight, which NF4 holds."""
    return name.endswith("_proj.weight") or name == "head.weight"
