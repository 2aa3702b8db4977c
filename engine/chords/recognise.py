"""Recognises the chords of a performance by a hidden Markov model over frames of pitch classes.

The states are no chord and the vocabulary's 288. A frame's pitch classes, weighted by how long they sound, are taken as
draws from the chord's template; its lowest note speaks for the root; changing the chord costs. Viterbi finds the best
row of chords (Sheh & Ellis 2003, with fixed templates in the place of trained ones).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from engine.arrays import F32, F64, I64
from engine.chords.chord import Chord
from engine.chords.identify import identify
from engine.notes import Notes
from engine.vocabulary import CHORD, QUALITIES

__all__ = ["recognise"]

CHORDS = 12 * len(QUALITIES)

# What the recogniser believes before it hears a note, tuned for agreement with POP909's PIANO tracks.
_EVIDENCE = 8.5  # nats' weight of one frame full of notes: how many independent draws its chroma counts for
_FOREIGN = 0.05  # probability that a sounding note lies outside the chord
_UPPER = 0.9  # weight of sixths, sevenths and ninths in a template; root, third and fifth weigh 1
_BASS_ROOT = 0.4  # probability that the lowest note is the root
_BASS_TONE = 0.3  # that it is another chord tone, shared among them
_BASS_EVIDENCE = 1.5  # weight of the lowest note
_CHANGE = 3.5  # nats that a change of chord costs
_RARE_COSTS = 3.5  # nats that the rarest qualities cost a frame
_UNCOMMON_COSTS = 0.9  # nats for the qualities between
_UNCOMMON_CHANGE = 1.0  # nats that a change to one of those between costs beyond _CHANGE
_STRUCK = 6.0  # nats for the name of a voicing of four or more pitch classes struck at once
_SILENCE = 1.0  # nats for no chord in a frame without notes
_FULL_S = 2.0  # seconds of notes, summed, that make a frame full: a triad through two thirds of a second
_MAX_SOUNDING_S = 4.0  # a piano note has faded by then, however long it is held

_COMMON = frozenset({"", "m", "7", "maj7", "m7"})
_RARE = frozenset({"aug", "5", "mMaj7", "7b9", "7#9", "7#11", "7#5", "13", "maj9", "m9", "9"})
_ONSET_FRAME_S = 0.15  # without beats: frames start at onsets at least this far apart
_BLOCK = 20_000  # frames scored at a time: 30 MB; two hours of beats
_STRUCK_S = 0.035  # notes this close together are struck at once
_STRUCK_TONES = 4
_EARLY_S = 0.04  # a chord this early for a frame is played into it
_POPCOUNT = np.array([i.bit_count() for i in range(4096)])
_MAX_FRAMES_PER_NOTE = 64
_BASS_CEILING = 60  # a lowest note at or above middle C says little about the root
_BASS_FLOOR = 48  # one at or below speaks with full weight


def recognise(notes: Notes, beats_s: F64 | None = None) -> list[tuple[float, Chord | None]]:
    """Recognises the chords of a performance.

    notes: (N,) as the keys were held: lengthened by the pedal they run into the next chord and agree less with POP909
    (majmin 0.90 for 0.95 with beats, 0.90 for 0.93 without).
    beats_s: (B,) beat times, rising, where they are known: chords then change on beats, else on note onsets.
    Returns (onset_s, chord) of every change, the first at 0.0; None where nothing sounds. Empty for no notes. A chord
    names its bass where that is another chord tone.
    """
    if len(notes) == 0:
        return []
    edges = _frame_edges(notes, beats_s)  # (F + 1,)
    chroma, lowest, lowest_weight = _features(notes, edges)
    struck = _struck_chords(notes, edges, lowest)
    states = np.empty(len(chroma), dtype=np.int64)
    for begin in range(0, len(chroma), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        scores = _emissions(chroma[block], lowest[block], lowest_weight[block])
        mine = slice(*np.searchsorted(struck[:, 0], (begin, begin + _BLOCK)))
        scores[struck[mine, 0] - begin, struck[mine, 1]] += _STRUCK
        states[block] = _viterbi(scores, _tables().change)
    return _changes(states, edges, lowest, lowest_weight)


def _frame_edges(notes: Notes, beats_s: F64 | None) -> F64:
    """Returns (F + 1,) frame borders from 0 to the end of the last note."""
    end_s = float(notes["offset_s"].max()) + 1e-3
    # Far more beats than notes are no beats of this music, and would take hours of silence at their word.
    if beats_s is not None and 2 <= len(beats_s) <= _MAX_FRAMES_PER_NOTE * len(notes):
        inner = beats_s[(beats_s > 0) & (beats_s < end_s)]
    else:
        onset_s = np.unique(notes["onset_s"])
        following = np.searchsorted(onset_s, onset_s + _ONSET_FRAME_S).tolist()  # the first onset a frame later
        starts, at = [], 0
        while at < len(onset_s):
            starts.append(at)
            at = following[at]
        inner = onset_s[starts]
        inner = inner[inner > 0]
    return np.concatenate([[0.0], inner, [end_s]])


def _features(notes: Notes, edges: F64) -> tuple[F64, I64, F64]:
    """Returns (F, 12) seconds of each pitch class, (F,) lowest pitch (0 in silence) and (F,) its weight 0..1."""
    frames = len(edges) - 1
    onset_s = notes["onset_s"]
    offset_s = np.minimum(notes["offset_s"], onset_s + _MAX_SOUNDING_S)
    first = np.clip(np.searchsorted(edges, onset_s, side="right") - 1, 0, frames - 1)
    last = np.clip(np.searchsorted(edges, offset_s, side="left") - 1, first, frames - 1)
    count = np.minimum(last - first + 1, _MAX_FRAMES_PER_NOTE)
    # One row for every (note, frame it sounds in).
    note = np.repeat(np.arange(len(notes)), count)
    frame = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count) + np.arange(len(note))
    overlap_s = np.minimum(offset_s[note], edges[frame + 1]) - np.maximum(onset_s[note], edges[frame])
    overlap_s = np.maximum(overlap_s, 0.0)
    pitch = notes["pitch"].astype(np.int64)[note]
    chroma = np.bincount(frame * 12 + pitch % 12, weights=overlap_s, minlength=frames * 12).astype(np.float64)
    # A note that only hangs over from the frame before is not its bass.
    frame_s = np.diff(edges)
    steady = overlap_s > 0.2 * np.minimum(frame_s[frame], 1.0)
    lowest = np.full(frames, 128, dtype=np.int64)
    np.minimum.at(lowest, frame[steady], pitch[steady])
    weight = np.clip((_BASS_CEILING + 6 - lowest) / (_BASS_CEILING + 6 - _BASS_FLOOR), 0.0, 1.0)
    return chroma.reshape(frames, 12), np.where(lowest < 128, lowest, 0), np.where(lowest < 128, weight, 0.0)


class _Tables(NamedTuple):
    """What is believed, as log probabilities of each state: no chord, then the vocabulary's 288."""

    tone: F32  # (12, 288) log chance of a sounding pitch class
    bass: F32  # (12, 288) log chance of the lowest one
    frame: F32  # (288,) nats of a frame with notes
    change: F32  # (289,) nats of a change to the state


@cache
def _tables() -> _Tables:
    tones, bass, frame, change = [], [], [], [-_CHANGE]
    for root in range(12):
        for quality, intervals in QUALITIES.items():
            inside = [(root + interval) % 12 for interval in intervals]
            weights = np.array([1.0 if i in (0, 3, 4, 7) or n < 3 else _UPPER for n, i in enumerate(intervals)])
            tone = np.full(12, _FOREIGN / (12 - len(inside)))
            tone[inside] = (1 - _FOREIGN) * weights / weights.sum()
            low = np.full(12, (1 - _BASS_ROOT - _BASS_TONE) / (12 - len(inside)))
            low[inside] = _BASS_TONE / (len(inside) - 1)
            low[root] = _BASS_ROOT
            tones.append(np.log(tone))
            bass.append(np.log(low))
            rare, common = quality in _RARE, quality in _COMMON
            frame.append(0.0 if common else -_RARE_COSTS if rare else -_UNCOMMON_COSTS)
            change.append(-_CHANGE - (0.0 if common or rare else _UNCOMMON_CHANGE))
    f32 = np.float32
    return _Tables(
        np.array(tones, f32).T.copy(), np.array(bass, f32).T.copy(), np.array(frame, f32), np.array(change, f32)
    )


def _emissions(chroma: F64, lowest: I64, lowest_weight: F64) -> F32:
    """Returns (F, 1 + 288) log scores of each state in each frame; column 0 is no chord."""
    tables = _tables()
    total = chroma.sum(axis=1)
    strength = _EVIDENCE * np.minimum(total / _FULL_S, 1.0)
    heard = np.zeros((len(chroma), 24), dtype=np.float32)
    heard[:, :12] = chroma * (strength / np.maximum(total, 1e-9))[:, None]
    heard[np.arange(len(chroma)), 12 + lowest % 12] = _BASS_EVIDENCE * lowest_weight
    scores = np.empty((len(chroma), 1 + CHORDS), dtype=np.float32)
    np.matmul(heard, np.concatenate([tables.tone, tables.bass]), out=scores[:, 1:])
    scores[total > 0, 1:] += tables.frame
    anything = strength * np.log(1 / 12) - 2.0 * _BASS_EVIDENCE * lowest_weight - _RARE_COSTS
    scores[:, 0] = np.where(total > 0, anything, _SILENCE)
    return scores


def _struck_chords(notes: Notes, edges: F64, lowest: I64) -> I64:
    """(K, 2) frames and states: four pitch classes struck at once are a voicing, which `identify` names.

    So chords are found that passing notes would make too often to be believed: thirteenths, altered dominants, without
    root. The frame's bass belongs to the voicing, though it was struck before.
    """
    onset_s = notes["onset_s"]
    first = np.flatnonzero(np.concatenate([[True], np.diff(onset_s) > _STRUCK_S]))
    pitch = notes["pitch"].astype(np.int64)
    sets = np.bitwise_or.reduceat(1 << pitch % 12, first)
    many = np.flatnonzero(_POPCOUNT[sets] >= _STRUCK_TONES)
    frame = np.clip(np.searchsorted(edges, onset_s[first[many]] + _EARLY_S, side="right") - 1, 0, len(lowest) - 1)
    bass = np.minimum.reduceat(pitch, first)[many]
    bass = np.where(lowest[frame] > 0, np.minimum(bass, lowest[frame]), bass) % 12
    sets = sets[many] | 1 << bass
    named: set[tuple[int, int]] = set()
    for at, pitch_classes, low in zip(frame.tolist(), sets.tolist(), bass.tolist(), strict=True):
        chord = identify(pitch_classes, low)
        if chord is not None:
            named.add((at, chord.id - CHORD + 1))
    return np.array(sorted(named), dtype=np.int64).reshape(-1, 2)


def _viterbi(emissions: F32, change: F32) -> I64:
    """Returns (F,) best states for (F, S) log scores and (S,) nats that a change to each state costs."""
    frames, states = emissions.shape
    entered = np.empty((frames, states), dtype=np.bool_)
    best_before = [0] * frames
    score, moved = emissions[0].copy(), np.empty(states, dtype=np.float32)
    for frame in range(1, frames):
        best = best_before[frame] = int(score.argmax())
        np.add(change, score[best], out=moved)
        np.greater(moved, score, out=entered[frame])
        np.maximum(score, moved, out=score)
        score += emissions[frame]
    path = np.empty(frames, dtype=np.int64)
    path[-1] = state = int(score.argmax())
    for frame in range(frames - 1, 0, -1):
        if entered[frame, state]:
            state = best_before[frame]
        path[frame - 1] = state
    return path


def _changes(states: I64, edges: F64, lowest: I64, lowest_weight: F64) -> list[tuple[float, Chord | None]]:
    starts = np.flatnonzero(np.concatenate([[True], states[1:] != states[:-1]]))
    changes: list[tuple[float, Chord | None]] = []
    for start in starts:
        chord = Chord.from_id(CHORD + int(states[start]) - 1) if states[start] else None
        if chord is not None and lowest_weight[start] > 0:
            bass = int(lowest[start]) % 12
            if bass != chord.root and bass in chord.pitch_classes():
                chord = Chord(chord.root, chord.quality, bass)
        changes.append((float(edges[start]), chord))
    return changes
