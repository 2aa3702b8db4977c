"""Styles with random matrices for tests: a base of a few weights, and adapters that can be heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from engine.model.config import Config, ModelConfig, QloraConfig
from engine.model.shapes import parameter_shapes
from engine.styles.style import Style

CONFIG = Config(
    model=ModelConfig(
        latent_dim=64, latent_len=12, num_layers=2, num_heads=4, ff_dim=64, dropout=0.0,
        max_seq_len=40, max_relative_distance=20,
    )
)  # fmt: skip


def write_base(folder: Path, seed: int = 0, bits: int = 4) -> Checkpoint:
    """Writes a checkpoint folder whose weights are large enough for every term to matter."""
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(1.0 if name.endswith("norm.weight") else 0.0, 0.15, shape).astype(np.float32)
        for name, shape in parameter_shapes(CONFIG.model).items()
    }
    save_checkpoint(folder, CONFIG, weights, "# test\n", bits)
    return load_checkpoint(folder)


def random_style(base: Checkpoint, name: str = "stride", seed: int = 0, rank: int = 4, size: float = 0.3) -> Style:
    """Makes an adapter on all four projections of every attention; float16 holds its numbers exactly."""
    rng = np.random.default_rng(seed)

    def matrix(rows: int, columns: int) -> np.ndarray:
        return rng.normal(0, size, (rows, columns)).astype(np.float16).astype(np.float32)

    targets = QloraConfig.target_modules
    tensors = {
        parameter.removesuffix(".weight"): (matrix(rank, shape[1]), matrix(shape[0], rank))
        for parameter, shape in parameter_shapes(base.model).items()
        if parameter.endswith(tuple(f".{target}.weight" for target in targets))
    }
    return Style(name, base.sha256, rank, 2.0 * rank, targets, tensors, {"sources": [{"licence": "MIT"}]})
