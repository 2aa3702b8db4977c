"""Describes a style's pieces as a chart would: with a beat in a player's range, with bars, with a chord or two a bar.

What a session tells the model is its player's tempo and a chart's chords. A rag in 2/4 is written at 60 and counted at
120; a roll has no beat at all until somebody taps along; recognised chords change with every passing note. A style that
was learnt from those alone does not know itself in a chart.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.beats.phase import UNKNOWN_IN_BAR
from engine.beats.tracking import estimate_beats
from engine.data.shards.shards import PieceArrays, steps_of
from engine.tokens import decode_notes
from engine.vocabulary import STEP_S

__all__ = ["chart_chords", "countings", "with_bars"]

SLOWEST_BPM, FASTEST_BPM = 75.0, 190.0  # that people count in
HALVED_FROM_BPM = 130.0
MIN_BEATS = 9


def countings(piece: PieceArrays) -> list[PieceArrays]:
    """Returns the piece with each beat that a player might count: its own, twice as fast, half as fast; one or more.

    A piece without known beats gets its likeliest ones, sure or not: for training alone.
    """
    if len(piece.beat_steps) < MIN_BEATS:
        piece = _with_likeliest_beats(piece)
    if len(piece.beat_steps) < MIN_BEATS:
        return [piece]
    bpm = 60.0 / STEP_S / float(np.median(np.diff(piece.beat_steps)))
    found = []
    if SLOWEST_BPM <= bpm <= FASTEST_BPM:
        found.append(piece)
    if SLOWEST_BPM <= 2 * bpm <= FASTEST_BPM:
        found.append(_twice_as_fast(piece))
    if HALVED_FROM_BPM < bpm <= 2 * FASTEST_BPM and _bars_are_even(piece):
        found.append(_half_as_fast(piece))
    return found or [piece]


def with_bars(piece: PieceArrays, rng: np.random.Generator) -> PieceArrays:
    """Returns the piece, with assumed bars of four beats where its bars are unknown."""
    if not len(piece.beat_in_bar) or not (piece.beat_in_bar == UNKNOWN_IN_BAR).all():
        return piece
    return replace(piece, beat_in_bar=_as_bytes((np.arange(len(piece.beat_steps)) + rng.integers(4)) % 4))


def chart_chords(piece: PieceArrays, rng: np.random.Generator) -> PieceArrays:
    """Returns the piece with fewer chords: the longest of every two or four beats. Without beats it stays as it is."""
    if len(piece.beat_steps) < MIN_BEATS or len(piece.chord_ids) < 3:
        return piece
    every = int(rng.choice([2, 4]))
    edges = piece.beat_steps[int(rng.integers(every)) :: every].astype(np.float64)
    edges = edges[edges >= 0]  # estimated beats may begin before the music, where no chord is
    onsets = np.append(piece.chord_steps.astype(np.float64), np.inf)
    ids, steps = [int(piece.chord_ids[0])], [0]
    for start, stop in pairwise(edges):
        first, last = np.searchsorted(onsets, [start, stop], side="right") - 1
        inside = np.arange(max(first, 0), last + 1)
        lasting: dict[int, float] = {}
        for token, length in zip(
            piece.chord_ids[inside].tolist(),
            np.minimum(onsets[inside + 1], stop) - np.maximum(onsets[inside], start),
            strict=True,
        ):
            lasting[token] = lasting.get(token, 0.0) + float(length)
        longest = max(lasting, key=lambda token: lasting[token])
        if longest != ids[-1] and round(start) > steps[-1]:
            ids.append(longest)
            steps.append(round(start))
    return replace(
        piece, chord_ids=np.array(ids, piece.chord_ids.dtype), chord_steps=np.array(steps, piece.chord_steps.dtype)
    )


def _with_likeliest_beats(piece: PieceArrays) -> PieceArrays:
    beats = steps_of(estimate_beats(decode_notes(piece.tokens)).beats_s).astype(np.float32)
    return replace(piece, beat_steps=beats, beat_in_bar=np.full(len(beats), UNKNOWN_IN_BAR, np.uint8))


def _twice_as_fast(piece: PieceArrays) -> PieceArrays:
    beats = piece.beat_steps.astype(np.float64)
    places = np.arange(2 * len(beats) - 1)
    in_bar = np.repeat(piece.beat_in_bar.astype(np.int64), 2)[: len(places)]
    doubled = np.where(
        in_bar == UNKNOWN_IN_BAR, UNKNOWN_IN_BAR, np.minimum(2 * in_bar + places % 2, UNKNOWN_IN_BAR - 1)
    )
    return replace(
        piece,
        beat_steps=np.interp(places / 2, np.arange(len(beats)), beats).astype(np.float32),
        beat_in_bar=_as_bytes(doubled),
    )


def _half_as_fast(piece: PieceArrays) -> PieceArrays:
    in_bar = piece.beat_in_bar.astype(np.int64)
    first = int(np.argmax(in_bar % 2 == 0)) if (in_bar != UNKNOWN_IN_BAR).any() else 0
    kept = in_bar[first::2]
    halved = np.where(kept == UNKNOWN_IN_BAR, UNKNOWN_IN_BAR, kept // 2)
    return replace(piece, beat_steps=piece.beat_steps[first::2], beat_in_bar=_as_bytes(halved))


def _bars_are_even(piece: PieceArrays) -> bool:
    """Whether every known bar has an even number of beats."""
    known = piece.beat_in_bar[piece.beat_in_bar != UNKNOWN_IN_BAR]
    return not len(known) or int(known.max()) % 2 == 1


def _as_bytes(values: I64) -> npt.NDArray[np.uint8]:
    return values.astype(np.uint8)
