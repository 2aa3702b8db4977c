"""One way to learn for all: Muon on the matrices, AdamW on the rest, until a budget of processor time is spent.

The rate follows the share of the budget that is spent, not a number of updates: a contestant with cheap updates makes
more of them. Processor time, since other work on a machine must not decide who wins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.training.update.muon import Muon

__all__ = ["Learnt", "learn", "learn_adapter"]

WARM_UP = 0.04  # of the budget
LAST_RATE = 0.1
MAX_GRADIENT_NORM = 1.0


@dataclass(frozen=True)
class Learnt:
    """updates made in cpu_s, and the mean loss over the last tenth of them."""

    updates: int
    cpu_s: float
    loss: float


def learn(model: nn.Module, loss_of: Callable[[int], Tensor], rate: float, budget_s: float) -> Learnt:
    """Trains all of the model until the budget is spent. loss_of(n): the loss of batch n."""
    matrices = {n: p for n, p in model.named_parameters() if n.endswith("_proj.weight")}
    others = [p for n, p in model.named_parameters() if n not in matrices]
    optimisers: list[torch.optim.Optimizer] = [
        Muon(matrices.values(), lr=rate, weight_decay=0.05),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]
    return _spend(model, optimisers, loss_of, rate, budget_s)


def learn_adapter(model: nn.Module, loss_of: Callable[[int], Tensor], rate: float, budget_s: float) -> Learnt:
    """Trains what requires gradients, by AdamW, since Muon is not meant for thin matrices like LoRA's."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimisers: list[torch.optim.Optimizer] = [torch.optim.AdamW(learning, lr=rate, weight_decay=0.0)]
    return _spend(model, optimisers, loss_of, rate, budget_s)


def _spend(
    model: nn.Module,
    optimisers: list[torch.optim.Optimizer],
    loss_of: Callable[[int], Tensor],
    rate: float,
    budget_s: float,
) -> Learnt:
    model.train()
    losses: list[float] = []
    begin = time.process_time()
    while (spent := (time.process_time() - begin) / budget_s) < 1:
        share = min(1.0, (spent + 0.002) / WARM_UP) * (LAST_RATE + (1 - LAST_RATE) * (1 - spent))
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * share
            optimiser.zero_grad(set_to_none=True)
        loss = loss_of(len(losses))
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], MAX_GRADIENT_NORM)
        for optimiser in optimisers:
            optimiser.step()
        losses.append(float(loss.detach()))
        if len(losses) % 50 == 0:
            print(f"{spent:4.0%} {len(losses)} updates, loss {sum(losses[-50:]) / 50:.3f}", flush=True)
    model.eval()
    last = losses[-max(1, len(losses) // 10) :]
    return Learnt(len(losses), time.process_time() - begin, sum(last) / len(last))
