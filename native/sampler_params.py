"""The settings of the sampler, which may change between any two tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["SamplerParams"]

_WHOLE = (
    "top_k", "register_low", "register_high", "clear_low", "clear_high", "polyphony", "scale_mask",
)  # fmt: skip


@dataclass(frozen=True)
class SamplerParams:
    """One setting of the sampling chain. ValueError, naming the legal range, if a field lies outside it."""

    temperature: float = 0.8  # divides the logits; below 1 the likelier tokens gain, above 1 the others do
    top_p: float = 0.9  # Holtzman 2020: the smallest set of best tokens with this much probability; 1 = off
    top_k: int = 0  # Fan 2018: that many best tokens; 0 = off
    min_p: float = 0.0  # Nguyen 2024: tokens at least this likely relative to the best one; 0 = off
    register_low: int = 21  # the lowest pitch struck
    register_high: int = 108  # the highest; below register_low nothing is struck
    clear_low: int = 127  # from this pitch
    clear_high: int = 0  # to this one nothing is struck; below clear_low no pitch is kept clear
    polyphony: int = 8  # notes sounding at once
    repetition: float = 1.0  # Keskar 2019, on pitches struck within the last 64 tokens; 1 = off
    scale_mask: int = 4095  # bit c set: pitch class c may be struck; 4095 = all twelve
    keep_timing: bool = False  # temperature to min_p choose among the NOTE_ONs alone

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 1e-3, 1e3), ("top_p", 0.0, 1.0), ("top_k", 0, 65536), ("min_p", 0.0, 1.0),
            ("register_low", 0, 127), ("register_high", 0, 127),
            ("clear_low", 0, 127), ("clear_high", 0, 127), ("polyphony", 1, 128),
            ("repetition", 1.0, 1e3), ("scale_mask", 0, 4095),
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"{name} {value} lies outside {low:g}..{high:g}")
        for name in _WHOLE:
            value = getattr(self, name)
            if not hasattr(value, "__index__"):  # half a key is none, and no variant rounds
                raise ValueError(f"{name} {value}: give a whole number")
