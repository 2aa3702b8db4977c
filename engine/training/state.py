"""The state of a run in one safetensors file: parameters, optimisers, and the facts that say whose they are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.atomic import atomic_write
from engine.errors import CheckpointError, ConfigError
from engine.model.config import Config
from engine.model.config_file import parse_config, to_yaml

__all__ = ["STATE_FILE", "RunFacts", "load_state", "part", "read_state", "save_state"]

STATE_FILE = "state.safetensors"


@dataclass(frozen=True)
class RunFacts:
    """The facts that define a run. Where all are equal but `steps`, `done` and `lowest`, runs draw the same batches."""

    config: Config
    seed: int
    steps: int  # updates planned
    done: int  # updates made
    weights: Mapping[str, float]  # collection -> factor of its share of the windows
    tokens: int | None  # of the training side; None: not known
    processes: int
    data_sha256: str | None = None  # of the training side's shard; None: not known
    lowest: float | None = None  # held-out loss so far, nats a token; None: not known

    def to_json(self) -> str:
        return json.dumps({**vars(self), "config": to_yaml(self.config)})

    @classmethod
    def from_json(cls, text: str) -> RunFacts:
        """Reads facts; older files lack the last five. KeyError, TypeError, ValueError, ConfigError: not facts."""
        facts = json.loads(text)
        tokens, data_sha256, lowest = (facts.get(key) for key in ("tokens", "data_sha256", "lowest"))
        return cls(
            config=parse_config(facts["config"], "its config"),
            seed=int(facts["seed"]),
            steps=int(facts["steps"]),
            done=int(facts["done"]),
            weights={str(name): float(weight) for name, weight in facts.get("weights", {}).items()},
            tokens=None if tokens is None else int(tokens),
            processes=int(facts.get("processes", 1)),
            data_sha256=None if data_sha256 is None else str(data_sha256),
            lowest=None if lowest is None else float(lowest),
        )


def save_state(
    path: Path,
    facts: RunFacts,
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    average: Mapping[str, Tensor] | None = None,
    scaler: Any = None,
) -> None:
    """Writes the file whole or not at all. average: of the parameters; scaler: the GradScaler of an fp16 run.

    ConfigError: a number is not finite, which load_state would refuse.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in (average or {}).items()}
    for number, optimiser in enumerate(optimisers):
        for index, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimiser.{number}.{index}.{key}"] = torch.as_tensor(value)
    broken = _not_finite(tensors)
    if broken:
        raise ConfigError(f"{broken} is not finite after {facts.done} updates: lower training.learning_rate")
    metadata = {"run": facts.to_json()}
    if scaler is not None:
        metadata["scaler"] = json.dumps(scaler.state_dict())
    with atomic_write(path) as beside:
        save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, beside, metadata=metadata)


def read_state(path: Path) -> tuple[RunFacts, dict[str, Tensor], dict[str, str]]:
    """Reads facts, tensors and metadata. CheckpointError: the file is missing, broken, or holds infinite numbers."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        facts = RunFacts.from_json(metadata["run"])
        tensors = load_file(path)
        if facts.done < 0 or facts.steps < 1:
            raise ValueError(f"update {facts.done} of {facts.steps}")
        broken = _not_finite(tensors)
        if broken:
            raise ValueError(f"{broken} holds numbers that are not finite")
    except (SafetensorError, OSError, AttributeError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}): delete it to start over") from None
    return facts, tensors, metadata


def load_state(
    path: Path, facts: RunFacts, model: nn.Module, optimisers: list[torch.optim.Optimizer], scaler: Any = None
) -> tuple[RunFacts, dict[str, Tensor] | None]:
    """Fills model, optimisers and scaler from a file of the same run; returns its facts and the average.

    CheckpointError: the file is broken, or its run differs from `facts` in more than its length.
    """
    then, tensors, metadata = read_state(path)
    difference = next(_differences(then, facts), None)
    if difference is not None:
        raise CheckpointError(f"{path}: this run had {difference}: give the same, or another -o")
    expected = model.state_dict()
    parameters, average = part(tensors, "model"), part(tensors, "average")
    for found in (parameters, average) if average else (parameters,):
        _check_parameters(path, found, expected)
    states = [_optimiser_state(path, number, optimiser, tensors) for number, optimiser in enumerate(optimisers)]
    # Nothing is changed before all of it has proved right. What stays is copied off the mapped file: while it is
    # mapped, Windows lets nobody replace it.
    model.load_state_dict(parameters)
    for optimiser, state in zip(optimisers, states, strict=True):
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    if scaler is not None and "scaler" in metadata:
        scaler.load_state_dict(json.loads(metadata["scaler"]))
    on_device = {name: value.to(expected[name].device, copy=True) for name, value in average.items()}
    return then, on_device or None


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Returns the tensors called NAME.*, without that prefix."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _not_finite(tensors: Mapping[str, Tensor]) -> str:
    """The first tensor that holds a number that is not finite; empty where none does."""
    return next((name for name, value in tensors.items() if not torch.isfinite(value).all()), "")


def _check_parameters(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    for name in expected.keys() ^ found.keys():
        what = "lacks" if name in expected else "has an unknown"
        raise CheckpointError(f"{path}: {what} parameter {name}: start a new run from it with --init {path.parent}")
    for name, value in expected.items():
        if found[name].shape != value.shape:
            shapes = f"{tuple(found[name].shape)}, not {tuple(value.shape)}"
            raise CheckpointError(f"{path}: {name} is {shapes}: delete it to start over")


def _optimiser_state(
    path: Path, number: int, optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]
) -> dict[int, dict[str, Tensor]]:
    """Returns an optimiser's state by index of its parameter. CheckpointError: it does not fit the parameters."""
    shapes = [parameter.shape for group in optimiser.param_groups for parameter in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for name, value in part(tensors, f"optimiser.{number}").items():
        index, _, key = name.partition(".")
        fits = index.isdecimal() and int(index) < len(shapes) and value.shape in (shapes[int(index)], ())
        if not fits:
            text = f"optimiser.{number}.{name} fits no parameter of this model"
            raise CheckpointError(f"{path}: {text}: delete it to start over")
        states.setdefault(int(index), {})[key] = value.clone()
    return states


def _differences(then: RunFacts, now: RunFacts) -> Iterator[str]:
    """Returns in words what of a run is not as it was; its length may change."""
    before, after = asdict(then.config), asdict(now.config)
    for section, values in before.items():
        for key, value in values.items():
            if (section, key) != ("training", "epochs") and value != after[section][key]:
                yield f"{section}.{key} {value}, not {after[section][key]}"
    if then.seed != now.seed:
        yield f"seed {then.seed}, not {now.seed}"
    if dict(then.weights) != dict(now.weights):
        yield f"the weights {_listed(then.weights)}, not {_listed(now.weights)}"
    if then.tokens is not None and now.tokens is not None and then.tokens != now.tokens:
        yield f"data of {then.tokens:,} tokens, not {now.tokens:,}"
    if None not in (then.data_sha256, now.data_sha256) and then.data_sha256 != now.data_sha256:
        yield "data with other content on their training side"
    if then.processes != now.processes:
        yield f"{then.processes} processes, not {now.processes}"


def _listed(weights: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={weight:g}" for name, weight in weights.items()) or "1 for all"
