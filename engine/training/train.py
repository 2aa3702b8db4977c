"""Trains a base from scratch: Muon on the matrices, AdamW on the rest, warm-up then cosine to a tenth, exact resume."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from engine.atomic import atomic_write, check_folder
from engine.checkpoint import CHECKPOINT_FILES, Weights, save_checkpoint
from engine.config import Config, load_config, to_yaml
from engine.data.shards import load_shard
from engine.data.windows import WindowSampler
from engine.errors import CheckpointError, ConfigError, DataError, SidemanError
from engine.model.perceiver import PerceiverMusicTransformer
from engine.nf4 import BLOCK
from engine.training.card import model_card, read_sources
from engine.training.evaluate import evaluate
from engine.training.muon import Muon
from engine.vocabulary import PAD

__all__ = ["STATE_FILE", "Trainer", "train"]

STATE_FILE = "state.safetensors"  # everything a run needs to go on: parameters, optimisers, step
LOSSES_FILE = "losses.jsonl"
SAVE_EVERY_S = 300.0
VALID_WINDOWS = 96  # a fixed, evenly spread sample of the held-out side while training


@dataclass(frozen=True)
class Progress:
    """One line of news from a run."""

    step: int
    steps: int
    loss: float  # mean nats a token since the last line
    tokens_per_s: float
    left_s: float
    valid: float | None  # held-out nats a token, when just measured

    def __str__(self) -> str:
        text = f"step {self.step}/{self.steps}  loss {self.loss:.3f}  {self.tokens_per_s:,.0f} tokens/s"
        if self.valid is not None:
            text += f"  held-out {self.valid:.3f}"
        return f"{text}  {self.left_s / 60:.0f} min left"


class Trainer:
    """Model, optimisers and schedule; one call of `step` is one update."""

    def __init__(self, config: Config, steps: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.config, self.steps, self.seed, self.done = config, steps, seed, 0
        self.model = PerceiverMusicTransformer(config.model)
        # Muon is for matrices that map activations to activations: not embeddings, relative terms, norms or the head.
        matrices = {n: p for n, p in self.model.named_parameters() if n.endswith("_proj.weight")}
        others = [p for n, p in self.model.named_parameters() if n not in matrices]
        rate = config.training.learning_rate
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices.values(), lr=rate, weight_decay=0.05),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine down to a tenth."""
        peak, warmup = self.config.training.learning_rate, self.config.training.warmup_steps
        if self.done < warmup:
            return peak * (self.done + 1) / warmup
        through = min(1.0, (self.done - warmup) / max(1, self.steps - warmup))
        return peak * (0.1 + 0.45 * (1 + math.cos(math.pi * through)))

    def step(self, sampler: WindowSampler) -> float:
        """One update; returns its loss in nats a token."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate()
            optimiser.zero_grad(set_to_none=True)
        accumulation = self.config.training.gradient_accumulation
        # Dropout, too, depends on the seed and the update alone: a resumed run drops what it would have dropped.
        torch.manual_seed(self.seed * 1_000_003 + self.done)
        total = 0.0
        for part in range(accumulation):
            inputs, targets = sampler.batch(self.done * accumulation + part)
            with torch.autocast("cpu", torch.bfloat16, enabled=self.config.training.mixed_precision == "bf16"):
                logits = self.model(inputs)
            loss = F.cross_entropy(logits.float().transpose(1, 2), targets, ignore_index=PAD) / accumulation
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimiser in self.optimisers:
            optimiser.step()
        self.done += 1
        return total

    def weights(self) -> Weights:
        return {name: value.detach().cpu().numpy().copy() for name, value in self.model.state_dict().items()}

    def save(self, path: Path) -> None:
        """Everything, in one safetensors file (no pickle)."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, optimiser in enumerate(self.optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"optimiser.{number}.{index}.{key}"] = torch.as_tensor(value)
        facts = {"done": self.done, "steps": self.steps, "seed": self.seed, "config": to_yaml(self.config)}
        with atomic_write(path) as beside:
            save_file({k: v.contiguous() for k, v in tensors.items()}, beside, metadata={"run": json.dumps(facts)})

    def load(self, path: Path) -> None:
        """Goes on where save() left off. CheckpointError if the run was another one."""
        try:
            with safe_open(path, framework="pt") as file:
                facts = json.loads(file.metadata()["run"])
            tensors = load_file(path)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: cannot be read ({error}): delete it to start over") from None
        if facts["config"] != to_yaml(self.config) or facts["steps"] != self.steps or facts["seed"] != self.seed:
            raise CheckpointError(f"{path}: this run had another config, length or seed: give the same, or another -o")
        self.model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
        for number, optimiser in enumerate(self.optimisers):
            prefix = f"optimiser.{number}."
            state: dict[int, dict[str, torch.Tensor]] = {}
            for name, value in tensors.items():
                if name.startswith(prefix):
                    index, key = name.removeprefix(prefix).split(".", 1)
                    state.setdefault(int(index), {})[key] = value
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        self.done = int(facts["done"])


def train(
    config_name: str,
    data: Path,
    out: Path,
    *,
    seed: int = 0,
    resume: bool = False,
    run_dir: Path | None = None,
    max_minutes: float | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
) -> tuple[int, int]:
    """Trains `config_name` on a prepared folder and writes the NF4 checkpoint `out`. Returns updates done and planned.

    run_dir (default: `OUT.run` beside it) gets the full state every five minutes, for `resume`. max_minutes stops
    early; the run can then go on. A run that was killed goes on from its last state as if nothing had happened.
    SidemanError (DataError, ConfigError, CheckpointError) on bad input or when the loss is no number any more.
    """
    config = load_config(config_name)
    for key in ("latent_dim", "ff_dim"):
        if getattr(config.model, key) % BLOCK:
            raise ConfigError(f"model.{key} {getattr(config.model, key)}: must be a multiple of {BLOCK} to fit NF4")
    train_shard, valid_shard = load_shard(data / "train.safetensors"), load_shard(data / "valid.safetensors")
    if not valid_shard.pieces:
        raise DataError(f"{data}: the held-out side is empty: prepare with a larger share for it, or more files")
    sources = read_sources(data)
    out = Path(os.path.abspath(out))
    check_folder(out, CHECKPOINT_FILES)
    run_dir = run_dir or out.with_name(out.name + ".run")
    state = run_dir / STATE_FILE
    if state.exists() and not resume:
        raise CheckpointError(f"{run_dir}: holds an earlier run: add --resume to go on, or delete it to start over")
    if resume and not state.exists():
        raise CheckpointError(f"{run_dir}: holds no run to resume: leave --resume out")
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SidemanError(f"{run_dir}: cannot be made ({error.strerror}): choose another place") from None

    length, batch = config.model.max_seq_len, config.training.batch_size * config.training.gradient_accumulation
    total_tokens = sum(len(p.tokens) for p in train_shard.pieces)
    steps = max(1, math.ceil(config.training.epochs * total_tokens / (length * batch)))
    trainer = Trainer(config, steps, seed)
    if resume:
        trainer.load(state)
    losses = _read_losses(run_dir / LOSSES_FILE, trainer.done)
    sampler = WindowSampler(train_shard.pieces, length, config.training.batch_size, seed, train_shard.augment)

    started = saved = time.monotonic()
    first, recent = trainer.done, []
    while trainer.done < steps:
        trainer.model.train()
        recent.append(trainer.step(sampler))
        if not math.isfinite(recent[-1]):
            raise ConfigError(f"the loss is {recent[-1]} after {trainer.done} updates: lower training.learning_rate")
        now = time.monotonic()
        out_of_time = max_minutes is not None and now - started > 60 * max_minutes
        save_now = now - saved > SAVE_EVERY_S or trainer.done == steps or out_of_time
        held_out = None
        if save_now:
            trainer.model.eval()
            held_out = evaluate(trainer.model, valid_shard, max_windows=VALID_WINDOWS)["all"].nats_per_token
            row = {"step": trainer.done, "loss": round(float(np.mean(recent)), 4), "held_out": round(held_out, 4)}
            losses.append(row)
            card = model_card(config, sources, losses, total_tokens, train_shard.augment)
            # The state comes last: a run killed before it repeats these updates and writes the same again.
            with atomic_write(run_dir / LOSSES_FILE) as log:
                log.write_text("".join(json.dumps(row) + "\n" for row in losses), encoding="utf-8")
            save_checkpoint(out, config, trainer.weights(), card)
            trainer.save(state)
            saved = time.monotonic()
        if save_now or trainer.done % 20 == 0:
            rate = (trainer.done - first) / max(now - started, 1e-9)
            left_s = (steps - trainer.done) / max(rate, 1e-9)
            report(Progress(trainer.done, steps, float(np.mean(recent)), rate * length * batch, left_s, held_out))
            recent = []
        if out_of_time:
            break
    return trainer.done, steps


def _read_losses(path: Path, done: int) -> list[dict[str, Any]]:
    """The rows of a run up to an update; a new run has none, whatever an older one left."""
    if done == 0 or not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["step"] <= done]
