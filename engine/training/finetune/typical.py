"""Measures a pianist's playing in terms of a model's controls: what `auto` asks for under that style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from engine.data.controls import measure
from engine.data.eval_windows import eval_windows
from engine.data.shards.shards import PieceArrays
from engine.data.windows import collate, cut_window
from engine.model.controls import MEASURED, UNKNOWN, Control
from engine.model.perceiver import PerceiverMusicTransformer
from engine.vocabulary import PAD

__all__ = ["likeliest_manner", "typical_values"]

WINDOW_TOKENS = 512
MANNER_WINDOWS = 4  # of 512 tokens


def typical_values(pieces: Sequence[PieceArrays], controls: Sequence[Control]) -> dict[str, float]:
    """Returns, by control, the median over windows of 512 tokens in the unit of its edges; {} if none is measurable."""
    rows = [
        measure(piece.tokens[start : start + WINDOW_TOKENS].astype(np.int64))
        for piece in pieces
        for start in range(0, max(1, len(piece.tokens) - WINDOW_TOKENS // 2), WINDOW_TOKENS)
    ]
    found = {}
    for control in controls:
        if control.name in MEASURED:
            values = np.array([float(row[control.name][0]) for row in rows])
            values = values[np.isfinite(values)]
            if len(values):
                found[control.name] = round(float(np.median(values)), 2)
    return found


@torch.no_grad()
def likeliest_manner(
    model: PerceiverMusicTransformer, pieces: Sequence[PieceArrays], controls: Sequence[Control]
) -> str | None:
    """Returns the manner under which the model finds the pieces likeliest; None if it has no manners or none fits.

    The model is in evaluation mode and is told nothing else.
    """
    place = next((i for i, control in enumerate(controls) if control.name == "manner"), None)
    if place is None:
        return None
    length = min(WINDOW_TOKENS, model.config.max_seq_len)
    windows = eval_windows(pieces, length, MANNER_WINDOWS)
    inputs, targets = collate([cut_window(window.piece, window.start, length) for window in windows], length)
    device = model.head.weight.device

    def loss(manner: float) -> float:
        levels = torch.full((*inputs.tokens.shape, len(controls)), UNKNOWN)
        levels[..., place] = manner
        logits = model(replace(inputs, levels=levels).to(device)).float()
        return F.cross_entropy(logits.transpose(1, 2), targets.to(device), ignore_index=PAD).item()

    losses = [loss(float(index)) for index in range(controls[place].levels)]
    best = int(np.argmin(losses))
    return controls[place].labels[best] if losses[best] < loss(UNKNOWN) else None
