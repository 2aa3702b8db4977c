"""What the four would cost at their published sizes, on a rented GPU: computed from counts, nothing of it measured.

Training: 6 operations a parameter and token (Kaplan et al. 2020), a diffusion's patches counted as tokens. Decoding:
2 a parameter and token.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GPU_HOUR_USD", "PUBLISHED", "Published", "training_cost"]

GPU_HOUR_USD = 2.50  # stated, not looked up: multiply as your own price asks
GPU_FLOPS = 989e12 * 0.4  # an H100's dense bfloat16 by its data sheet, at 40 % of it


@dataclass(frozen=True)
class Published:
    """What its source says that it was trained on; hours: on one H100, where they were measured."""

    parameters: float
    tokens: float
    source: str
    hours: float | None = None


PUBLISHED = {
    "moonbeam": Published(839e6, 18e9, "Guo and Dixon 2025 (arXiv 2505.15559): 839 M, 18 billion tokens, 81,600 hours"),
    "ours": Published(
        21_738_240, 274e6, "engine/pretrained/base/card.md: 274 M tokens in two runs of 13 minutes together", 13 / 60
    ),
}
"""SCG's paper and the plain decoder give no count of tokens to compute with."""


def training_cost(published: Published) -> tuple[float, float]:
    """Returns the GPU hours of one pass over the data, and their price in dollars."""
    hours = 6 * published.parameters * published.tokens / GPU_FLOPS / 3600
    return hours, hours * GPU_HOUR_USD
