"""One update of a base: Muon on the matrices, AdamW on the rest, warm-up then cosine to a tenth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn

from engine.data.span import cut_span
from engine.model.checkpoint import Weights
from engine.model.config import Config
from engine.model.perceiver import Inputs, PerceiverMusicTransformer
from engine.training.device import FastForm, make_accelerator, pad_chords
from engine.training.schedule import rate_share
from engine.training.state import RunFacts, load_state, save_state
from engine.training.update.muon import Muon
from engine.training.update.rounding import stored_weights
from engine.vocabulary import PAD

__all__ = ["Batches", "Trainer"]

MAX_GRADIENT_NORM = 1.0


class Batches(Protocol):
    """Windows by the number of their batch."""

    def batch(self, number: int) -> tuple[Inputs, Tensor]: ...


class Trainer:
    """Model, optimisers and schedule; one call of `step` is one update.

    steps: length of the schedule. accelerator: default one process on the CPU. weights of the collections, tokens and
    data_sha256 of the data: what a resumed run must share. fast: whether the network computes in FastForm; None: on a
    GPU, for whole windows. With several processes every one holds a Trainer and calls `step`; an update of n processes
    is that of one with n times the accumulation.
    """

    def __init__(
        self,
        config: Config,
        steps: int,
        seed: int,
        accelerator: Accelerator | None = None,
        weights: dict[str, float] | None = None,
        tokens: int | None = None,
        fast: bool | None = None,
        data_sha256: str | None = None,
    ) -> None:
        self.accelerator = accelerator or make_accelerator("cpu", config.training.mixed_precision)
        self.config, self.steps, self.seed, self.done = config, steps, seed, 0
        self.warmup, self.fall = config.training.warmup_steps, config.training.fall
        self.mix, self.tokens, self.data_sha256 = weights or {}, tokens, data_sha256
        self.lowest: float | None = None  # held-out loss, as who measures it says
        self.average: dict[str, Tensor] | None = None  # of the parameters, where the config asks for it
        torch.manual_seed(seed)
        self.model = PerceiverMusicTransformer(config.model)
        self.network: nn.Module = self.accelerator.prepare_model(self.model)  # with autocast, gradients shared
        # Muon is for matrices that map activations to activations: not embeddings, relative terms, norms or the head.
        matrices = {n: p for n, p in self.model.named_parameters() if n.endswith("_proj.weight")}
        others = [p for n, p in self.model.named_parameters() if n not in matrices]
        rate, on_gpu = config.training.learning_rate, self.accelerator.device.type == "cuda"
        if fast is None:
            fast = on_gpu and not config.training.latent_span
        self.fast = FastForm(self.model, "inductor" if on_gpu else None) if fast else None
        self.optimisers: list[torch.optim.Optimizer] = [
            Muon(matrices.values(), lr=rate, weight_decay=0.05),
            torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0, fused=on_gpu),
        ]

    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        return self.config.training.learning_rate * rate_share(self.done, self.warmup, self.steps, fall=self.fall)

    @property
    def tokens_per_update(self) -> int:
        """How many tokens an update computes a loss for, in all processes together."""
        training = self.config.training
        windows = training.batch_size * training.gradient_accumulation * int(self.accelerator.num_processes)
        return windows * (training.latent_span or self.config.model.max_seq_len)

    def step(self, windows: Batches) -> Tensor:
        """One update; returns its loss in nats a token, the mean over all processes, () on the device: no wait."""
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = self.learning_rate()
            optimiser.zero_grad(set_to_none=True)
        with self._as_stored():
            total = self._gradients(windows)
        self._apply()
        self._update_average()
        self.done += 1
        mean: Tensor = self.accelerator.reduce(total, "mean")
        return mean

    def _gradients(self, windows: Batches) -> Tensor:
        """Adds up the gradients of an update's windows; returns this process's loss."""
        parts, device = self.config.training.gradient_accumulation, self.accelerator.device
        total = torch.zeros((), device=device)
        for part in range(parts):
            number = self.batch_number(part)
            inputs, targets = cut_span(*windows.batch(number), self.config.training.latent_span, (self.seed, number))
            # Dropout, too, depends on the seed and the batch alone: a resumed run drops what it would have dropped.
            torch.manual_seed((self.seed * 1_000_003 + number) % 2**63)
            last = part == parts - 1
            with nullcontext() if last else self.accelerator.no_sync(self.network):  # processes meet once an update
                inputs = pad_chords(inputs.to(device)) if self.fast else inputs.to(device)
                logits = self.network(inputs, targets.shape[1]).float().flatten(0, 1)
                loss = F.cross_entropy(logits, targets.to(device).flatten(), ignore_index=PAD) / parts
                self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def batch_number(self, part: int) -> int:
        """Returns the number of the batch for a part of the next update; n processes take the batches in turn."""
        processes, rank = int(self.accelerator.num_processes), int(self.accelerator.process_index)
        return (self.done * self.config.training.gradient_accumulation + part) * processes + rank

    def _apply(self) -> None:
        """Clips the gradients and steps both optimisers."""
        # Accelerate's own optimiser wrapper updates the fp16 scale after each optimiser; two of them need it once.
        scaler = self.accelerator.scaler
        if scaler is not None:
            for optimiser in self.optimisers:
                scaler.unscale_(optimiser)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        for optimiser in self.optimisers:
            if scaler is None:
                optimiser.step()
            else:
                scaler.step(optimiser)
        if scaler is not None:
            scaler.update()

    @torch.no_grad()
    def _update_average(self) -> None:
        """Updates the exponential average; over fewer updates at first, so that it forgets the initial weights."""
        if self.config.training.ema == 0:
            return
        now = self.model.state_dict()
        if self.average is None:
            self.average = {name: value.clone() for name, value in now.items()}
            return
        decay = min(self.config.training.ema, (self.done + 1) / (self.done + 10))
        for name, value in self.average.items():
            value.lerp_(now[name], 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[PerceiverMusicTransformer]:
        """The model as a checkpoint will hold it: the averaged parameters, and rounded ones, where the config asks for
        such; in evaluation mode and its plain form."""
        own = {name: value.clone() for name, value in self.model.state_dict().items()} if self.average else None
        self.model.eval()
        try:
            if self.average is not None:
                self.model.load_state_dict(self.average)
            with self._as_stored(), self.fast.plain() if self.fast else nullcontext():
                yield self.model
        finally:
            if own is not None:
                self.model.load_state_dict(own)
            self.model.train()

    def _as_stored(self) -> AbstractContextManager[None]:
        return stored_weights(self.model) if self.config.training.quantisation_aware else nullcontext()

    def weights(self) -> Weights:
        """Returns what a checkpoint holds: the averaged parameters, or those of the last update."""
        values = self.average or self.model.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in values.items()}

    def facts(self) -> RunFacts:
        """Returns what a state file says about its run."""
        return RunFacts(
            config=self.config, seed=self.seed, steps=self.steps, done=self.done, weights=self.mix, tokens=self.tokens,
            processes=self.accelerator.num_processes, data_sha256=self.data_sha256, lowest=self.lowest,
        )  # fmt: skip

    def save(self, path: Path) -> None:
        """Saves everything that a run needs to go on, in one safetensors file (no pickle)."""
        save_state(path, self.facts(), self.model, self.optimisers, self.average, self.accelerator.scaler)

    def load(self, path: Path) -> RunFacts:
        """Goes on where save() left off; the schedule follows this trainer's `steps` from there on. Returns its facts.

        CheckpointError: the file is broken, or the run was another one.
        """
        then, self.average = load_state(path, self.facts(), self.model, self.optimisers, self.accelerator.scaler)
        self.done, self.lowest = then.done, then.lowest
        return then
