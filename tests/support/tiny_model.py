"""Small networks with random weights for tests: large enough to use every part, small enough to be instant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from engine.model.checkpoint import Checkpoint
from engine.model.config import Config, ModelConfig
from engine.model.controls import Control
from engine.model.perceiver import Inputs, PerceiverMusicTransformer

CONFIG = ModelConfig(
    latent_dim=32, latent_len=12, num_layers=2, num_heads=4, ff_dim=64, dropout=0.0,
    max_seq_len=40, max_relative_distance=20,
)  # fmt: skip
CONTROLLED = replace(
    CONFIG,
    controls=(
        Control("role", labels=("solo", "comping", "accompany")),
        Control("density", edges=(1.0, 3.0, 6.0)),
        Control("tempo", edges=(70.0, 100.0, 140.0)),
        Control("ending", edges=(0.5, 1.0, 2.0)),
        Control("phrase", labels=("1", "2", "3", "4")),
    ),
)
"""The same with something to ask for; tempo, ending and phrase are those that a stream tells by itself."""


def make_model(seed: int = 0, config: ModelConfig = CONFIG) -> PerceiverMusicTransformer:
    """Makes a network whose every term matters: its weights are much larger than a fresh one's."""
    torch.manual_seed(seed)
    model = PerceiverMusicTransformer(config).eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
        else:
            torch.nn.init.normal_(parameter, mean=1.0 if parameter[0] == 1 else 0.0, std=0.1)
    return model


def make_checkpoint(model: PerceiverMusicTransformer) -> Checkpoint:
    weights = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    return Checkpoint(Path("memory"), Config(model=model.config), weights, "0" * 64)


def random_inputs(
    rng: np.random.Generator, length: int, chords: int = 9, ahead: int = 8, config: ModelConfig = CONFIG
) -> Inputs:
    """Makes one window with everything in it."""
    return Inputs(
        tokens=torch.from_numpy(rng.integers(0, 388, (1, length))),
        beat=torch.from_numpy(rng.integers(0, 25, (1, length))),
        bar=torch.from_numpy(rng.integers(0, 9, (1, length))),
        chords=torch.from_numpy(rng.integers(400, 689, (1, chords))),
        chord_now=torch.from_numpy(np.sort(rng.integers(0, chords, (1, length)))),
        chords_ahead=torch.tensor([ahead]),
        num_chords=torch.tensor([chords]),
        levels=None if not config.controls else torch.from_numpy(random_levels(rng, length, config))[None],
    )


def random_levels(rng: np.random.Generator, length: int, config: ModelConfig) -> np.ndarray:
    """(length, K) float32: a third unknown, labels whole, measured ones anywhere between two levels."""
    columns = []
    for control in config.controls:
        asked = rng.uniform(0, control.levels - 1, length) if control.edges else rng.integers(0, control.levels, length)
        columns.append(np.where(rng.random(length) < 1 / 3, -1, asked))
    return np.stack(columns, axis=-1).astype(np.float32)
