"""Builds the forms of a base that can be fine-tuned: LoRA on NF4 (QLoRA), 16 or 32 bits, or all its weights.

Dettmers et al. 2023, "QLoRA": the frozen base stays in 4 bits, its scales in 8 (double quantisation), and gradients
pass through it into low-rank matrices beside q, k, v and out. bitsandbytes holds the 4-bit layers, PEFT the matrices.
"32-bit" has the numbers that the 4 bits stand for as dense matrices: a CPU multiplies by them without unpacking, and
70 MB are nothing beside the activations.
"""

from __future__ import annotations

import logging
import warnings
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint as recompute

from engine.errors import SidemanError
from engine.model.checkpoint import Checkpoint, nf4_matrices
from engine.model.config import QloraConfig
from engine.model.nf4 import BLOCK, dequantise
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.evaluate import load_model
from engine.training.finetune.lora_product import use_one_product

__all__ = ["Form", "add_lora", "autocast", "build", "checkpoint_blocks", "lora_tensors", "optimiser", "stored_bytes"]

Form = Literal["nf4", "16-bit", "32-bit", "full"]
NESTED_BLOCK = 256  # scales that share a scale of their own (the paper's section 3)


class Linear16(nn.Linear):
    """A frozen layer that stores bfloat16 and computes in its input's precision."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.to(x.dtype))


def build(
    checkpoint: Checkpoint, form: Form, device: str, double_quantization: bool = True
) -> PerceiverMusicTransformer:
    """The base on a device, in the form that fine-tuning needs. SidemanError: bitsandbytes is missing.

    nf4 holds the checkpoint's own codes: nothing is quantised twice, but for the scales where double_quantization asks.
    """
    model = load_model(checkpoint)
    if form == "full":
        return model.to(device)
    if form == "32-bit":
        matrices = {name: torch.from_numpy(dequantise(*packed)) for name, packed in nf4_matrices(checkpoint).items()}
        model.load_state_dict(matrices, strict=False)
        return model.to(device).requires_grad_(False)
    layers = {f"{name}.weight": module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
    replacements: dict[str, nn.Module] = {}
    if form == "nf4":
        for name, (codes, absmax) in nf4_matrices(checkpoint).items():
            replacements[name] = _linear4bit(codes, absmax, device, double_quantization)
        model.is_loaded_in_4bit = True  # type: ignore[assignment]  # by this PEFT knows
    else:
        for name, layer in layers.items():
            replacements[name] = half = Linear16(layer.in_features, layer.out_features, bias=False, device="meta")
            half.weight = nn.Parameter(layer.weight.detach().to(torch.bfloat16), requires_grad=False)
    for name, replacement in replacements.items():
        parent, _, child = name.removesuffix(".weight").rpartition(".")
        setattr(model.get_submodule(parent), child, replacement)
    return model.to(device).requires_grad_(False)


def add_lora(model: PerceiverMusicTransformer, config: QloraConfig) -> nn.Module:
    """Puts the base inside PEFT's model, with fresh matrices on the target projections; only they learn."""
    peft = import_peft()
    lora = peft.LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=list(config.target_modules),
        bias="none",
    )
    wrapped: nn.Module = peft.get_peft_model(model, lora)
    if model.head.weight.device.type == "cpu":
        use_one_product(wrapped)
    return wrapped


def lora_tensors(wrapped: nn.Module) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Returns (A, B), float32, as they are now, by module of the base."""
    halves: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for name, parameter in wrapped.named_parameters():
        for half in ("lora_A", "lora_B"):
            module, found, _ = name.partition(f".{half}.")
            if found:
                values = parameter.detach().float().cpu().numpy().copy()
                halves.setdefault(module.removeprefix("base_model.model."), {})[half] = values
    return {module: (pair["lora_A"], pair["lora_B"]) for module, pair in halves.items()}


def checkpoint_blocks(model: PerceiverMusicTransformer) -> None:
    """Gradient checkpointing: a block's activations are computed again in the backward pass instead of being kept."""
    for block in model.blocks:
        block.forward = partial(recompute, block.forward, use_reentrant=False)


def stored_bytes(model: nn.Module) -> int:
    """Bytes of all parameters, with the scales of quantised ones."""
    total = 0
    for parameter in model.parameters():
        total += parameter.numel() * parameter.element_size()
        state: Any = getattr(parameter, "quant_state", None)
        while state is not None:
            total += state.absmax.numel() * state.absmax.element_size()
            state = state.state2
    return total


def import_bitsandbytes() -> Any:
    """Imports bitsandbytes without the warnings of its own imports. SidemanError if it is not installed."""
    return _import("bitsandbytes")


def import_peft() -> Any:
    """Imports PEFT, likewise."""
    return _import("peft")


def _import(name: str) -> Any:
    from importlib import import_module

    # Both import torch.jit and each other in ways that torch deprecates; nobody here can mend that.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        try:
            return import_module(name)
        except ImportError:
            raise SidemanError(f"this needs {name}, which is not installed: pip install 'sideman[train]'") from None


def _linear4bit(codes: np.ndarray[Any, Any], absmax: np.ndarray[Any, Any], device: str, double: bool) -> nn.Module:
    """A bitsandbytes layer around codes (out, in / 2) and scales (out, in / 64) as a checkpoint stores them."""
    bnb = import_bitsandbytes()
    functional = bnb.functional
    rows, columns = codes.shape[0], codes.shape[1] * 2
    compute = torch.bfloat16 if device.startswith("cuda") else torch.float32
    scales = torch.from_numpy(absmax.reshape(-1).copy()).to(device)
    nested: dict[str, Any] = {}
    if double:
        offset = scales.mean()
        scales, state2 = functional.quantize_blockwise(scales - offset, blocksize=NESTED_BLOCK)
        nested = {"offset": offset, "state2": state2}
    state = functional.QuantState(
        absmax=scales, shape=torch.Size((rows, columns)), code=functional.get_4bit_type("nf4", device=device),
        blocksize=BLOCK, quant_type="nf4", dtype=compute, **nested,
    )  # fmt: skip
    layer = bnb.nn.Linear4bit(columns, rows, bias=False, compute_dtype=compute, quant_type="nf4", device="meta")
    layer.weight = bnb.nn.Params4bit(
        torch.from_numpy(codes.reshape(-1, 1).copy()).to(device), requires_grad=False, quant_state=state,
        blocksize=BLOCK, compress_statistics=double, quant_type="nf4", bnb_quantized=True, module=layer,
    )  # fmt: skip
    layer.quant_state = state
    # In evaluation bitsandbytes repacks weights for processors with bfloat16 units, and rounds their scales to it.
    layer.support_avx512bf16_for_cpu = False
    module: nn.Module = layer
    return module


def optimiser(parameters: list[nn.Parameter], device: str, rate: float) -> torch.optim.Optimizer:
    """Makes QLoRA's paged 8-bit AdamW on a GPU; plain AdamW on a CPU, which has nothing to page out of."""
    if device.startswith("cuda"):
        paged: torch.optim.Optimizer = import_bitsandbytes().optim.PagedAdamW8bit(parameters, lr=rate, weight_decay=0.0)
        return paged
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)


def autocast(device: str) -> torch.autocast:
    """Returns a context of bfloat16 on a GPU; a CPU computes the few layers in float32."""
    return torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=device.startswith("cuda"))
