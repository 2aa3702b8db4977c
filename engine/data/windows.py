"""Training windows: random cuts of the pieces, varied on the fly, with chords and beats for every position."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from engine.beats.phase import beat_bins
from engine.data.controls import ControlLevels
from engine.data.shards.augmentation import (
    DEFAULT_AUGMENT,
    Augmentation,
    jitter_velocity,
    keys,
    stretch_tokens,
    transpose_chords,
    transpose_tokens,
)
from engine.data.shards.shards import INDEX_EVERY, PieceArrays, Pieces, Shard, token_steps
from engine.data.straying import stray
from engine.errors import DataError
from engine.model.controls import UNKNOWN, Control
from engine.model.perceiver import Inputs
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import BOS, NO_CHORD, NUM_VELOCITIES, PAD, VELOCITY

__all__ = [
    "EvalWindow", "Labels", "WindowSampler", "collate", "cut_eval_windows", "cut_window", "draw_chords_ahead",
    "eval_windows",
]  # fmt: skip

STRAY = 0.5  # windows with a known beat whose notes leave it and find back (engine/data/straying)
NO_LOOK_AHEAD = 0.5  # windows that know no future chord, as in live play
MIN_TOKENS = 8  # shorter pieces teach nothing

I64 = npt.NDArray[np.int64]
Window = dict[str, npt.NDArray[Any]]
Labels = Callable[[PieceArrays], Mapping[str, str]]
"""A piece -> what is known of it by name: control -> label."""


class _Cut(NamedTuple):
    """A window, and what it is measured by: its tokens before any strayed, and the time that it lies in."""

    window: Window
    plain: I64
    before: int
    stretch: float


def cut_window(piece: PieceArrays, start: int, length: int) -> Window:
    """tokens (<= length + 1,) from `start` on; for each input position its beat, bar and chord; the chords in reach.

    astray: which tokens are no target, as nobody chose them. What its music is like is not told.
    """
    return _described(piece, piece.tokens[start : start + length + 1].astype(np.int64), piece.step_before(start))


def _described(piece: PieceArrays, tokens: I64, before: int, stretch: float = 1.0) -> Window:
    """A window of tokens that begin at step `before`, both in a time that is stretched against the piece's labels."""
    now = before + token_steps(tokens[:-1])
    if stretch == 1.0:
        beat_steps, chord_steps = piece.beat_steps, piece.chord_steps
    else:
        beat_steps, chord_steps = piece.beat_steps * stretch, np.rint(piece.chord_steps * stretch)
    beat, bar = beat_bins(now, beat_steps, piece.beat_in_bar)
    chord_now = np.searchsorted(chord_steps, now, side="right") - 1
    first = max(0, int(chord_now[0]) - CHORDS_BACK)
    last = int(chord_now[-1]) + CHORDS_AHEAD + 1
    return {
        "tokens": tokens,
        "astray": np.zeros(len(tokens), dtype=np.int64),
        "beat": beat,
        "bar": bar,
        "chords": piece.chord_ids[first:last].astype(np.int64),
        "chord_now": chord_now - first,
        "chords_ahead": np.array(CHORDS_AHEAD),
    }


def draw_chords_ahead(rng: np.random.Generator) -> I64:
    """How many future chords a window knows: none as in live play, or some of a chart."""
    return np.array(0 if rng.random() < NO_LOOK_AHEAD else int(rng.integers(1, CHORDS_AHEAD + 1)))


def collate(windows: list[Window], length: int) -> tuple[Inputs, torch.Tensor]:
    """Windows -> inputs and (B, L) targets: PAD, which the loss ignores, after the end and where they are astray.

    Windows either all have `levels`, (n, K) of the controls, or none has.
    """
    batch, width = len(windows), max(len(w["chords"]) for w in windows)
    tokens, targets = np.full((batch, length + 1), PAD), np.full((batch, length), PAD)
    beat, bar = np.full((batch, length), BEAT_BINS), np.full((batch, length), BAR_BINS)
    chord_now, chords = np.zeros((batch, length), dtype=np.int64), np.full((batch, width), NO_CHORD)
    asked = windows[0].get("levels")
    levels = None if asked is None else np.full((batch, length, asked.shape[1]), UNKNOWN, dtype=np.float32)
    for row, w in enumerate(windows):
        n = len(w["beat"])
        if levels is not None:
            levels[row, :n] = w["levels"]
        tokens[row, : n + 1] = w["tokens"]
        targets[row, :n] = np.where(w["astray"][1:], PAD, w["tokens"][1:])
        beat[row, :n], bar[row, :n] = w["beat"], w["bar"]
        chord_now[row, :n] = w["chord_now"]
        chord_now[row, n:] = w["chord_now"][-1]
        chords[row, : len(w["chords"])] = w["chords"]
    inputs = Inputs(
        tokens=torch.from_numpy(tokens[:, :-1].copy()),
        beat=torch.from_numpy(beat),
        bar=torch.from_numpy(bar),
        chords=torch.from_numpy(chords),
        chord_now=torch.from_numpy(chord_now),
        chords_ahead=torch.tensor([int(w["chords_ahead"]) for w in windows]),
        num_chords=torch.tensor([len(w["chords"]) for w in windows]),
        levels=None if levels is None else torch.from_numpy(levels),
    )
    return inputs, torch.from_numpy(targets)


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
        """The windows of a shard, varied as the shard asks for."""
        return cls(shard.pieces, length, batch_size, seed, shard.augmentation, weights, shard.collections, controls)

    def batch(self, number: int) -> tuple[Inputs, torch.Tensor]:
        """Batch `number` of the run."""
        rng = np.random.default_rng((self.seed, number))
        return collate([self.window(rng, self.pick(rng)) for _ in range(self.batch_size)], self.length)

    def pick(self, rng: np.random.Generator) -> PieceArrays:
        """A piece, as often as its share of the tokens and its weight ask for."""
        total = self.cumulative[-1]
        point = rng.integers(total) if self.cumulative.dtype == np.int64 else rng.random() * total
        place = min(int(np.searchsorted(self.cumulative, point, side="right")), len(self.places) - 1)
        return self.pieces[int(self.places[place])]

    def window(self, rng: np.random.Generator, piece: PieceArrays) -> Window:
        """A random cut of a piece, varied."""
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
        window = cut.window
        if rng.random() < self.chord_dropout:
            window["chords"] = np.array([NO_CHORD])
            window["chord_now"] = np.zeros_like(window["chord_now"])
        if hides_beat:
            window["beat"] = np.full_like(window["beat"], BEAT_BINS)
            window["bar"] = np.full_like(window["bar"], BAR_BINS)
        window["chords_ahead"] = draw_chords_ahead(rng)
        if self.controls is not None:
            known = self.labels(piece)
            window["levels"] = self.controls.draw(
                rng, cut.plain, cut.before, piece, cut.stretch, known, beat_known=not hides_beat
            )
        return window

    def _varied(
        self, piece: PieceArrays, start: int, cold: bool, rng: np.random.Generator, strays: bool = False
    ) -> _Cut:
        """The window from token `start` on, in a tempo and a loudness. cold: BOS takes its first token's place.

        strays: its notes leave the beat and find back.
        """
        factors, jitter = self.augmentation.tempo_stretch, self.augmentation.velocity_jitter
        # Nothing is drawn where nothing varies: such runs see the batches that they always saw.
        stretch = factors[int(rng.integers(len(factors)))] if len(factors) > 1 else factors[0]
        louder = 1.0 + jitter * float(rng.uniform(-1, 1)) if jitter else 1.0
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
            return _Cut(_described(piece, tokens, before, stretch), plain, before, stretch)
        tokens, astray = stray(tokens, rng)
        return _Cut({**_described(piece, tokens, before, stretch), "astray": astray}, plain, before, stretch)

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
    """(P,) tokens and (P,) collection of each piece, without making the pieces of a mapped shard."""
    if isinstance(pieces, Pieces):
        return pieces.lengths, pieces.collection.astype(np.int64)
    return np.array([len(p.tokens) for p in pieces], dtype=np.int64), np.array([p.collection for p in pieces], np.int64)


def _weights(weights: Mapping[str, float], collections: Sequence[str]) -> npt.NDArray[np.float64]:
    """(collections,) factors."""
    for name, weight in weights.items():
        if name not in collections:
            there = ", ".join(collections) or "none"
            raise DataError(f"weights name {name!r}, which the data does not hold: its collections are {there}")
        if not 0 <= weight < float("inf"):
            raise DataError(f"the weight of {name!r} is {weight}: give 0 or more")
    return np.array([weights.get(name, 1.0) for name in collections])


@dataclass(frozen=True)
class EvalWindow:
    """A cut of a held-out piece: targets first..stop-1 of its `length` positions are scored here and nowhere else."""

    piece: PieceArrays
    start: int  # token of the piece at position 0
    first: int
    stop: int

    @property
    def targets(self) -> slice:
        """The scored targets as tokens of the piece."""
        return slice(self.start + self.first + 1, self.start + self.stop + 1)


def eval_windows(pieces: Sequence[PieceArrays], length: int, max_windows: int | None = None) -> list[EvalWindow]:
    """Every target of every piece once, each but a piece's first ones with half a window of past.

    max_windows: at most so many, evenly spread, so that every piece has its share.
    """
    half = max(1, length // 2)
    windows = []
    for piece in pieces:
        start = 0
        while True:
            stop = min(length, len(piece.tokens) - 1 - start)
            windows.append(EvalWindow(piece, start, 0 if start == 0 else length - half, stop))
            if stop + start + 1 >= len(piece.tokens):
                break
            start += half
    if max_windows is not None and len(windows) > max_windows:
        windows = [windows[i] for i in np.linspace(0, len(windows) - 1, max_windows).astype(int)]
    return windows


def cut_eval_windows(windows: list[EvalWindow], length: int) -> Iterator[Window]:
    """Their contents, one by one: a corpus cut at once would fill the memory."""
    for window in windows:
        yield cut_window(window.piece, window.start, length)
