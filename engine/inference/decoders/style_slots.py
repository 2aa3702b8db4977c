"""The four slots of a decoder that hold adapters, and what may stand in one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from engine.arrays import F32
from engine.model.config import MAX_RANK

__all__ = ["HEAVIEST", "PROJECTIONS", "STREAMS", "STYLES", "Adapter", "check_style", "check_weights"]

STREAMS = 2  # with chords, without
STYLES = 4  # slots for adapters
HEAVIEST = 1e3  # a slot's weight, either way: what the caches once hold that is no number spoils all that follows
PROJECTIONS = ("q_proj", "k_proj", "v_proj", "out_proj")  # what adapters may change

Adapter = dict[str, tuple[F32, F32, float]]
"""Module name -> A (rank, in), B (out, rank), alpha / rank."""


def check_style(slot: int, modules: Adapter, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises ValueError for an unknown slot, a module that `shapes` lacks, or matrices of the wrong size or rank.

    Or for numbers that are none.
    """
    if not 0 <= slot < STYLES:
        raise ValueError(f"style slot {slot}: give 0..{STYLES - 1}")
    for module, (a, b, scale) in modules.items():
        if module not in shapes:
            raise ValueError(f"{module}: no projection of an attention of this network")
        if a.ndim != 2 or b.ndim != 2 or (len(b), a.shape[1]) != shapes[module] or len(a) != b.shape[1]:
            raise ValueError(f"{module}: A {a.shape} and B {b.shape} do not make a {shapes[module]}")
        if not 1 <= len(a) <= MAX_RANK:
            raise ValueError(f"{module}: A {a.shape} and B {b.shape}: a style's rank lies in 1..{MAX_RANK}")
        if not (math.isfinite(scale) and np.isfinite(a).all() and np.isfinite(b).all()):
            raise ValueError(f"{module}: its adapter has numbers that are none")


def check_weights(weights: Sequence[float]) -> None:
    """Raises ValueError for another count of weights than there are slots, or one that is none."""
    if len(weights) != STYLES:
        raise ValueError(f"{len(weights)} style weights: give {STYLES}")
    for weight in weights:
        if not -HEAVIEST <= weight <= HEAVIEST:
            raise ValueError(f"a style's weight of {weight:g} lies outside {-HEAVIEST:g}..{HEAVIEST:g}")
