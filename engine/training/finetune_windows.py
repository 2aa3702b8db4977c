"""What a style learns from: its pieces in full flow, as a session starts them, and after its own playing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from engine.data.shards import PieceArrays, Shard
from engine.data.windows import WindowSampler, collate, cut_window, draw_chords_ahead
from engine.model.perceiver import Inputs
from engine.training.countings import chart_chords, countings, with_bars
from engine.training.own_playing import Return

__all__ = ["PlayReturns", "StyleWindows"]

RETURNS, STARTS = 0.45, 0.2  # shares of the batches; the others are full flow
START_TOKENS, RETURN_TOKENS = 128, 256
FRESH = 30  # updates for which the model's own playing is current
POOL = 96  # returns at a time
SHORTEST_LEAD, LONGEST_LEAD = 0.15, 0.625  # of a window: own playing before the turn

PlayReturns = Callable[[Sequence[PieceArrays], int, np.random.Generator], list[Return]]
"""Pieces, how many, chance -> returns by the model as it stands."""


class StartSampler(WindowSampler):
    """Windows as a session begins: a fresh stream in the middle of the music, the beat known, a chart's chords."""

    cold_start, beat_dropout, chord_dropout = 1.0, 0.0, 0.05


class StyleWindows:
    """Endless random batches of about as many tokens each; batch n depends on the seed, n and the model's playing."""

    def __init__(
        self, shard: Shard, length: int, batch_size: int, seed: int, play_returns: PlayReturns | None = None
    ) -> None:
        """length, batch_size: of the windows in full flow. play_returns: None learns no way back.

        DataError: no piece is long enough.
        """
        self.length, self.batch_size, self.seed = length, batch_size, seed
        WindowSampler.of(shard, length, batch_size, seed)  # says at once what cannot be learnt from
        self._augmentation = shard.augmentation
        self._countings = [countings(piece) for piece in shard.pieces]
        self._play_returns = play_returns
        self._pool: list[Return] = []
        self._pool_of = -1

    @property
    def learns_returns(self) -> bool:
        return self._play_returns is not None

    def batch(self, number: int) -> tuple[Inputs, torch.Tensor]:
        """Batch `number` of the run."""
        # A stream of its own: who calls with the same seed and number, or is called, must not draw the same chances.
        rng = np.random.default_rng((self.seed, number, 1))
        kind = rng.random()
        if self._play_returns is not None and kind < RETURNS:
            if number // FRESH != self._pool_of:
                self._pool_of = number // FRESH
                self._pool = self._play_returns(self._pieces(rng, True), POOL, rng)
            if self._pool:
                return self._returns(rng)
        starts = RETURNS <= kind < RETURNS + STARTS
        length = min(START_TOKENS, self.length) if starts else self.length
        sampler = StartSampler if starts else WindowSampler
        pieces = self._pieces(rng, starts or rng.random() < 0.5)
        count = self.batch_size * self.length // length
        return sampler(pieces, length, count, self.seed, self._augmentation).batch(number)

    def _pieces(self, rng: np.random.Generator, charted: bool) -> list[PieceArrays]:
        """Every piece in one of its countings, with a chart's chords if asked for."""
        chosen = [with_bars(ways[int(rng.integers(len(ways)))], rng) for ways in self._countings]
        return [chart_chords(piece, rng) for piece in chosen] if charted else chosen

    def _returns(self, rng: np.random.Generator) -> tuple[Inputs, torch.Tensor]:
        length = min(RETURN_TOKENS, self.length)
        shortest, longest = int(SHORTEST_LEAD * length), int(LONGEST_LEAD * length)
        windows = []
        for _ in range(self.batch_size * self.length // length):
            there = self._pool[int(rng.integers(len(self._pool)))]
            # From the stream's own start where that is in reach.
            start = 0 if there.first <= longest else there.first - int(rng.integers(shortest, longest + 1))
            window = cut_window(there.piece, start, length)
            window["astray"][: there.first - start] = 1  # own playing is no target
            windows.append({**window, "chords_ahead": draw_chords_ahead(rng)})
        return collate(windows, length)
