"""The four slots of a decoder that hold adapters, and what may stand in one."""

from __future__ import annotations

from collections.abc import Mapping

from engine.arrays import F32
from engine.model.config import MAX_RANK

__all__ = ["PROJECTIONS", "STREAMS", "STYLES", "Adapter", "check_style"]

STREAMS = 2  # with chords, without
STYLES = 4  # slots for adapters
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")  # what adapters may change

Adapter = dict[str, tuple[F32, F32, float]]
"""Module name -> A (rank, in), B (out, rank), alpha / rank."""


def check_style(slot: int, modules: Adapter, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ValueError for an unknown slot, a module that `shapes` lacks, or matrices of the wrong size or rank."""
    if not 0 <= slot < STYLES:
        raise ValueError(f"style slot {slot}: give 0..{STYLES - 1}")
    for module, (a, b, _) in modules.items():
        if module not in shapes:
            raise ValueError(f"{module}: no projection of an attention of this network")
        if a.ndim != 2 or b.ndim != 2 or (len(b), a.shape[1]) != shapes[module] or len(a) != b.shape[1]:
            raise ValueError(f"{module}: A {a.shape} and B {b.shape} do not make a {shapes[module]}")
        if not 1 <= len(a) <= MAX_RANK:
            raise ValueError(f"{module}: A {a.shape} and B {b.shape}: a style's rank lies in 1..{MAX_RANK}")
