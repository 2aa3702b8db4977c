"""Small networks with random weights for tests: large enough to use every part, small enough to be instant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from engine.checkpoint import Checkpoint
from engine.config import Config, ModelConfig
from engine.model.perceiver import Inputs, PerceiverMusicTransformer

CONFIG = ModelConfig(
    latent_dim=32, latent_len=12, num_layers=2, num_heads=4, ff_dim=64, dropout=0.0,
    max_seq_len=40, max_relative_distance=20,
)  # fmt: skip


def make_model(seed: int = 0, config: ModelConfig = CONFIG) -> PerceiverMusicTransformer:
    """A network whose every term matters: weights much larger than a fresh one's."""
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


def random_inputs(rng: np.random.Generator, length: int, chords: int = 9, ahead: int = 8) -> Inputs:
    """One window with everything in it."""
    return Inputs(
        tokens=torch.from_numpy(rng.integers(0, 388, (1, length))),
        beat=torch.from_numpy(rng.integers(0, 25, (1, length))),
        bar=torch.from_numpy(rng.integers(0, 9, (1, length))),
        chords=torch.from_numpy(rng.integers(400, 689, (1, chords))),
        chord_now=torch.from_numpy(np.sort(rng.integers(0, chords, (1, length)))),
        chords_ahead=torch.tensor([ahead]),
        num_chords=torch.tensor([chords]),
    )
