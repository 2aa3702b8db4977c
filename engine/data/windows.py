"""Training windows: random cuts of the pieces, transposed on the fly, with chords and beats for every position."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from engine.beats import beat_bins
from engine.data.shards import DEFAULT_AUGMENT, PieceArrays, token_steps
from engine.errors import DataError
from engine.model.perceiver import Inputs
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import BOS, CHORD, NO_CHORD, NOTE_OFF, NUM_CHORDS, NUM_VELOCITIES, PAD, QUALITIES, VELOCITY

__all__ = [
    "CHORD_DROPOUT", "EvalWindow", "WindowSampler", "collate", "cut_eval_windows", "cut_window", "eval_windows", "keys",
    "transpose_chords", "transpose_tokens",
]  # fmt: skip

CHORD_DROPOUT = 0.12  # windows without chords: what classifier-free guidance compares with (Ho and Salimans 2022)
BEAT_DROPOUT = 0.25  # windows with a known beat that hide it
NO_LOOK_AHEAD = 0.5  # windows that know no future chord, as in live play
COLD_START = 0.25  # windows that begin with BOS in mid-piece, so that BOS does not mean "an introduction"

Window = dict[str, npt.NDArray[np.int64]]


def keys(augment: int) -> range:
    """Semitones of so many transpositions around the piece's own key: 12 -> -5..6, 1 -> 0."""
    low = -((augment - 1) // 2)
    return range(low, low + augment)


def transpose_tokens(tokens: npt.NDArray[np.int64], semitones: int) -> npt.NDArray[np.int64]:
    """Event ids with their pitches moved. ValueError if one leaves 0..127."""
    is_pitch = tokens < NOTE_OFF + 128
    pitch = np.where(is_pitch, tokens % 128, 60) + semitones
    if pitch.min() < 0 or pitch.max() > 127:
        raise ValueError(f"transposing by {semitones} leaves 0..127")
    return np.where(is_pitch, tokens + semitones, tokens)


def transpose_chords(ids: npt.NDArray[np.int64], semitones: int) -> npt.NDArray[np.int64]:
    """Chord ids with their roots moved; NO_CHORD stays."""
    return np.where(ids >= CHORD, CHORD + (ids - CHORD + semitones * len(QUALITIES)) % NUM_CHORDS, ids)


def cut_window(piece: PieceArrays, steps: npt.NDArray[np.int64], start: int, length: int) -> Window:
    """tokens (<= length + 1,) from `start` on; for each input position its beat, bar and chord; the chords in reach."""
    tokens = piece.tokens[start : start + length + 1].astype(np.int64)
    now = steps[start : start + len(tokens) - 1]
    beat, bar = beat_bins(now, piece.beat_steps, piece.beat_in_bar)
    chord_now = np.searchsorted(piece.chord_steps, now, side="right") - 1
    first = max(0, int(chord_now[0]) - CHORDS_BACK)
    last = int(chord_now[-1]) + CHORDS_AHEAD + 1
    return {
        "tokens": tokens,
        "beat": beat,
        "bar": bar,
        "chords": piece.chord_ids[first:last],
        "chord_now": chord_now - first,
        "chords_ahead": np.array(CHORDS_AHEAD),
    }


def collate(windows: list[Window], length: int) -> tuple[Inputs, torch.Tensor]:
    """Windows -> inputs and (B, L) targets, padded with PAD (which the loss ignores)."""
    batch, width = len(windows), max(len(w["chords"]) for w in windows)
    tokens = np.full((batch, length + 1), PAD)
    beat, bar = np.full((batch, length), BEAT_BINS), np.full((batch, length), BAR_BINS)
    chord_now, chords = np.zeros((batch, length), dtype=np.int64), np.full((batch, width), NO_CHORD)
    for row, w in enumerate(windows):
        n = len(w["beat"])
        tokens[row, : n + 1] = w["tokens"]
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
    )
    return inputs, torch.from_numpy(tokens[:, 1:].copy())


class WindowSampler:
    """Endless random batches; batch n depends on (seed, n) alone, so a resumed run sees what it would have seen."""

    def __init__(
        self, pieces: list[PieceArrays], length: int, batch_size: int, seed: int, augment: int = DEFAULT_AUGMENT
    ) -> None:
        self.pieces = [p for p in pieces if len(p.tokens) > 8]
        if not self.pieces:
            raise DataError("the training side of the data holds no piece: prepare more files")
        self.steps = [token_steps(p.tokens) for p in self.pieces]
        self.length, self.batch_size, self.seed = length, batch_size, seed
        self.keys = keys(augment)
        self.cumulative = np.cumsum([len(p.tokens) for p in self.pieces])

    def batch(self, number: int) -> tuple[Inputs, torch.Tensor]:
        """Batch `number` of the run."""
        rng = np.random.default_rng((self.seed, number))
        return collate([self._draw(rng) for _ in range(self.batch_size)], self.length)

    def _draw(self, rng: np.random.Generator) -> Window:
        index = int(np.searchsorted(self.cumulative, rng.integers(self.cumulative[-1]), side="right"))
        piece = self.pieces[index]
        start = int(rng.integers(0, max(1, len(piece.tokens) - self.length)))
        cold = rng.random() < COLD_START and start > 0
        if cold:  # a note's VELOCITY comes first, so that the stream is complete without its past
            ahead = piece.tokens[start + 1 : start + 256]
            velocity = np.flatnonzero((ahead >= VELOCITY) & (ahead < VELOCITY + NUM_VELOCITIES))
            start += int(velocity[0]) if len(velocity) else 0
        window = cut_window(piece, self.steps[index], start, self.length)
        if cold:
            window["tokens"][0] = BOS
        window = self._transposed(window, rng)
        if rng.random() < CHORD_DROPOUT:
            window["chords"] = np.array([NO_CHORD])
            window["chord_now"] = np.zeros_like(window["chord_now"])
        if rng.random() < BEAT_DROPOUT:
            window["beat"] = np.full_like(window["beat"], BEAT_BINS)
            window["bar"] = np.full_like(window["bar"], BAR_BINS)
        ahead_known = 0 if rng.random() < NO_LOOK_AHEAD else int(rng.integers(1, CHORDS_AHEAD + 1))
        window["chords_ahead"] = np.array(ahead_known)
        return window

    def _transposed(self, window: Window, rng: np.random.Generator) -> Window:
        semitones = int(rng.integers(self.keys.start, self.keys.stop))
        try:
            tokens = transpose_tokens(window["tokens"], semitones)
        except ValueError:  # at the edge of the keyboard the piece keeps its key
            return window
        return {**window, "tokens": tokens, "chords": transpose_chords(window["chords"], semitones)}


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


def eval_windows(pieces: list[PieceArrays], length: int, max_windows: int | None = None) -> list[EvalWindow]:
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
    piece, steps = None, np.zeros(0, dtype=np.int64)
    for window in windows:
        if window.piece is not piece:
            piece, steps = window.piece, token_steps(window.piece.tokens)
        yield cut_window(window.piece, steps, window.start, length)
