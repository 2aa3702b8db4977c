"""Checkpoints: a folder with config.yaml, model.safetensors and card.md. No pickle, neither read nor written.

Matrices of linear layers are NF4 (`NAME` uint8 codes, `NAME.absmax` float32), embeddings float16, norms float32.
A checkpoint saved with `bits=32` holds float32 throughout: what training continues from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from engine.atomic import atomic_write, check_folder
from engine.errors import CheckpointError, ConfigError
from engine.model import nf4
from engine.model.config import Config, ModelConfig
from engine.model.config_file import load_config, to_yaml
from engine.model.shapes import count_parameters, is_matrix, parameter_shapes
from engine.model.stored_weights import ABSMAX, StoredWeights

__all__ = [
    "CHECKPOINT_FILES", "SHIPPED", "Checkpoint", "Weights", "check_new", "checkpoint_folder", "load_checkpoint",
    "nf4_matrices", "save_checkpoint",
]  # fmt: skip

Weights = Mapping[str, npt.NDArray[np.float32]]
"""Parameter name (as in engine/model) -> float32 array."""

CONFIG_FILE, WEIGHTS_FILE, CARD_FILE = "config.yaml", "model.safetensors", "card.md"
SHIPPED = ("base", "small")
"""The bases in the package: the one that plays unless another is asked for, and one of a seventh of its size."""
CHECKPOINT_FILES = (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE)
MAX_CONFIG_BYTES = 65_536
MAX_SIZES = {"num_layers": 256, "latent_dim": 16_384, "ff_dim": 65_536, "latent_len": 16_384, "max_seq_len": 1 << 20}


@dataclass(frozen=True)
class Checkpoint:
    """A base in memory."""

    path: Path
    config: Config
    weights: Weights = field(repr=False)  # as numbers; of one that was loaded, made at every look
    sha256: str  # of model.safetensors: styles name their base by it
    stored: dict[str, npt.NDArray[Any]] = field(repr=False, default_factory=dict)  # as in the file; may be empty

    @property
    def model(self) -> ModelConfig:
        return self.config.model


def checkpoint_folder(path: str | Path | None = None) -> Path:
    """Returns the folder of a shipped base by its name, unless a folder of that name exists; None: the base."""
    text = SHIPPED[0] if path is None else str(path)
    if text in SHIPPED and (path is None or not Path(text).is_dir()):
        return Path(__file__).parents[1] / "pretrained" / text
    return Path(text)


def load_checkpoint(path: str | Path | None = None) -> Checkpoint:
    """Loads the checkpoint in a folder (see checkpoint_folder). CheckpointError: missing, incomplete or broken."""
    folder = checkpoint_folder(path)
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder}: no {name}: give a folder that `sideman train -o` wrote, or one of {', '.join(SHIPPED)}"
            )
    try:
        if (folder / CONFIG_FILE).stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError(f"{folder / CONFIG_FILE}: it is too long: copy the checkpoint again")
        config = load_config(folder / CONFIG_FILE)
    except (ConfigError, OSError) as error:
        raise CheckpointError(str(error)) from None
    path = folder / WEIGHTS_FILE
    _check_sizes(config.model, path)
    try:
        raw = path.read_bytes()
        stored = load(raw)
        weights = StoredWeights(stored)
    # safetensors names a number format that numpy lacks by a KeyError or an AttributeError
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{path}: not weights that can be read ({error}): copy the checkpoint again") from None
    expected = parameter_shapes(config.model)
    for name in expected.keys() ^ weights.keys():
        what = "no tensor" if name in expected else "an unknown tensor"
        raise CheckpointError(f"{path}: has {what} {name}: it does not belong to the config.yaml beside it")
    for name, shape in expected.items():
        if weights.shape(name) != shape:
            raise CheckpointError(f"{path}: {name} is {weights.shape(name)}, but config.yaml asks for {shape}")
        if not weights.holds_numbers(name):
            raise CheckpointError(f"{path}: {name} holds numbers that are no weights: copy the checkpoint again")
    ordered = {part: stored[part] for name in expected for part in (name, name + ABSMAX) if part in stored}
    return Checkpoint(folder, config, StoredWeights(ordered), hashlib.sha256(raw).hexdigest(), ordered)


def check_new(path: str | Path) -> None:
    """SidemanError unless a checkpoint can be written at `path` that replaces none: a base may be weeks of work."""
    check_folder(path, CHECKPOINT_FILES)
    if any((Path(path) / name).exists() for name in (CONFIG_FILE, WEIGHTS_FILE)):
        raise CheckpointError(f"{path}: is a checkpoint already: give another -o, or remove it first")


def save_checkpoint(path: str | Path, config: Config, weights: Weights, card: str, bits: int = 4) -> None:
    """Writes the folder beside `path`, then renames: an interrupted save leaves the old checkpoint whole.

    SidemanError: it cannot be written, `path` holds something other than a checkpoint, which would be lost, or a number
    is one that load_checkpoint refuses.
    """
    assert bits in (4, 32)
    check_folder(path, CHECKPOINT_FILES)
    tensors: dict[str, npt.NDArray[np.generic]] = {}
    for name, value in weights.items():
        if not StoredWeights({name: value}).holds_numbers(name):
            raise CheckpointError(f"{path}: {name} would hold numbers that are no weights: train at a lower rate")
        if bits == 4 and is_matrix(name):
            tensors[name], tensors[name + ABSMAX] = nf4.quantise(value)
        elif bits == 4 and value.ndim == 2:
            tensors[name] = value.astype(np.float16)
        else:
            tensors[name] = value.astype(np.float32)
    with atomic_write(path) as folder:
        folder.mkdir()
        (folder / CONFIG_FILE).write_text(to_yaml(config), encoding="utf-8")
        (folder / CARD_FILE).write_text(card, encoding="utf-8")
        save_file(tensors, folder / WEIGHTS_FILE)
        (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors makes it private


def nf4_matrices(checkpoint: Checkpoint) -> dict[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
    """Returns NF4 codes (out, in / 2) and scales (out, in / 64) of every linear layer, as the checkpoint stores them.

    What it stores in float32 is quantised here.
    """
    stored = checkpoint.stored
    return {
        name: (stored[name], stored[name + ABSMAX])
        if name + ABSMAX in stored
        else nf4.quantise(checkpoint.weights[name])
        for name in checkpoint.weights
        if is_matrix(name)
    }


def _check_sizes(model: ModelConfig, path: Path) -> None:
    """Raises CheckpointError for sizes that would fill the memory before anything else could be found wrong."""
    for key, largest in MAX_SIZES.items():
        if getattr(model, key) > largest:
            raise CheckpointError(f"{path.parent}: model.{key} {getattr(model, key)}: no base has more than {largest}")
    most = 4 * count_parameters(model) + (1 << 20)  # float32, and the names
    if path.stat().st_size > most:
        raise CheckpointError(f"{path}: is larger than {most:,} bytes, too large for its config.yaml: copy it again")
