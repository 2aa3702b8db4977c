"""Merges a style into its base: one checkpoint that needs no adapter."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from engine.model.checkpoint import Checkpoint, Weights, check_new, save_checkpoint
from engine.styles.style import Lora, Style, adapter_of

__all__ = ["export_merged", "merged_weights"]


def merged_weights(weights: Weights, parts: list[tuple[Lora, float]]) -> Weights:
    """Returns W + sum of weight * scale * B A for the modules that an adapter touches; others are not copied."""
    merged = dict(weights)
    for lora, weight in parts:
        for module, (a, b, scale) in lora.items():
            name = f"{module}.weight"
            merged[name] = (merged[name] + (b * np.float32(weight * scale)) @ a).astype(np.float32)
    return merged


def export_merged(checkpoint: Checkpoint, style: Style, out: Path, bits: int = 4) -> str:
    """Writes base and style as one checkpoint folder; returns its sha256.

    bits: 4 quantises the sum, 32 keeps it exact. SidemanError: the style is not for this base, or `out` is a checkpoint
    already, perhaps the base itself.
    """
    check_new(out)
    weights = merged_weights(checkpoint.weights, [(adapter_of(style, checkpoint), 1.0)])
    try:
        card = (checkpoint.path / "card.md").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # a card is for readers; a base without one plays all the same
        card = "# Sideman base\n"
    card += f"\nMerged with the style {style.name}; the base alone has sha256 {checkpoint.sha256}.\n"
    save_checkpoint(out, checkpoint.config, weights, card, bits)
    return hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
