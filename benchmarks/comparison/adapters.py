"""NF4 and LoRA on the attention of any contestant: what a style of ten pieces costs in each.

The base's matrices hold the very numbers that NF4 stands for, unpacked: on a processor that is how `sideman finetune`
computes, too (bitsandbytes' own 4-bit product takes several times as long there). Their size is that of the codes.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.model.nf4 import BLOCK, dequantise, quantise
from engine.training.finetune.layers import import_peft

__all__ = ["adapter_bytes", "in_nf4", "with_lora"]

RANK, ALPHA = 8, 16
TARGETS = ("q_proj", "k_proj", "v_proj", "out_proj")


def in_nf4(model: nn.Module) -> int:
    """Rounds every projection to NF4, in place; returns the bytes of a file: codes, scales, the rest in 16 bits."""
    total = 2 * sum(p.numel() for p in model.parameters())
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Linear) and name.endswith("_proj") and layer.in_features % BLOCK == 0:
            codes, scales = quantise(layer.weight.detach().numpy())
            layer.weight.data = torch.from_numpy(dequantise(codes, scales))
            total += codes.nbytes + scales.nbytes - 2 * layer.weight.numel()
    return total


def with_lora(model: nn.Module) -> nn.Module:
    """Freezes the model and puts matrices of rank 8 beside the projections of its attention, by PEFT."""
    peft = import_peft()
    wrapped: nn.Module = peft.get_peft_model(
        model.requires_grad_(False),
        peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=list(TARGETS), bias="none"),
    )
    return wrapped


def adapter_bytes(model: nn.Module) -> int:
    """Returns the bytes of the parameters that learn, in float32."""
    return sum(4 * p.numel() for p in model.parameters() if p.requires_grad)
