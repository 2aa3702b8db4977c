"""Where a gap lies in a piece: one to four of its bars, or as many seconds where its beat is unknown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import native
from engine.arrays import I64
from engine.data.shards.augmentation import jitter_velocity, stretch_tokens
from engine.data.shards.shards import PieceArrays, token_steps
from engine.inference.fill.foresight import BEFORE_STEPS, BEHIND_STEPS, Foresight
from engine.inference.fill.gap import Gap, Struck
from engine.vocabulary import LAYOUT, NUM_VELOCITIES, VELOCITY, velocity_bin

__all__ = ["Place", "find_place", "gap_at"]

MOST_BARS = 4
LONGEST_STEPS, SHORTEST_STEPS = 1000, 50  # of a gap
UNKNOWN_BAR_STEPS = 200  # as fills have it where no beat is known
FEWEST_NOTES = 2  # to learn in a gap


class Place(NamedTuple):
    """Steps of a piece, as it was played: a gap's first, the first behind it, and the length of a bar there."""

    begin: float
    end: float
    bar: float


def find_place(piece: PieceArrays, rng: np.random.Generator) -> Place | None:
    """Draws a gap, the likelier in a bar the more tokens it has. None: no bar, or none short enough, lies there."""
    at = piece.step_before(int(rng.integers(len(piece.tokens))))
    bars = int(rng.integers(1, MOST_BARS + 1))
    lines = np.asarray(piece.beat_steps, dtype=np.float64)[np.asarray(piece.beat_in_bar) == 0]
    if len(lines) < 2:
        return Place(
            at, at + int(rng.integers(UNKNOWN_BAR_STEPS // 2, bars * UNKNOWN_BAR_STEPS + 1)), UNKNOWN_BAR_STEPS
        )
    first = int(np.searchsorted(lines, at, side="right")) - 1
    last = min(first + bars, len(lines) - 1)
    while last > first and lines[last] - lines[first] > LONGEST_STEPS:
        last -= 1
    if first < 0 or last <= first or lines[last] - lines[first] < SHORTEST_STEPS:
        return None
    near = lines[max(0, first - bars) : last + bars + 1]
    return Place(float(lines[first]), float(lines[last]), float(np.median(np.diff(near))))


def gap_at(piece: PieceArrays, place: Place, stretch: float = 1.0, louder: float = 1.0) -> tuple[Gap, Foresight] | None:
    """Cuts a gap with as much of its sides as a fill hears; in the piece's steps times `stretch`.

    None: too little stands in it, or nothing behind it.
    """
    reach = max(BEFORE_STEPS, BEHIND_STEPS) + 2 * place.bar
    after = token_steps(piece.tokens)
    first, last = np.searchsorted(after, [place.begin - reach, place.end + reach])
    tokens, before = piece.tokens[first:last].astype(np.int64), int(after[first - 1]) if first else 0
    tokens = np.concatenate([_velocity_before(piece, int(first)), tokens])
    if stretch != 1.0:
        tokens, before = stretch_tokens(tokens, before, stretch), round(before * stretch)
    if louder != 1.0:
        tokens = jitter_velocity(tokens, louder)
    onset, offset, pitch, velocity, _, _ = native.decode(LAYOUT, tokens)
    columns = (onset + before, offset + before, pitch, velocity_bin(velocity.astype(np.int64)))
    notes = [Struck(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    gap = Gap.of(notes, round(place.begin * stretch), round(place.end * stretch))
    ahead = Foresight.of(gap, place.bar * stretch)
    return (gap, ahead) if ahead is not None and len(gap.removed) >= FEWEST_NOTES else None


def _velocity_before(piece: PieceArrays, token: int) -> I64:
    """Returns the latest VELOCITY before a token, if there is one: with it the notes that follow begin."""
    earlier = piece.tokens[:token]
    at = np.flatnonzero((earlier >= VELOCITY) & (earlier < VELOCITY + NUM_VELOCITIES))
    return earlier[at[-1:]].astype(np.int64)
