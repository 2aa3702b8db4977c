"""Measures a style while it is learnt: its loss on unheard pieces, and what chords are worth to it.

What right chords are worth is the loss under chords in another order, less the loss under the right ones. It is asked
of the unheard pieces and of practice pieces, whose chords are known: a style may play otherwise, but over the chart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.data.eval_windows import EvalWindow, eval_windows
from engine.data.practice import practice_piece
from engine.data.reading.entry import tokenise
from engine.data.shards.shards import Shard
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.evaluate import token_nats, with_wrong_chords
from engine.training.judged import spread

__all__ = ["Checks", "Worth", "practice_shard"]

CHECK_TOKENS = 512  # of a window: measured often, and always against the same windows
CHECK_WINDOWS, PRACTICE_WINDOWS = 12, 8
FEWEST_WINDOWS = 2
PRACTICE_SEED, PRACTICE_PIECES = 777, 12  # that no style learns from


@dataclass(frozen=True)
class Worth:
    """Losses in nats a token; `chords` says by how much they rise under wrong chords."""

    held_out: float
    chords: Mapping[str, float]  # "held_out", "practice"

    def kept(self, base: Worth) -> float:
        """Returns the smallest share left of what chords were worth to the base; 1 if they were worth nothing."""
        return min((self.chords[k] / base.chords[k] for k in base.chords if base.chords[k] > 0.01), default=1.0)


class Checks:
    """Windows that every measurement of a run shares, so that its figures can be compared."""

    def __init__(self, held_out: Shard, length: int) -> None:
        self._length = length = min(length, CHECK_TOKENS)
        wrong = with_wrong_chords(held_out)
        self._right = eval_windows(held_out.pieces, length, CHECK_WINDOWS)
        self._wrong = eval_windows(wrong.pieces, length, CHECK_WINDOWS)
        practice = practice_shard(PRACTICE_SEED, PRACTICE_PIECES)
        self._practice = eval_windows(practice.pieces, length, PRACTICE_WINDOWS)
        self._wrong_practice = eval_windows(with_wrong_chords(practice).pieces, length, PRACTICE_WINDOWS)

    def shorten(self, tokens: float) -> None:
        """Keeps so many windows that measuring worth() computes about so many tokens, a few windows at least."""
        share = tokens / (
            self._length * sum(map(len, (self._right, self._wrong, self._practice, self._wrong_practice)))
        )
        self._right, self._wrong, self._practice, self._wrong_practice = (
            [windows[i] for i in sorted(spread(len(windows))[: max(FEWEST_WINDOWS, math.floor(share * len(windows)))])]
            for windows in (self._right, self._wrong, self._practice, self._wrong_practice)
        )

    def loss(self, model: PerceiverMusicTransformer) -> float:
        """Returns the loss on the unheard pieces, in nats a token."""
        return self._loss(model, self._right)

    def worth(self, model: PerceiverMusicTransformer, held_out: float | None = None) -> Worth:
        """Measures the loss, and what chords are worth. held_out: the loss, if it is known already."""
        right = self.loss(model) if held_out is None else held_out
        chords = {
            "held_out": self._loss(model, self._wrong) - right,
            "practice": self._loss(model, self._wrong_practice) - self._loss(model, self._practice),
        }
        return Worth(right, chords)

    def _loss(self, model: PerceiverMusicTransformer, windows: list[EvalWindow]) -> float:
        nats = list(token_nats(model, windows, length=self._length))
        return float(np.concatenate(nats).mean(dtype=np.float64))


def practice_shard(seed: int, count: int) -> Shard:
    """Composes so many practice pieces, each with its labels."""
    return Shard([tokenise(practice_piece(seed, number), 0) for number in range(count)], ["practice"])
