"""Loads the weights that a new run starts from: another run's float32 state, or a checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from engine.errors import CheckpointError
from engine.model.checkpoint import load_checkpoint
from engine.model.shapes import OPTIONAL_PARAMETERS
from engine.training.state import STATE_FILE, part, read_state

__all__ = ["initialise"]


def initialise(model: nn.Module, path: Path) -> str:
    """Fills a model from a run folder, a state file, or a checkpoint folder, and says in words what it took.

    If the run of a checkpoint `CKPT` lies beside it as `CKPT.run`, the run is taken instead: its numbers are float32,
    the checkpoint's are rounded to NF4. Parameters that the model declares optional may be missing and start at zero.

    CheckpointError: nothing there can be read, or it belongs to another model.
    """
    parameters, source = _read(path)
    expected = model.state_dict()
    missing = [name for name in expected if name not in parameters]
    for name in missing:
        if name not in OPTIONAL_PARAMETERS:
            raise CheckpointError(f"{path}: lacks parameter {name}: start from a model of the same config")
    for name in sorted(parameters.keys() - expected.keys()):
        raise CheckpointError(f"{path}: has an unknown parameter {name}: start from a model of the same config")
    for name, value in parameters.items():
        if value.shape != expected[name].shape:
            shapes = f"{tuple(value.shape)}, but --config asks for {tuple(expected[name].shape)}"
            raise CheckpointError(f"{path}: {name} is {shapes}: start from a model of the same config")
    zeros = {name: torch.zeros_like(expected[name]) for name in missing}
    model.load_state_dict({**parameters, **zeros})
    return source + (f"; {', '.join(missing)} from zero" if missing else "")


def _read(path: Path) -> tuple[dict[str, Tensor], str]:
    for state in (path, path / STATE_FILE, path.with_name(f"{path.name}.run") / STATE_FILE):
        if state.is_file():
            facts, tensors, _ = read_state(state)
            averaged = part(tensors, "average")
            what = "float32, averaged," if averaged else "float32"
            return averaged or part(tensors, "model"), f"{state}, {what} after {facts.done:,} updates"
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such run or checkpoint: give a folder that `sideman train -o` wrote")
    weights = load_checkpoint(path).weights
    return {name: torch.from_numpy(value) for name, value in weights.items()}, f"{path}, a checkpoint"
