"""Measures a style: what it is judged by before and after, and while it is learnt its loss and what chords are worth.

What right chords are worth is the loss under chords in another order, less the loss under the right ones. It is asked
of the unheard pieces and of practice pieces, whose chords are known: a style may play otherwise, but over the chart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.arrays import F32
from engine.data.eval_windows import EvalWindow, eval_windows
from engine.data.practice import practice_piece
from engine.data.reading.entry import tokenise
from engine.data.shards.shards import Shard
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.evaluate import Score, sum_scores, token_nats, with_wrong_chords

__all__ = ["Checks", "Judged", "Worth", "practice_shard", "spread"]

CHECK_TOKENS = 512  # of a window: measured often, and always against the same windows
CHECK_WINDOWS, PRACTICE_WINDOWS = 12, 8
FEWEST_WINDOWS = 2
GROUP = 4  # windows between two looks at the clock
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


def spread(count: int) -> list[int]:
    """Returns 0..count-1 so that every beginning of the list is spread evenly over the whole (van der Corput 1935)."""
    width = max(1, (count - 1).bit_length())
    return sorted(range(count), key=lambda i: int(f"{i:0{width}b}"[::-1], 2))


class Judged:
    """Windows of unheard pieces. Both measurements go through them in one order and stop when there is no time."""

    def __init__(self, shard: Shard, length: int, windows: int) -> None:
        """length: of a window in tokens. windows: how many at most."""
        cut = eval_windows(shard.pieces, length, windows)
        self._shard, self._length = shard, length
        self._windows = [cut[i] for i in spread(len(cut))]
        self._first: list[F32] = []

    def before(self, model: PerceiverMusicTransformer, no_time: Callable[[], bool]) -> int:
        """Measures the model as it comes, on one group of windows at least; returns how many tokens were computed."""
        self._first = self._nats(model, self._windows, no_time)
        return len(self._first) * self._length

    def after(self, model: PerceiverMusicTransformer, no_time: Callable[[], bool]) -> tuple[Score, Score]:
        """Measures what has become of it; returns both scores, over the windows that were measured twice."""
        last = self._nats(model, self._windows[: len(self._first)], no_time)
        windows = self._windows[: len(last)]
        first, second = (
            sum_scores(self._shard, windows, iter(nats))["all"] for nats in (self._first[: len(last)], last)
        )
        return first, second

    def _nats(
        self, model: PerceiverMusicTransformer, windows: list[EvalWindow], no_time: Callable[[], bool]
    ) -> list[F32]:
        model.eval()
        nats: list[F32] = []
        for at in range(0, len(windows), GROUP):
            nats += token_nats(model, windows[at : at + GROUP], GROUP // 2, self._length)
            if no_time():
                break
        return nats
