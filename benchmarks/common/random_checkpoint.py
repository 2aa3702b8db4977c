"""Networks of random weights, for measuring: they cost what trained ones do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.model import nf4
from engine.model.checkpoint import Checkpoint
from engine.model.config import Config, ModelConfig
from engine.model.config_file import load_config
from engine.model.shapes import is_matrix, parameter_shapes

__all__ = ["SIZES", "chord_view", "model_config", "random_checkpoint", "random_style"]

SMALL = ModelConfig(latent_dim=256, num_layers=6, num_heads=4, ff_dim=1024)
SIZES = ("tiny", "256x6", "medium", "256m")


def model_config(name: str) -> ModelConfig:
    return SMALL if name == "256x6" else load_config(name).model


def random_checkpoint(name: str, dequantised: bool = False) -> Checkpoint:
    """Makes a checkpoint as a file holds it; `dequantised` adds the float32 weights that the numpy decoder reads."""
    model, rng = model_config(name), np.random.default_rng(0)
    stored: dict[str, np.ndarray] = {}
    weights: dict[str, np.ndarray] = {}
    for tensor, shape in parameter_shapes(model).items():
        if is_matrix(tensor):
            rows, columns = shape
            stored[tensor] = rng.integers(0, 256, (rows, columns // 2), dtype=np.uint8)
            stored[f"{tensor}.absmax"] = rng.uniform(0.02, 0.05, (rows, columns // nf4.BLOCK)).astype(np.float32)
            if dequantised:
                weights[tensor] = nf4.dequantise(stored[tensor], stored[f"{tensor}.absmax"])
        else:
            kind = np.float16 if len(shape) == 2 else np.float32
            value = rng.normal(0, 0.1, shape) if len(shape) == 2 else np.full(shape, tensor.endswith("weight"))
            stored[tensor] = value.astype(kind)
            if dequantised:
                weights[tensor] = stored[tensor].astype(np.float32)
    return Checkpoint(Path("memory"), Config(model=model), weights, "0" * 64, stored)


def random_style(model: ModelConfig, rank: int = 8) -> dict[str, tuple[np.ndarray, np.ndarray, float]]:
    """Makes an adapter on the four projections of every attention."""
    rng, dim = np.random.default_rng(1), model.latent_dim
    attentions = ["encode_attn", "decode_attn"]
    attentions += [f"blocks.{i}.{kind}" for i in range(model.num_layers) for kind in ("self_attn", "chord_attn")]
    return {
        f"{attention}.{projection}": (
            rng.normal(0, 0.02, (rank, dim)).astype(np.float32),
            rng.normal(0, 0.02, (dim, rank)).astype(np.float32),
            2.0,
        )
        for attention in attentions
        for projection in ("q_proj", "k_proj", "v_proj", "out_proj")
    }  # fmt: skip


def chord_view() -> tuple[np.ndarray, np.ndarray]:
    """Returns ids and rows of thirty chords in view, two thirds of them past."""
    return np.arange(401, 431), np.clip(np.arange(30) - 20, -8, 8) + 8
