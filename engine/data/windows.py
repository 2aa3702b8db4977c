"""A window of a piece with its chords and beats at every position, and batches made of windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.arrays import I64
from engine.beats.phase import beat_bins
from engine.data.shards.shards import PieceArrays, token_steps
from engine.model.controls import UNKNOWN
from engine.model.perceiver import Inputs
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import NO_CHORD, PAD

__all__ = ["Window", "collate", "cut_window", "described", "draw_chords_ahead"]

NO_LOOK_AHEAD = 0.5  # windows that know no future chord, as in live play

Window = dict[str, npt.NDArray[Any]]


def cut_window(piece: PieceArrays, start: int, length: int) -> Window:
    """Cuts (<= length + 1,) tokens from `start` on, with beat, bar and chord of each input, and the chords in reach.

    given marks tokens that are no targets, as no player chose them or they only lead up to what is to be learnt: here
    none. The window has no levels.
    """
    return described(piece, piece.tokens[start : start + length + 1].astype(np.int64), piece.step_before(start))


def described(piece: PieceArrays, tokens: I64, before: int, stretch: float = 1.0) -> Window:
    """Makes a window of tokens that begin at step `before`; both are in the piece's time multiplied by `stretch`."""
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
        "given": np.zeros(len(tokens), dtype=np.int64),
        "beat": beat,
        "bar": bar,
        "chords": piece.chord_ids[first:last].astype(np.int64),
        "chord_now": chord_now - first,
        "chords_ahead": np.array(CHORDS_AHEAD),
    }


def draw_chords_ahead(rng: np.random.Generator) -> I64:
    """Draws how many future chords a window knows: none as in live play, or some of a chart."""
    return np.array(0 if rng.random() < NO_LOOK_AHEAD else int(rng.integers(1, CHORDS_AHEAD + 1)))


def collate(windows: list[Window], length: int) -> tuple[Inputs, torch.Tensor]:
    """Joins windows to inputs and (B, L) targets: PAD, which the loss ignores, after the end and what is given.

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
        targets[row, :n] = np.where(w["given"][1:], PAD, w["tokens"][1:])
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
