"""A frozen matrix with a low-rank one beside it, as one step of autograd: y = x W' + scale * dropped(x A') B'.

PEFT's own layer computes the same in eight steps, keeps what each of them made for the backward pass, and drops its
inputs by a mask as large as they are. Here x alone is kept, which the projections of one attention share; the mask
lies on the few columns of x A', and no gradient is computed for what is frozen. On a CPU that is a third of an update's
time and two thirds of its memory (docs/LOG.md).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["use_one_product"]


class _LowRank(torch.autograd.Function):
    """x: (..., in), weight: (out, in) frozen, a: (r, in), b: (out, r), mask: (N, r) or None -> (..., out)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, a: Tensor, b: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        low = rows @ a.T
        if mask is not None:
            low *= mask
        ctx.save_for_backward(x, weight, a, b, mask, low)
        ctx.scale = scale
        return torch.addmm(rows @ weight.T, low, b.T, alpha=scale).view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, a, b, mask, low = ctx.saved_tensors
        rows, out = x.reshape(-1, x.shape[-1]), gradients[0].reshape(-1, weight.shape[0])
        d_low = (out @ b).mul_(ctx.scale)
        if mask is not None:
            d_low *= mask
        d_x = torch.addmm(out @ weight, d_low, a).view(x.shape) if ctx.needs_input_grad[0] else None
        d_a = d_low.T @ rows
        d_b = (out.T @ low).mul_(ctx.scale)
        return d_x, None, d_a, d_b, None, None


def use_one_product(wrapped: nn.Module) -> None:
    """Makes every LoRA layer around a dense frozen matrix compute in this way; its parameters stay PEFT's."""
    for module in wrapped.modules():
        base: Any = getattr(module, "base_layer", None)
        if hasattr(module, "lora_A") and type(base) is nn.Linear:  # not one that packs its numbers
            setattr(module, "forward", partial(_forward, module))  # noqa: B010


def _forward(layer: Any, x: Tensor) -> Tensor:
    (name,) = layer.active_adapters
    a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
    share = float(getattr(layer.lora_dropout[name], "p", 0.0))
    mask = None
    if layer.training and share:
        mask = torch.empty(x.numel() // x.shape[-1], a.shape[0]).bernoulli_(1 - share).div_(1 - share)
    out: Tensor = _LowRank.apply(x, layer.base_layer.weight, a, b, mask, layer.scaling[name])  # type: ignore[no-untyped-call]
    return out
