"""Cuts excerpts of held-out music: a few seconds, the music that led to them, their chords and beats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import F64, I64
from engine.chords.chord import ChordLabels
from engine.data.piece_chords import chords_from
from engine.data.shards.shards import Shard
from engine.notes import Notes
from engine.tokens import decode_notes
from engine.vocabulary import STEP_S

__all__ = ["Excerpt", "Meter", "cut_excerpts", "within"]

MIN_BEATS = 8  # fewer say nothing about a steady tempo


@dataclass(frozen=True)
class Meter:
    """A steady beat: its tempo, the beats of a bar, and a moment at which a bar begins."""

    tempo_bpm: float
    beats_per_bar: int
    bar_s: float


@dataclass(frozen=True)
class Excerpt:
    """Times are seconds from the start of the excerpt; the lead lies before it, below 0."""

    collection: str
    length_s: float
    notes: Notes
    lead: Notes
    chords: ChordLabels  # the first at 0
    meter: Meter | None  # None where the beat is unknown or not steady


def cut_excerpts(shard: Shard, count: int, length_s: float, lead_s: float, seed: int = 0) -> list[Excerpt]:
    """Up to `count` excerpts, none from the same place, from as many pieces as there are; the same seed, the same ones.

    A place where fewer than two notes a second are played is passed over.
    """
    rng = np.random.default_rng(seed)
    excerpts: list[Excerpt] = []
    order = rng.permutation(len(shard.pieces))
    used: set[tuple[int, int]] = set()
    for attempt in range(4 * count):
        if len(excerpts) == count or not len(order):
            break
        index = int(order[attempt % len(order)])
        notes = decode_notes(shard.pieces[index].tokens)
        places = int((notes["offset_s"].max() - lead_s) // length_s) if len(notes) else 0
        if places < 1:
            continue
        place = int(rng.integers(places))
        excerpt = _cut(shard, index, notes, lead_s + place * length_s, length_s, lead_s)
        if (index, place) not in used and len(excerpt.notes) >= 2 * length_s and len(excerpt.lead):
            used.add((index, place))
            excerpts.append(excerpt)
    return excerpts


def within(notes: Notes, start_s: float, stop_s: float) -> Notes:
    """Returns the notes struck from start_s on and before stop_s, timed from start_s, ended at stop_s at the latest."""
    chosen: Notes = notes[(notes["onset_s"] >= start_s) & (notes["onset_s"] < stop_s)].copy()
    chosen["offset_s"] = np.minimum(chosen["offset_s"], stop_s) - start_s
    chosen["onset_s"] -= start_s
    return chosen


def _cut(shard: Shard, index: int, notes: Notes, start_s: float, length_s: float, lead_s: float) -> Excerpt:
    piece = shard.pieces[index]
    lead = within(notes, start_s - lead_s, start_s)
    lead["onset_s"] -= lead_s
    lead["offset_s"] -= lead_s
    chords = [(onset_s, chord) for onset_s, chord in chords_from(piece, start_s) if onset_s < length_s]
    meter = _meter(np.asarray(piece.beat_steps) * STEP_S - start_s, np.asarray(piece.beat_in_bar), length_s)
    name = shard.collections[piece.collection]
    return Excerpt(name, length_s, within(notes, start_s, start_s + length_s), lead, chords, meter)


def _meter(beats_s: F64, beat_in_bar: I64, length_s: float) -> Meter | None:
    """Returns the excerpt's beats as one tempo, if none of them is further than a tenth of a beat from it."""
    inside = (beats_s >= 0) & (beats_s < length_s)
    beats_s, beat_in_bar = beats_s[inside], beat_in_bar[inside]
    bars = np.flatnonzero(beat_in_bar == 0)
    if len(beats_s) < MIN_BEATS or len(bars) < 2:
        return None
    number = np.arange(len(beats_s))
    beat_s, first_s = np.polyfit(number, beats_s, 1)
    if np.abs(beats_s - (first_s + beat_s * number)).max() > 0.1 * beat_s:
        return None
    return Meter(60.0 / beat_s, int(beat_in_bar.max()) + 1, float(first_s + beat_s * bars[0]))
