"""A style: a low-rank adapter of the base's attention (Hu et al. 2021, "LoRA"), with facts about what it learnt."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from engine.arrays import F32
from engine.errors import CheckpointError
from engine.model.checkpoint import Checkpoint
from engine.model.config import MAX_RANK
from engine.model.shapes import parameter_shapes

__all__ = ["F32", "Lora", "Style", "adapter_of", "check_name", "shown"]

Lora = dict[str, tuple[F32, F32, float]]
"""Module, such as blocks.0.self_attn.q_proj -> A (rank, in), B (out, rank), scale: W x becomes W x + scale * B A x."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # no file of Windows may be called so


@dataclass(frozen=True, eq=False)  # arrays have no one answer; a style is itself
class Style:
    """A style in memory."""

    name: str
    base_sha256: str  # of the model.safetensors that it was made on
    rank: int
    alpha: float
    targets: tuple[str, ...]  # projections, as in QloraConfig.target_modules
    tensors: dict[str, tuple[F32, F32]] = field(repr=False)  # module -> A, B
    facts: dict[str, Any] = field(default_factory=dict, repr=False)  # the rest of style.yaml

    @property
    def controls(self) -> dict[str, str | float]:
        """The typical values of its music by control: a label, or a quantity in the unit of the control's edges."""
        return dict(self.facts.get("controls", {}))

    @property
    def lora(self) -> Lora:
        scale = self.alpha / self.rank
        return {module: (a, b, scale) for module, (a, b) in self.tensors.items()}


def check_name(name: str) -> str:
    """Returns the name if a style may have it, else raises CheckpointError. A name is never a path."""
    if not _NAME.fullmatch(name) or _DEVICES.fullmatch(name):
        raise CheckpointError(f"{shown(name)} is no name for a style: use a to z, 0 to 9, - and _, at most 40 of them")
    return name


def adapter_of(style: Style, checkpoint: Checkpoint) -> Lora:
    """Returns the style's matrices for a base.

    CheckpointError: it was made on another base, or does not fit this one.
    """
    if style.base_sha256 != checkpoint.sha256:
        raise CheckpointError(
            f"style {style.name} was made on another base (sha256 {style.base_sha256[:12]}..., here is "
            f"{checkpoint.sha256[:12]}...): give that base by --checkpoint, or make the style anew: sideman finetune"
        )
    if not 1 <= style.rank <= MAX_RANK:
        raise CheckpointError(f"style {style.name}: rank {style.rank} lies outside 1..{MAX_RANK}: make it anew")
    shapes = parameter_shapes(checkpoint.model)
    wanted = {
        name.removesuffix(".weight"): shape
        for name, shape in shapes.items()
        if name.endswith(tuple(f".{target}.weight" for target in style.targets))
    }
    for module in sorted(wanted.keys() ^ style.tensors.keys()):
        what = "lacks" if module in wanted else "has an unknown"
        raise CheckpointError(f"style {style.name} {what} {module}: make it anew with sideman finetune")
    for module, (rows, columns) in wanted.items():
        a, b = style.tensors[module]
        if a.shape != (style.rank, columns) or b.shape != (rows, style.rank):
            raise CheckpointError(
                f"style {style.name}: {module} is {a.shape} and {b.shape}, but the base asks for "
                f"{(style.rank, columns)} and {(rows, style.rank)}: make it anew with sideman finetune"
            )
    return style.lora


def shown(value: object) -> str:
    """Shows a stranger's value in a message: short, printable, on one line."""
    text = repr(value) if not isinstance(value, float) or math.isfinite(value) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
