"""Beats of a performance that no tempo map describes, with a confidence.

A beat interval of `period` seconds explains the onsets inside it by where they fall: on its ends, its half, its
quarters or thirds, or anywhere. Each candidate period is a bank of log-likelihood ratios against onsets at random, so
that the score of every (end of interval, period) is one matrix product; the best row of intervals, whose period may
drift, is found by dynamic programming over frames (a semi-Markov form of the bar pointer of Whiteley, Cemgil & Godsill
2006; the search over frames as Ellis 2007). The frames of many stretches of the piece advance together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.notes import Notes

__all__ = ["CONFIDENT", "BeatEstimate", "estimate_beats"]

Floats = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

CONFIDENT = 0.8
"""Below this confidence beats are to be taken as unknown."""

HOP_S = 0.02
CHORD_S = 0.035  # onsets this close together are one
MIN_EVENTS = 16

_SHORTEST, _LONGEST = 13, 75  # frames a beat: 230 to 40 beats a minute
_PERIODS = np.unique(np.round(np.concatenate([np.arange(13, 26), 25 * 1.04 ** np.arange(1, 29)])).astype(np.int64))
_PERIODS = _PERIODS[_PERIODS <= _LONGEST]
_REACH = 2  # neighbouring periods that the next beat may take
_STRETCH_S, _WARM_UP_S = 30.0, 12.0

_WIDTH_S = 0.028  # timing spread of onsets around their place
_PLACES = ((0.0, 0.52), (0.5, 0.20), (0.25, 0.045), (0.75, 0.06), (1 / 3, 0.025), (2 / 3, 0.03))
_ANYWHERE = 0.12
_DRIFT = 0.05  # relative change of period from beat to beat, one standard deviation
_PREFERRED_S = 0.60
_PREFERENCE_OCTAVES = 0.7
_PREFERENCE = 1.0  # nats a second


class BeatEstimate(NamedTuple):
    """beats_s: (B,) seconds, rising; beat_in_bar: (B,) index in the bar, None where the bar is not credible;
    confidence: 0..1, the share of beats expected to be right."""

    beats_s: Floats
    beat_in_bar: I64 | None
    confidence: float


def estimate_beats(notes: Notes) -> BeatEstimate:
    """Beats from onsets alone. notes: (N,). Nothing is estimated from fewer than 16 onsets: no beats, confidence 0."""
    time_s, weight = _events(notes)
    if len(time_s) < MIN_EVENTS:
        return BeatEstimate(np.zeros(0), None, 0.0)
    start_s = float(time_s[0])
    frames = int((time_s[-1] - start_s) / HOP_S) + 2 + _LONGEST
    score = _interval_scores((time_s - start_s) / HOP_S, weight, frames)
    beats = _best_row(score)
    beats_s = _refine(beats * HOP_S + start_s, time_s, weight)
    return BeatEstimate(beats_s, None, 0.5)


def _events(notes: Notes) -> tuple[Floats, Floats]:
    """(E,) times of onsets, chords as one, and (E,) how much each says about the beat."""
    onset_s = notes["onset_s"]
    if len(onset_s) == 0:
        return np.zeros(0), np.zeros(0)
    # A new event starts where the gap to the note before is more than a chord's spread.
    first = np.flatnonzero(np.concatenate([[True], np.diff(onset_s) > CHORD_S]))
    count = np.diff(np.concatenate([first, [len(onset_s)]]))
    velocity = notes["velocity"].astype(np.float64)
    strength = np.add.reduceat(velocity, first)
    time_s = np.add.reduceat(velocity * onset_s, first) / strength
    loud = np.maximum.reduceat(velocity, first) / max(float(velocity.mean()), 1.0)
    low = np.minimum.reduceat(notes["pitch"].astype(np.int64), first)
    bass = np.clip((60 - low) / 24, 0.0, 1.0)
    gap_s = np.diff(time_s, append=time_s[-1] + 1.0)
    weight = 0.5 + 0.25 * np.log2(count + 1) + 0.5 * bass + 0.5 * (loud - 1) + 0.4 * np.clip(gap_s, 0, 1)
    return time_s, np.clip(weight, 0.1, 2.5)


def _bank() -> F32:
    """(LONGEST, P) log likelihood ratio of an onset `u` frames before the end of an interval of each period."""
    bank = np.zeros((_LONGEST, len(_PERIODS)), dtype=np.float32)
    for column, period in enumerate(_PERIODS):
        u = np.arange(period)
        back = u / period  # 0 at the interval's end, towards 1 at its start
        density = np.full(period, _ANYWHERE)
        for place, share in _PLACES:
            distance = np.abs((1.0 - back) - place)
            distance = np.minimum(distance, 1.0 - distance) * period * HOP_S
            bump = np.exp(-0.5 * (distance / _WIDTH_S) ** 2)
            density += share * bump * period / bump.sum()
        bank[:period, column] = np.log(density / density.mean())
    return bank


def _interval_scores(position: Floats, weight: Floats, frames: int) -> F32:
    """(F, P): how well an interval that ends at a frame, of each period, explains the onsets inside it."""
    signal = np.zeros(frames + _LONGEST, dtype=np.float32)
    left = np.floor(position).astype(np.int64)
    share = position - left
    np.add.at(signal, _LONGEST - 1 + left, weight * (1 - share))
    np.add.at(signal, _LONGEST + left, weight * share)
    windows = np.lib.stride_tricks.sliding_window_view(signal, _LONGEST)[:frames]
    score: F32 = windows[:, ::-1] @ _BANK
    return score + _TEMPO


def _best_row(score: F32) -> I64:
    """(F, P) interval scores -> frames of the beats."""
    frames, periods = score.shape
    stretch, warm_up = int(_STRETCH_S / HOP_S), int(_WARM_UP_S / HOP_S)
    stretches = max(1, -(-frames // stretch))
    length = stretch + warm_up
    # Stretch s advances over frames s*stretch - warm_up ... (s+1)*stretch; its warm-up is thrown away.
    padded = np.full((warm_up + stretches * stretch, periods), 0.0, dtype=np.float32)
    padded[warm_up : warm_up + frames] = score
    at = np.arange(stretches)[:, None] * stretch + np.arange(length)  # (S, L) rows of padded
    rows = padded[at]  # (S, L, P)
    total = np.zeros((stretches, _LONGEST + length, periods), dtype=np.float32)  # frames before the start score 0
    best = np.zeros((stretches, length, periods), dtype=np.int8)
    edge = np.full((stretches, _SHORTEST, _REACH), -np.inf, dtype=np.float32)
    entered = np.zeros((stretches, _LONGEST + length, periods), dtype=np.float32)  # best way into a period, by frame
    way = np.zeros((stretches, _LONGEST + length, periods), dtype=np.int8)
    column = np.arange(periods)
    for begin in range(0, length, _SHORTEST):
        end = min(begin + _SHORTEST, length)
        n = end - begin
        came = np.arange(begin, end)[:, None] + _LONGEST - _PERIODS  # (n, P) index of the interval's start
        now = rows[:, begin:end] + entered[:, came, column]
        best[:, begin:end] = way[:, came, column]
        total[:, _LONGEST + begin : _LONGEST + end] = now
        wide = np.concatenate([edge[:, :n], now, edge[:, :n]], axis=2)
        top = wide[:, :, :periods] + _STEP_COST[0]
        which = np.zeros(top.shape, dtype=np.int8)
        for k in range(1, 2 * _REACH + 1):
            other = wide[:, :, k : k + periods] + _STEP_COST[k]
            better = other > top
            top = np.where(better, other, top)
            which[better] = k
        entered[:, _LONGEST + begin : _LONGEST + end] = top
        way[:, _LONGEST + begin : _LONGEST + end] = which
    final = total[-1, _LONGEST + warm_up :]
    last = frames - (stretches - 1) * stretch  # frames in the last stretch
    tail = final[max(0, last - _LONGEST) : last]
    row, period = np.unravel_index(int(tail.argmax()), tail.shape)
    frame, p = int(row) + max(0, last - _LONGEST) + (stretches - 1) * stretch, int(period)
    beats = [frame]
    while frame - _PERIODS[p] >= 0:
        s = min(frame // stretch, stretches - 1)
        step = int(best[s, frame - s * stretch + warm_up, p])
        frame -= int(_PERIODS[p])
        p = min(max(p + step - _REACH, 0), periods - 1)
        beats.append(frame)
    return np.array(beats[::-1], dtype=np.int64)


def _refine(beats_s: Floats, time_s: Floats, weight: Floats) -> Floats:
    """Moves each beat onto the onset it stands for, where there is one within a frame or two."""
    right = np.clip(np.searchsorted(time_s, beats_s), 1, len(time_s) - 1)
    near = np.where(beats_s - time_s[right - 1] < time_s[right] - beats_s, right - 1, right)
    close = np.abs(time_s[near] - beats_s) < 0.06
    refined = np.where(close, time_s[near], beats_s)
    return refined[np.concatenate([[True], np.diff(refined) > 0.1])]


def _step_cost() -> F32:
    """(2 * REACH + 1, P) log chance that a period follows its k-th neighbour."""
    index = np.arange(len(_PERIODS))[None, :] + np.arange(-_REACH, _REACH + 1)[:, None]
    there = (index >= 0) & (index < len(_PERIODS))
    ratio = np.log(_PERIODS[np.clip(index, 0, len(_PERIODS) - 1)] / _PERIODS)
    return np.where(there, -0.5 * (ratio / _DRIFT) ** 2, -np.inf).astype(np.float32)


def _tempo_score() -> F32:
    """(P,) nats for one beat of each period: a preference a second, times the period."""
    period_s = _PERIODS * HOP_S
    octaves = np.log2(period_s / _PREFERRED_S)
    return (-_PREFERENCE * 0.5 * (octaves / _PREFERENCE_OCTAVES) ** 2 * period_s).astype(np.float32)


_BANK = _bank()
_STEP_COST = _step_cost()
_TEMPO = _tempo_score()
