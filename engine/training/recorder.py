"""What a training run measures, saves and reports beside its updates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.data.shards.shards import Shard
from engine.errors import ConfigError
from engine.model.checkpoint import save_checkpoint
from engine.training.curve import LossCurve
from engine.training.evaluate import evaluate
from engine.training.schedule import News
from engine.training.state import STATE_FILE
from engine.training.trainer import Trainer

__all__ = ["Recorder"]


REPORT_EVERY = 20  # updates
VALID_WINDOWS = 96  # a fixed, evenly spread sample of the held-out side while training
# Held-out loss is measured 40 times a run at the same updates, whatever the machine: early stopping counts these.
EVALUATIONS, MIN_EVALUATE_EVERY = 40, 25


class Recorder:
    """Measures, saves and reports beside the updates, in the first process."""

    def __init__(
        self,
        trainer: Trainer,
        valid: Shard,
        card: Callable[[LossCurve], str],
        out: Path,
        run_dir: Path,
        patience: int | None,
        save_every_s: float,
        report: Callable[[News], None],
    ) -> None:
        self.trainer, self.valid, self.patience = trainer, valid, patience
        self.card, self.report, self.save_every_s = card, report, save_every_s
        self.out, self.state = out, run_dir / STATE_FILE
        self.curve = LossCurve(run_dir, trainer.done, trainer.lowest)
        self.every = max(MIN_EVALUATE_EVERY, math.ceil(trainer.steps / EVALUATIONS))
        self.first, self.started_s = trainer.done, time.monotonic()
        self.saved_s = self.started_s
        self.end_s: float | None = None  # the longest that measuring and saving took
        self.recent: list[tuple[Tensor, float]] = []  # loss and rate of the updates since the last row
        self.stalled = self._stalled()
        # A run that goes on: what kept its last checkpoint from being written may be gone. Its card needs the curve.
        if trainer.done and self.curve.held_out():
            self._save_checkpoint()

    def _stalled(self) -> bool:
        """Whether the held-out loss has not fallen for too long."""
        return self.patience is not None and self.curve.stalled(self.every) >= self.patience

    def record(self, loss: Tensor, learning_rate: float, last: bool) -> None:
        """After an update: its loss, and every so often all the rest. last: the run ends here.

        Losses are looked at a few at a time: who asks a GPU for a number waits until it has finished. ConfigError: one
        is no number any more; what was saved last stays.
        """
        done = self.trainer.done
        self.recent.append((loss, learning_rate))
        now_s = time.monotonic()
        due = last or done % self.every == 0 or now_s - self.saved_s > self.save_every_s
        if not due and done % REPORT_EVERY:
            return
        mean = self._losses()
        now_s = time.monotonic()
        rate = (done - self.first) / max(now_s - self.started_s, 1e-9)
        tokens_per_s = rate * self.trainer.tokens_per_update
        held_out = self._measure() if due else None
        if held_out is not None:
            _check_finite("held-out loss", held_out, done)
        self.curve.add(done, mean, held_out, tokens_per_s)
        if due:
            self._save()
            self.saved_s = time.monotonic()
            self.end_s = max(self.end_s or 0.0, self.saved_s - now_s)
            self.stalled = self._stalled()
        left_s = (self.trainer.steps - done) / max(rate, 1e-9)
        self.report(News(done, self.trainer.steps, mean, tokens_per_s, left_s, held_out, stopped=self.stalled))

    def _losses(self) -> float:
        """Writes the losses since the last row into the curve; their mean."""
        losses = torch.stack([loss for loss, _ in self.recent]).tolist()
        first = self.trainer.done - len(losses) + 1
        for step, (loss, (_, learning_rate)) in enumerate(zip(losses, self.recent, strict=True), start=first):
            _check_finite("loss", loss, step - 1)
            self.curve.update(step, loss, learning_rate)
        self.recent = []
        return float(np.mean(losses))

    def _measure(self) -> float:
        with self.trainer.averaged() as model:
            return evaluate(model, self.valid, max_windows=VALID_WINDOWS)["all"].nats_per_token

    def _save(self) -> None:
        """Saves, the checkpoint last: whatever is in its way costs no update, and a run that goes on writes it then."""
        self.curve.save()
        self.trainer.lowest = self.curve.lowest()
        self.trainer.save(self.state)
        self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        """Writes the checkpoint of the state as it is; with patience only the best."""
        if self.patience is None or self.curve.is_best():
            save_checkpoint(self.out, self.trainer.config, self.trainer.weights(), self.card(self.curve))


def _check_finite(name: str, loss: float, updates: int) -> None:
    if not math.isfinite(loss):
        raise ConfigError(f"the {name} is {loss} after {updates} updates: lower training.learning_rate")
