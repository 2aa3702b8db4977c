"""Draws what a style learns from: its pieces in mid-flow, as a session starts them, and after its own playing.

Every window is told what its music is like, as base training tells it (engine/data/controls), so that the adapter need
not learn how loud or how dense a pianist plays: a session asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.controls import ControlLevels
from engine.data.shards.shards import PieceArrays, Shard
from engine.data.window_sampler import WindowSampler
from engine.data.windows import collate, cut_window, draw_chords_ahead
from engine.model.controls import Control
from engine.model.perceiver import Inputs
from engine.training.finetune.checks import practice_shard
from engine.training.finetune.countings import chart_chords, countings, with_bars
from engine.training.finetune.own_playing import Return
from engine.vocabulary import NO_CHORD

__all__ = ["PlayReturns", "StyleWindows", "practice_windows", "with_other_chords"]

RETURNS, STARTS = 0.25, 0.1  # shares of the batches; the others are full flow
FLOW_TOKENS, START_TOKENS, RETURN_TOKENS = 512, 128, 256
FRESH = 40  # updates for which the model's own playing is current
POOL = 48  # returns at a time
SHORTEST_LEAD, LONGEST_LEAD = 0.15, 0.625  # of a window: own playing before the turn
PRACTICE_PIECES = 64

PlayReturns = Callable[[Sequence[PieceArrays], int, np.random.Generator], list[Return]]
"""Plays so many returns to pieces by the model as it stands, with a generator of random numbers."""


class StartSampler(WindowSampler):
    """Windows as a session begins: a fresh stream in the middle of the music, the beat known, a chart's chords."""

    cold_start, beat_dropout, chord_dropout = 1.0, 0.0, 0.05


class StyleWindows:
    """Endless random batches of about as many tokens each; batch n depends on the seed, n and the model's playing."""

    def __init__(
        self,
        shard: Shard,
        length: int,
        tokens: int,
        seed: int,
        play_returns: PlayReturns | None = None,
        controls: Sequence[Control] = (),
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """length: the model's longest window. tokens: of a batch. play_returns: None learns no way back. controls: the
        model's; labels: what all of the style is by name.

        DataError: no piece is long enough.
        """
        self.length, self.tokens, self.seed = min(length, FLOW_TOKENS), tokens, seed
        WindowSampler.of(shard, self.length, 1, seed)  # says at once what cannot be learnt from
        self._augmentation = shard.augmentation
        self._countings = [countings(piece) for piece in shard.pieces]
        self._play_returns = play_returns
        self._controls, self._labels = controls, dict(labels or {})
        self._pool: list[Return] = []
        self._pool_of = -1

    @property
    def learns_returns(self) -> bool:
        return self._play_returns is not None

    def batch(self, number: int) -> tuple[Inputs, Tensor]:
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
        return sampler(
            pieces, length, max(1, self.tokens // length), self.seed, self._augmentation,
            controls=self._controls, labels=lambda piece: self._labels,
        ).batch(number)  # fmt: skip

    def _pieces(self, rng: np.random.Generator, charted: bool) -> list[PieceArrays]:
        """Returns every piece in one of its countings, with a chart's chords if asked for."""
        chosen = [with_bars(ways[int(rng.integers(len(ways)))], rng) for ways in self._countings]
        return [chart_chords(piece, rng) for piece in chosen] if charted else chosen

    def _returns(self, rng: np.random.Generator) -> tuple[Inputs, Tensor]:
        length = min(RETURN_TOKENS, self.length)
        shortest, longest = int(SHORTEST_LEAD * length), int(LONGEST_LEAD * length)
        windows = []
        for _ in range(max(1, self.tokens // length)):
            there = self._pool[int(rng.integers(len(self._pool)))]
            # From the stream's own start where that is in reach.
            start = 0 if there.first <= longest else there.first - int(rng.integers(shortest, longest + 1))
            window = cut_window(there.piece, start, length)
            own = there.first - start
            window["given"][:own] = 1  # own playing is no target
            if self._controls:
                # What the piece is like was asked for all along, as a session's auto is.
                told = ControlLevels(self._controls).draw(
                    rng, window["tokens"][own - 1 :], there.piece.step_before(start + own - 1), there.piece,
                    labels=self._labels, end_known=False,
                )  # fmt: skip
                window["levels"] = np.concatenate([np.repeat(told[:1], own - 1, axis=0), told])
            windows.append({**window, "chords_ahead": draw_chords_ahead(rng)})
        return collate(windows, length)


def practice_windows(length: int, tokens: int, seed: int, controls: Sequence[Control]) -> WindowSampler:
    """Makes windows of composed practice pieces under their own chords, so that a style does not forget them."""
    pieces, length = practice_shard(seed + 1_000, PRACTICE_PIECES).pieces, min(length, FLOW_TOKENS)
    return WindowSampler(pieces, length, max(1, tokens // length), seed, controls=controls)


def with_other_chords(inputs: Inputs, rng: np.random.Generator, share: float) -> tuple[Inputs, list[int]]:
    """Returns the batch followed by so many of its windows with their chords in another order, and which those are.

    Windows that know fewer than three chords are left out, since these have no other order.
    """
    known = [row for row, count in enumerate(inputs.num_chords.tolist()) if count > 3]
    rows = sorted(rng.permutation(known)[: max(1, round(share * len(inputs.num_chords)))].tolist()) if known else []
    if not rows:
        return inputs, rows
    both: dict[str, Any] = {
        name: None if value is None else torch.cat([value, value[rows]]) for name, value in vars(inputs).items()
    }
    chords = both["chords"]
    for place, row in enumerate(rows, start=len(inputs.num_chords)):
        count = int(inputs.num_chords[row])
        first = int(chords[place, 0] == NO_CHORD)  # the silence before the first chord stays where it is
        order = torch.from_numpy(rng.permutation(count - first) + first)
        chords[place, first:count] = chords[place, order]
    return replace(inputs, **both), rows
