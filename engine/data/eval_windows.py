"""Cuts the windows on which a model is scored: every target of every held-out piece once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from engine.data.shards.shards import PieceArrays
from engine.data.windows import Window, cut_window

__all__ = ["EvalWindow", "cut_eval_windows", "eval_windows"]


@dataclass(frozen=True)
class EvalWindow:
    """A cut of a held-out piece: targets first..stop-1 of its `length` positions are scored here and nowhere else."""

    piece: PieceArrays
    number: int  # of the piece among those given
    start: int  # token of the piece at position 0
    first: int
    stop: int

    @property
    def targets(self) -> slice:
        """The scored targets as tokens of the piece."""
        return slice(self.start + self.first + 1, self.start + self.stop + 1)


def eval_windows(pieces: Sequence[PieceArrays], length: int, max_windows: int | None = None) -> list[EvalWindow]:
    """Returns windows that score every target of every piece once, with half a window of past but at a piece's start.

    max_windows: at most so many, evenly spread, so that every piece has its share.
    """
    half = max(1, length // 2)
    windows = []
    for number, piece in enumerate(pieces):
        start = 0
        while True:
            stop = min(length, len(piece.tokens) - 1 - start)
            windows.append(EvalWindow(piece, number, start, 0 if start == 0 else length - half, stop))
            if stop + start + 1 >= len(piece.tokens):
                break
            start += half
    if max_windows is not None and len(windows) > max_windows:
        windows = [windows[i] for i in np.linspace(0, len(windows) - 1, max_windows).astype(int)]
    return windows


def cut_eval_windows(windows: list[EvalWindow], length: int) -> Iterator[Window]:
    """Cuts the windows one by one, since a whole corpus at once would fill the memory."""
    for window in windows:
        yield cut_window(window.piece, window.start, length)
