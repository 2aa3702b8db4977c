"""Endless random batches of training windows, varied on the fly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from engine.arrays import I64
from engine.data.controls import ControlLevels
from engine.data.gaps.places import find_place, gap_at
from engine.data.gaps.windows import gap_window
from engine.data.shards.augmentation import (
    DEFAULT_AUGMENT,
    Augmentation,
    jitter_velocity,
    keys,
    stretch_tokens,
    transpose_chords,
    transpose_tokens,
)
from engine.data.shards.shards import INDEX_EVERY, PieceArrays, Pieces, Shard
from engine.data.straying import stray
from engine.data.windows import Window, collate, described, draw_chords_ahead
from engine.errors import DataError
from engine.model.controls import Control
from engine.model.perceiver import Inputs
from engine.model.shapes import BAR_BINS, BEAT_BINS
from engine.vocabulary import BOS, NO_CHORD, NUM_VELOCITIES, SEAM, VELOCITY

__all__ = ["Labels", "WindowSampler"]

STRAY = 0.5  # windows with a known beat whose notes leave it and find back (engine/data/straying)
MIN_TOKENS = 8  # shorter pieces teach nothing

Labels = Callable[[PieceArrays], Mapping[str, str]]
"""A piece -> what is known of it by name: control -> label."""


class _Cut(NamedTuple):
    """A window, and what its controls are measured on: its tokens before any strayed, their start and stretch; of a gap
    also its places in the piece.
    """

    window: Window
    plain: I64
    before: int
    stretch: float
    places: I64 | None = None


class WindowSampler:
    """Endless random batches; batch n depends on (seed, n) alone, so a resumed run sees what it would have seen."""

    chord_dropout = 0.12  # windows without chords: what classifier-free guidance compares with (Ho and Salimans 2022)
    beat_dropout = 0.25  # windows with a known beat that hide it
    cold_start = 0.25  # windows that begin with BOS in mid-piece, so that BOS does not mean "an introduction"
    past_end = 0.0  # of a window, by which it may reach beyond its piece

    def __init__(
        self,
        pieces: Sequence[PieceArrays],
        length: int,
        batch_size: int,
        seed: int,
        augment: int | Augmentation = DEFAULT_AUGMENT,
        weights: Mapping[str, float] | None = None,
        collections: Sequence[str] = (),
        controls: Sequence[Control] = (),
        labels: Labels = lambda piece: piece.labels,
    ) -> None:
        """weights: collection -> factor of its share of the windows, 1 for one not named. A token of a collection with
        weight 2 is drawn twice as often as one with weight 1. collections: the shard's names, needed for weights.
        controls: the model's, of which windows are told some; labels: what they are told by name.

        DataError: no piece is long enough, a weight is negative, names no collection or leaves nothing to draw.
        """
        lengths, collection = _columns(pieces)
        self.places = np.flatnonzero(lengths > MIN_TOKENS)  # of the pieces that are long enough
        if not len(self.places):
            raise DataError("the training side of the data holds no piece: prepare more files")
        self.pieces = pieces
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self.augmentation = augment if isinstance(augment, Augmentation) else Augmentation(augment)
        self.keys = keys(self.augmentation.keys)
        self.controls, self.labels = ControlLevels(controls) if controls else None, labels
        shares: npt.NDArray[Any] = lengths[self.places]
        if weights:
            shares = shares * _weights(weights, collections)[collection[self.places]]
        self.cumulative = np.cumsum(shares)
        if not self.cumulative[-1] > 0:
            raise DataError("the weights leave no collection to draw from: give one of them a weight above 0")

    @classmethod
    def of(
        cls,
        shard: Shard,
        length: int,
        batch_size: int,
        seed: int,
        weights: Mapping[str, float] | None = None,
        controls: Sequence[Control] = (),
    ) -> WindowSampler:
        """Makes the sampler of a shard, with the variation that the shard asks for."""
        return cls(shard.pieces, length, batch_size, seed, shard.augmentation, weights, shard.collections, controls)

    def batch(self, number: int) -> tuple[Inputs, torch.Tensor]:
        """Batch `number` of the run."""
        rng = np.random.default_rng((self.seed, number))
        return collate([self.window(rng, self.pick(rng)) for _ in range(self.batch_size)], self.length)

    def pick(self, rng: np.random.Generator) -> PieceArrays:
        """Draws a piece with a probability of its tokens times its weight."""
        total = self.cumulative[-1]
        point = rng.integers(total) if self.cumulative.dtype == np.int64 else rng.random() * total
        place = min(int(np.searchsorted(self.cumulative, point, side="right")), len(self.places) - 1)
        return self.pieces[int(self.places[place])]

    def window(self, rng: np.random.Generator, piece: PieceArrays) -> Window:
        """Returns a random cut of a piece, varied."""
        within = self.length - int(self.past_end * self.length)
        start = int(rng.integers(0, max(1, len(piece.tokens) - within)))
        cold = rng.random() < self.cold_start and start > 0
        if cold:  # a note's VELOCITY comes first, so that the stream is complete without its past
            ahead = piece.tokens[start + 1 : start + 256]
            velocity = np.flatnonzero((ahead >= VELOCITY) & (ahead < VELOCITY + NUM_VELOCITIES))
            start += int(velocity[0]) if len(velocity) else 0
        hides_beat = rng.random() < self.beat_dropout
        strays = not hides_beat and len(piece.beat_steps) > 0 and rng.random() < STRAY
        cut = self._transposed(self._varied(piece, start, cold, rng, strays), rng)
        return self._told(rng, piece, cut, hides_beat)

    def gap_window(self, rng: np.random.Generator, piece: PieceArrays) -> Window:
        """Returns a random gap of a piece as a fill hears it, varied.

        Where there is none, or so long a one that the window reaches back to nothing of what stands behind it, the
        window is another random cut.
        """
        hides_beat = rng.random() < self.beat_dropout
        stretch, louder = self._variation(rng)
        place = find_place(piece, rng)
        found = None if place is None else gap_at(piece, place, stretch, louder)
        gap = None if found is None else gap_window(piece, *found, self.length, stretch)
        if gap is None or SEAM not in gap.window["tokens"]:
            return self.window(rng, piece)
        cut = self._transposed(_Cut(gap.window, gap.window["tokens"], gap.before, stretch, gap.places), rng)
        window = self._told(rng, piece, cut, hides_beat)
        if self.controls is not None:
            self.controls.tell_end(window["levels"], gap.left_s)
        return window

    def _told(self, rng: np.random.Generator, piece: PieceArrays, cut: _Cut, hides_beat: bool) -> Window:
        """Hides what the window is not to know, and draws what it is told of itself."""
        window = cut.window
        if rng.random() < self.chord_dropout:
            window["chords"] = np.array([NO_CHORD])
            window["chord_now"] = np.zeros_like(window["chord_now"])
        if hides_beat:
            window["beat"] = np.full_like(window["beat"], BEAT_BINS)
            window["bar"] = np.full_like(window["bar"], BAR_BINS)
        if cut.places is None:  # who fills a gap knows the chords behind it
            window["chords_ahead"] = draw_chords_ahead(rng)
        if self.controls is not None:
            window["levels"] = self.controls.draw(
                rng, cut.plain, cut.before, piece, cut.stretch, self.labels(piece), beat_known=not hides_beat,
                end_known=cut.places is None, places=cut.places,
            )  # fmt: skip
        return window

    def _variation(self, rng: np.random.Generator) -> tuple[float, float]:
        """Draws a tempo and a loudness: factors of times and of velocities."""
        factors, jitter = self.augmentation.tempo_stretch, self.augmentation.velocity_jitter
        # Nothing is drawn where nothing varies: such runs see the batches that they always saw.
        stretch = factors[int(rng.integers(len(factors)))] if len(factors) > 1 else factors[0]
        return stretch, 1.0 + jitter * float(rng.uniform(-1, 1)) if jitter else 1.0

    def _varied(
        self, piece: PieceArrays, start: int, cold: bool, rng: np.random.Generator, strays: bool = False
    ) -> _Cut:
        """Cuts the window from token `start` on in a random tempo and loudness. cold: BOS replaces its first token.

        strays: its notes leave the beat and find back.
        """
        stretch, louder = self._variation(rng)
        first, room = start + cold, self.length + 1 - cold
        # Stretching and jitter may take tokens away: at most half, where every shift of two tokens becomes one.
        reach = room if stretch == louder == 1.0 else 2 * room + INDEX_EVERY
        tokens, before = piece.tokens[first : first + reach].astype(np.int64), piece.step_before(first)
        if stretch != 1.0:
            tokens, before = stretch_tokens(tokens, before, stretch), round(before * stretch)
        if louder != 1.0:
            tokens = jitter_velocity(tokens, louder)
        tokens = tokens[:room]
        if cold:
            tokens = np.concatenate([[BOS], tokens])
        plain = tokens
        if not strays:
            return _Cut(described(piece, tokens, before, stretch), plain, before, stretch)
        tokens, astray = stray(tokens, rng)
        return _Cut({**described(piece, tokens, before, stretch), "given": astray}, plain, before, stretch)

    def _transposed(self, cut: _Cut, rng: np.random.Generator) -> _Cut:
        semitones = int(rng.integers(self.keys.start, self.keys.stop))
        window = cut.window
        try:
            tokens, plain = (transpose_tokens(ids, semitones) for ids in (window["tokens"], cut.plain))
        except ValueError:  # at the edge of the keyboard the piece keeps its key
            return cut
        moved = {**window, "tokens": tokens, "chords": transpose_chords(window["chords"], semitones)}
        return cut._replace(window=moved, plain=plain)


def _columns(pieces: Sequence[PieceArrays]) -> tuple[I64, I64]:
    """Returns (P,) numbers of tokens and (P,) collections, without making the pieces of a mapped shard."""
    if isinstance(pieces, Pieces):
        return pieces.lengths, pieces.collection.astype(np.int64)
    return np.array([len(p.tokens) for p in pieces], dtype=np.int64), np.array([p.collection for p in pieces], np.int64)


def _weights(weights: Mapping[str, float], collections: Sequence[str]) -> npt.NDArray[np.float64]:
    """Returns (collections,) factors."""
    for name, weight in weights.items():
        if name not in collections:
            there = ", ".join(collections) or "none"
            raise DataError(f"weights name {name!r}, which the data does not hold: its collections are {there}")
        if not 0 <= weight < float("inf"):
            raise DataError(f"the weight of {name!r} is {weight}: give 0 or more")
    return np.array([weights.get(name, 1.0) for name in collections])
