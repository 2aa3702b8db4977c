"""Training on a part of each window: latents and loss on the last positions, keys and values on all before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from engine.model.perceiver import Inputs
from engine.vocabulary import PAD

__all__ = ["cut_span"]


def cut_span(inputs: Inputs, targets: Tensor, span: int, seed: tuple[int, int]) -> tuple[Inputs, Tensor]:
    """Cuts (B, L) windows and targets to windows of E <= L tokens and the (B, M) targets of their last M = span places.

    E is drawn for the batch: were it always L, no latent would ever stand at the start of a stream, with little before
    it. A row shorter than E - M has no loss in that batch. span 0, or as long as the windows: nothing is cut.
    """
    if span == 0 or span >= targets.shape[1]:
        return inputs, targets
    longest = int((targets != PAD).any(0).nonzero().max()) + 1  # beyond it is padding in every row
    least = min(span, longest)
    end = int(np.random.default_rng(seed).integers(least, longest + 1))
    by_position = ("tokens", "beat", "bar", "chord_now", *(("levels",) if inputs.levels is not None else ()))
    cut = {name: getattr(inputs, name)[:, :end] for name in by_position}
    return replace(inputs, **cut), targets[:, max(0, end - span) : end]
