"""The schedule that training a base and fine-tuning share: the learning rate, and when to stop."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Lowest", "News", "rate_share"]


def rate_share(update: int, warmup: int, updates: int, time_used: float = 0.0, fall: float = 0.0) -> float:
    """Returns the share of the peak learning rate at an update (the first is 0): a linear warm-up, then a cosine.

    The cosine ends at a tenth. time_used: the share of the time that is gone, which counts if it is ahead of the
    updates. fall: above 0 the rate stays where it is until the last such share of the updates, in which it
    falls evenly to nothing (Hägele et al. 2024): such a run can be made longer without regret.
    """
    if update < warmup:
        return (update + 1) / warmup
    if fall:
        return min(1.0, max(0.0, (updates - update) / max(1.0, fall * updates)))
    through = min(1.0, max((update - warmup) / max(1, updates - warmup), time_used))
    return 0.1 + 0.45 * (1 + math.cos(math.pi * through))


class Lowest:
    """The lowest held-out loss so far, in nats a token."""

    def __init__(self, loss: float = math.inf) -> None:
        self.loss = loss
        self.since = 0  # measurements since it

    def measured(self, loss: float) -> bool:
        """Takes a measurement, and returns whether it is lower than all before it."""
        lower = loss < self.loss
        self.loss, self.since = (loss, 0) if lower else (self.loss, self.since + 1)
        return lower


@dataclass(frozen=True)
class News:
    """One line of news from a run."""

    step: int  # updates made
    steps: int  # updates planned
    loss: float  # mean nats a token since the last line
    tokens_per_s: float
    left_s: float
    held_out: float | None  # nats a token, where it was just measured
    base: float | None = None  # the base's on the same tokens, in fine-tuning
    stopped: bool = False  # early, because the held-out loss no longer falls

    def __str__(self) -> str:
        text = f"step {self.step}/{self.steps}  loss {self.loss:.3f}  {self.tokens_per_s:,.0f} tokens/s"
        if self.held_out is not None:
            text += f"  held-out {self.held_out:.3f}"
        if self.base is not None:
            text += f" (base {self.base:.3f})"
        return f"{text}  {self.left_s / 60:.{0 if self.left_s >= 60 else 1}f} min left"
