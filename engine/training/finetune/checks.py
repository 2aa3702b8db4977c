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
from engine.training.finetune.time_limit import affordable

__all__ = ["Checks", "Judged", "Worth", "practice_shard", "spread"]

CHECK_TOKENS = 512  # of a window: measured often, and always against the same windows
CHECK_WINDOWS, PRACTICE_WINDOWS = 12, 8
GROUP = 4  # windows between two looks at the clock, after the first one alone
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

    @property
    def count(self) -> int:
        """The number of windows that worth() measures."""
        return sum(map(len, (self._right, self._wrong, self._practice, self._wrong_practice)))

    def shorten(self, tokens: float) -> None:
        """Keeps so many windows that measuring worth() computes about so many tokens, one of each kind at least."""
        share = tokens / (self._length * self.count)
        self._right, self._wrong, self._practice, self._wrong_practice = (
            [windows[i] for i in sorted(spread(len(windows))[: max(1, math.floor(share * len(windows)))])]
            for windows in (self._right, self._wrong, self._practice, self._wrong_practice)
        )

    def loss(self, model: PerceiverMusicTransformer) -> float:
        """Returns the loss on the unheard pieces, in nats a token."""
        return self._loss(model, self._right)

    def worth(self, model: PerceiverMusicTransformer) -> Worth:
        """Measures the loss, and what chords are worth."""
        right = self.loss(model)
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
    """Windows of unheard pieces. Both measurements go through them in one order and stop before there is no time."""

    def __init__(self, shard: Shard, length: int, windows: int) -> None:
        """length: of a window in tokens. windows: how many at most."""
        cut = eval_windows(shard.pieces, length, windows)
        self._shard, self._length = shard, length
        self._windows = [cut[i] for i in spread(len(cut))]
        self._first: list[F32] = []

    @property
    def count(self) -> int:
        """The number of windows."""
        return len(self._windows)

    def before(self, model: PerceiverMusicTransformer, left_s: Callable[[], float]) -> int:
        """Measures the model as it comes, on one window at least; returns the number of windows, which are kept.

        left_s: tells the seconds left for it.
        """
        self._first = self._nats(model, self._windows, left_s)
        self._windows = self._windows[: len(self._first)]
        return len(self._first)

    def after(self, model: PerceiverMusicTransformer, left_s: Callable[[], float]) -> tuple[Score, Score, int]:
        """Measures what has become of it; returns both scores over the windows measured twice, and their number."""
        last = self._nats(model, self._windows, left_s)
        windows = self._windows[: len(last)]
        first, second = (
            sum_scores(self._shard, windows, iter(nats))["all"] for nats in (self._first[: len(last)], last)
        )
        return first, second, len(windows)

    def _nats(
        self, model: PerceiverMusicTransformer, windows: list[EvalWindow], left_s: Callable[[], float]
    ) -> list[F32]:
        """Goes on for as long as the pace of the last group says that another window will be done in time."""
        model.eval()
        nats: list[F32] = []
        size = 1
        while size and len(nats) < len(windows):
            before_s, group = left_s(), windows[len(nats) : len(nats) + size]
            nats += token_nats(model, group, GROUP // 2, self._length)
            size = min(GROUP, affordable(left_s(), before_s - left_s(), len(group)))
        return nats
