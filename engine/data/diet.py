"""Draws the windows that a base learns from: of its sources by their shares, and of newly composed practice pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from engine.data.practice import practice_piece
from engine.data.reading.entry import tokenise
from engine.data.shards.shards import PieceArrays, Shard, load_shard
from engine.data.window_sampler import WindowSampler
from engine.data.windows import collate
from engine.model.controls import Control
from engine.model.perceiver import Inputs

__all__ = ["BaseSampler", "Diet", "TrainingWindows"]

WINDOWS_A_PIECE = 3  # of one practice piece, which takes as long to make as a dozen windows to cut
FIRST_SEED, SEEDS = 1_000_000, 1 << 40  # of practice pieces to learn from; those to measure by have smaller ones


class BaseSampler(WindowSampler):
    """Draws windows that may reach half their length beyond the end, so that endings are as frequent as the rest."""

    past_end = 0.5


@dataclass(frozen=True)
class Diet:
    """How windows are drawn, in a form that can be sent to a process beside the training."""

    shard: Path
    length: int  # tokens of a window
    batch_size: int
    seed: int
    weights: Mapping[str, float] = field(default_factory=dict)  # collection -> factor of its share
    manners: Mapping[str, str] = field(default_factory=dict)  # collection -> label of the control "manner"
    practice: float = 0.0  # share of windows of practice pieces, beside the shard's
    controls: tuple[Control, ...] = ()  # the model's
    edition: int = 2  # of the practice pieces; 0: half of them of each
    gaps: float = 0.0  # share of windows that are gaps, of the shard's and of practice pieces alike

    def open(self) -> TrainingWindows:
        """Opens the shard and returns its windows. DataError as of load_shard and WindowSampler."""
        return TrainingWindows(load_shard(self.shard), self)


class TrainingWindows:
    """Endless random batches; batch n depends on the shard, the diet and n alone."""

    def __init__(self, shard: Shard, diet: Diet) -> None:
        """DataError: no piece is long enough, or the weights leave none."""
        self._practice, self._edition, self._gaps = diet.practice, diet.edition, diet.gaps
        self._seed, self._batch_size = diet.seed, diet.batch_size
        manners = [diet.manners.get(name, "") for name in shard.collections]

        def labels(piece: PieceArrays) -> Mapping[str, str]:
            """Returns the labels of a piece: its own, and those of its collection."""
            manner = manners[piece.collection]
            return {"manner": manner, **piece.labels} if manner else piece.labels

        self._sampler = BaseSampler(
            shard.pieces, diet.length, diet.batch_size, diet.seed, shard.augmentation, diet.weights, shard.collections,
            diet.controls, labels,
        )  # fmt: skip

    def batch(self, number: int) -> tuple[Inputs, Tensor]:
        """Batch `number` of the run."""
        if not self._practice and not self._gaps:
            return self._sampler.batch(number)
        rng = np.random.default_rng((self._seed, number))
        composed = _composed(rng, self._edition)
        windows = []
        for _ in range(self._batch_size):
            piece = next(composed) if rng.random() < self._practice else self._sampler.pick(rng)
            # Nothing is drawn where no gaps are: such runs see the batches that they always saw.
            is_gap = self._gaps > 0 and rng.random() < self._gaps
            windows.append((self._sampler.gap_window if is_gap else self._sampler.window)(rng, piece))
        return collate(windows, self._sampler.length)


def _composed(rng: np.random.Generator, edition: int) -> Iterator[PieceArrays]:
    """Returns windows of practice pieces composed for this batch, a few of each piece."""
    while True:
        seed = FIRST_SEED + int(rng.integers(SEEDS))
        piece = practice_piece(seed, 0, edition or 1 + int(rng.integers(2)))
        arrays = tokenise(piece, 0)
        for _ in range(WINDOWS_A_PIECE):
            yield arrays
