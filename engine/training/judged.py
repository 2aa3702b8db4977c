"""A model's figures on the same windows before and after training, on as many of them as the time allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.data.eval_windows import EvalWindow, eval_windows
from engine.data.shards.shards import Shard
from engine.model.perceiver import PerceiverMusicTransformer
from engine.training.evaluate import Score, sum_scores, token_nats

__all__ = ["Judged", "spread"]

GROUP = 4  # windows between two looks at the clock


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
        self._first: list[npt.NDArray[np.float32]] = []

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
    ) -> list[npt.NDArray[np.float32]]:
        model.eval()
        nats: list[npt.NDArray[np.float32]] = []
        for at in range(0, len(windows), GROUP):
            nats += token_nats(model, windows[at : at + GROUP], GROUP // 2, self._length)
            if no_time():
                break
        return nats
