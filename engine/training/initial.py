"""Loads the weights that a new run starts from: another run's float32 state, or a checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from engine.errors import CheckpointError
from engine.model.checkpoint import load_checkpoint
from engine.model.controls import Control, ControlRows
from engine.model.perceiver import PerceiverMusicTransformer
from engine.model.shapes import OPTIONAL_PARAMETERS
from engine.training.state import STATE_FILE, part, read_state

__all__ = ["initialise"]

CONTROL_ROWS = "control_emb.weight"


def initialise(model: PerceiverMusicTransformer, *paths: Path) -> str:
    """Fills a model from a run folder, a state file, or a checkpoint folder, and says in words what it took.

    Of several it takes the mean of their weights; a path that is named twice counts twice. A run and the
    model that it began with can be better so than either (Wortsman et al. 2022).

    If the run of a checkpoint `CKPT` lies beside it as `CKPT.run`, the run is taken instead: its numbers are float32,
    the checkpoint's are rounded to NF4. Parameters that the model declares optional may be missing and start at zero.
    Where the model can be asked more labels than the other was, their rows start as that of "unknown".

    CheckpointError: nothing there can be read, or it belongs to another model.
    """
    said = list[str]()
    mean = {name: torch.zeros_like(value, dtype=torch.float64) for name, value in model.state_dict().items()}
    for path in paths:
        said.append(_fill(model, path))
        for name, value in model.state_dict().items():
            mean[name] += value.double() / len(paths)
    model.load_state_dict(mean)
    return " and ".join(said)


def _fill(model: PerceiverMusicTransformer, path: Path) -> str:
    parameters, controls, source = _read(path)
    expected = model.state_dict()
    if CONTROL_ROWS in parameters and controls != model.config.controls:
        rows, new = _control_rows(controls, model.config.controls, path)
        parameters = {**parameters, CONTROL_ROWS: parameters[CONTROL_ROWS][rows]}
        source += f"; {', '.join(new)} from unknown" if new else ""
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


def _control_rows(old: Sequence[Control], new: Sequence[Control], path: Path) -> tuple[list[int], list[str]]:
    """Returns for each row of new controls the row of the old ones that it starts from, and the labels that are new.

    CheckpointError: the controls differ by more than labels.
    """
    lie = ControlRows(old)
    first = dict(zip(lie.names, lie.first.tolist(), strict=True))
    before = {control.name: control for control in old}
    rows: list[int] = []
    added: list[str] = []
    for control in new:
        had = before.get(control.name)
        if had is None or had.edges != control.edges:
            raise CheckpointError(
                f"{path}: its control {control.name!r} is another one: start from a model that has it"
            )
        unknown = first[control.name] + had.levels
        if control.labels:
            known = {label: first[control.name] + n for n, label in enumerate(had.labels)}
            rows += [known.get(label, unknown) for label in control.labels]
            added += [f"{control.name} {label}" for label in control.labels if label not in known]
        else:
            rows += range(first[control.name], unknown)
        rows.append(unknown)
    return rows, added


def _read(path: Path) -> tuple[dict[str, Tensor], tuple[Control, ...], str]:
    """Returns parameters, the controls that their rows are of, and where they were."""
    here = Path(os.path.abspath(path))  # "." has no name
    beside = [here.with_name(f"{here.name}.run") / STATE_FILE] if here.name else []
    for state in (path, path / STATE_FILE, *beside):
        if state.is_file():
            facts, tensors, _ = read_state(state)
            averaged = part(tensors, "average")
            what = "float32, averaged," if averaged else "float32"
            where = f"{state}, {what} after {facts.done:,} updates"
            return averaged or part(tensors, "model"), facts.config.model.controls, where
    if not path.is_dir():
        raise CheckpointError(f"{path}: no such run or checkpoint: give a folder that `sideman train -o` wrote")
    checkpoint = load_checkpoint(path)
    weights = {name: torch.from_numpy(value) for name, value in checkpoint.weights.items()}
    return weights, checkpoint.model.controls, f"{path}, a checkpoint"
