"""Measures a pianist's playing in terms of a model's controls: what `auto` asks for under that style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from engine.data.controls import measure
from engine.data.eval_windows import EvalWindow, eval_windows
from engine.data.shards.shards import PieceArrays
from engine.data.windows import collate, cut_window
from engine.model.controls import MEASURED, UNKNOWN, Control
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.finetune.time_limit import affordable
from engine.vocabulary import PAD

__all__ = ["likeliest_manner", "typical_values"]

WINDOW_TOKENS = 512
MANNER_WINDOWS = 4  # of 512 tokens
A_LONG_TIME_S = 1e9


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
    model: PerceiverMusicTransformer,
    pieces: Sequence[PieceArrays],
    controls: Sequence[Control],
    left_s: Callable[[], float] = lambda: A_LONG_TIME_S,
) -> tuple[str | None, int]:
    """Returns the manner under which the model finds the pieces likeliest, and on how many windows that was measured.

    None if the model has no manners or none fits; 0 windows if there is no time for one of them. The model is in
    evaluation mode and is told nothing else. left_s: tells the seconds left for it.
    """
    place = next((i for i, control in enumerate(controls) if control.name == "manner"), None)
    length = min(WINDOW_TOKENS, model.config.max_seq_len)
    windows = eval_windows(pieces, length, MANNER_WINDOWS)
    if place is None:
        return None, len(windows)
    device, manners = model.head.weight.device, range(controls[place].levels)

    def losses(window: EvalWindow, manners: Iterable[float]) -> list[float]:
        inputs, targets = collate([cut_window(window.piece, window.start, length)], length)
        levels = torch.full((*inputs.tokens.shape, len(controls)), UNKNOWN)
        sums = []
        for manner in manners:
            levels[..., place] = manner
            logits = model(replace(inputs, levels=levels).to(device)).float()
            nats = F.cross_entropy(logits.transpose(1, 2), targets.to(device), ignore_index=PAD, reduction="sum")
            sums.append(nats.item())
        return sums

    unknown, told, before_s = 0.0, np.zeros(len(manners)), left_s()
    measured = 0
    for window in windows:
        plain = losses(window, [UNKNOWN])
        # One of the first window tells the pace; it counts only where all the manners of that window follow.
        if affordable(left_s(), before_s - left_s(), measured * (len(manners) + 1) + 1) < len(manners):
            break
        told += losses(window, manners)
        unknown += plain[0]
        measured += 1
    best = int(np.argmin(told))
    return controls[place].labels[best] if measured and told[best] < unknown else None, measured
