"""Estimates the beats of a performance that no tempo map describes, with a confidence.

A beat interval of `period` seconds explains the onsets inside it by where they fall: on its ends, its half, its
quarters or thirds, or anywhere. Each candidate period is a bank of log-likelihood ratios against onsets at random, so
that the score of every (end of interval, period) is a sum over onsets; the best row of intervals, whose period may
drift, is found by dynamic programming over frames (a semi-Markov form of the bar pointer of Whiteley, Cemgil & Godsill
2006; the search over frames as Ellis 2007). The frames of many stretches of the piece advance together.

Bars are not estimated: harmony and bass, weighed by regression, found the downbeats of half of POP909 with F 0.70 only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import F32, F64, I64
from engine.beats.salience import onset_events
from engine.notes import Notes

__all__ = ["CONFIDENT", "BeatEstimate", "estimate_beats"]

CONFIDENT = 0.75
"""Treat the beats as unknown below this confidence."""

HOP_S = 0.02
MIN_EVENTS = 16
MIN_BEATS = 8
MAX_LENGTH_S = 2400.0  # a frame takes 1 KB: 120 MB
_SUBFRAMES = 4  # of a frame, to which onsets are rounded

_SHORTEST, _LONGEST = 13, 90  # frames a beat: 230 to 33 beats a minute
_PERIODS = np.unique(np.round(np.concatenate([np.arange(13, 26), 25 * 1.04 ** np.arange(1, 34)])).astype(np.int64))
_PERIODS = _PERIODS[_PERIODS <= _LONGEST]
_REACH = 2  # neighbouring periods that the next beat may take
_STRETCH_S, _WARM_UP_S = 30.0, 12.0

_CLASS_BORDERS = np.array([-1.27, -0.57, 0.36])  # quartiles of the events' salience

# Where onsets of each class, the least salient first, fall in a beat: on it, on its half, quarters and thirds. Counted
# on the pieces that salience was learnt from, by the length of the beat.
_PLACES = (0.0, 1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3)
_PLACE_PERIODS_S = (0.35, 0.55, 0.8, 1.3)
_SHARES = np.array([
    [[.255, .406, .099, .137, .050, .060], [.389, .330, .080, .090, .040, .050],
     [.584, .225, .050, .055, .030, .040], [.841, .102, .025, .012, .010, .005]],
    [[.229, .374, .082, .200, .040, .052], [.327, .396, .081, .103, .037, .052],
     [.501, .347, .038, .047, .023, .040], [.782, .159, .018, .009, .010, .008]],
    [[.111, .423, .119, .204, .026, .034], [.213, .393, .117, .138, .030, .037],
     [.451, .290, .088, .081, .022, .026], [.794, .105, .029, .020, .014, .007]],
    [[.096, .250, .151, .215, .049, .036], [.146, .273, .166, .161, .043, .048],
     [.301, .251, .140, .112, .038, .051], [.688, .129, .044, .044, .033, .029]],
])  # fmt: skip
_CLASSES = len(_CLASS_BORDERS) + 1
_ANYWHERE = 0.03  # at least this share lies at no place at all

_WIDTH_S = 0.022  # timing spread of onsets around their place
_TRUST = 0.8  # onsets are no independent witnesses
_DRIFT = 0.06  # relative change of period from beat to beat, one standard deviation
_PREFERRED_S = 0.7
_PREFERENCE_OCTAVES = 0.6
_PREFERENCE = 1.0  # nats a second

# Confidence, by logistic regression on whether a piece's beats reach F 0.85: the share of all salience that lies on the
# beats, the salience a beat, the octaves between the tempo and a usual one, the unsteadiness of the tempo; intercept.
_CONFIDENCE = np.array([2.28, 9.75, -1.83, -16.04, -4.18])
_ON_BEAT_S = 0.05
_USUAL_PERIOD_S = 0.7


class BeatEstimate(NamedTuple):
    """beats_s: (B,) seconds, rising. beat_in_bar: (B,) index in the bar, None: the bar is unknown. confidence: 0..1,
    the chance that F against a listener's beats reaches 0.85."""

    beats_s: F64
    beat_in_bar: I64 | None
    confidence: float


def estimate_beats(notes: Notes) -> BeatEstimate:
    """Estimates beats from onsets alone. notes: (N,), as the keys were held or lengthened by the pedal.

    No beats, confidence 0: fewer than 16 onsets, or more than 40 minutes.
    """
    time_s, salience = onset_events(notes)
    if len(time_s) < MIN_EVENTS or time_s[-1] - time_s[0] > MAX_LENGTH_S:
        return BeatEstimate(np.zeros(0), None, 0.0)
    start_s = float(time_s[0])
    frames = int((time_s[-1] - start_s) / HOP_S) + 2 + _LONGEST
    score = _interval_scores((time_s - start_s) / HOP_S, np.searchsorted(_CLASS_BORDERS, salience), frames)
    beats_s = _refine(_best_row(score) * np.float64(HOP_S) + start_s, time_s)
    return BeatEstimate(beats_s, None, _confidence(beats_s, time_s, salience))


def _confidence(beats_s: F64, time_s: F64, salience: F64) -> float:
    """Returns 0..1, how likely the beats are the ones that a listener would tap."""
    if len(beats_s) < MIN_BEATS:
        return 0.0
    period_s = np.diff(beats_s)
    usual_s = float(np.median(period_s))
    position = np.interp(time_s, beats_s, np.arange(len(beats_s)))
    nearest = np.rint(position).astype(np.int64)
    on_beat = np.abs(position - nearest) * usual_s < _ON_BEAT_S
    odds = 1 / (1 + np.exp(-salience))
    evidence = np.array([
        odds[on_beat].sum() / odds.sum(),
        odds[on_beat].sum() / len(beats_s),
        abs(np.log2(usual_s / _USUAL_PERIOD_S)),
        np.std(np.log(period_s)),
        1.0,
    ])  # fmt: skip
    return float(1 / (1 + np.exp(-evidence @ _CONFIDENCE)))


def _bank() -> F32:
    """Returns (CLASSES, SUBFRAMES, LONGEST + 1, P) nats by which an onset backs an interval ending u frames on."""
    bank = np.zeros((_CLASSES, _SUBFRAMES, _LONGEST + 1, len(_PERIODS)), dtype=np.float32)
    anchors = np.log(_PLACE_PERIODS_S)
    for column, period in enumerate(_PERIODS):
        fine = 1.0 - np.arange(period * _SUBFRAMES) / (period * _SUBFRAMES)  # phase of onsets, the end first
        for c in range(_CLASSES):
            shares = [np.interp(np.log(period * HOP_S), anchors, _SHARES[:, c, i]) for i in range(len(_PLACES))]
            density = np.full(len(fine), max(_ANYWHERE, 1.0 - sum(shares)))
            for place, share in zip(_PLACES, shares, strict=True):
                distance = np.abs(fine - place)
                distance_s = np.minimum(distance, 1.0 - distance) * period * HOP_S
                bump = np.exp(-0.5 * (distance_s / _WIDTH_S) ** 2)
                density += share * bump * len(fine) / bump.sum()
            nats = _TRUST * np.log(density / density.mean())
            for sub in range(_SUBFRAMES):  # the onset comes `sub` subframes after its frame, the end that much sooner
                u = np.arange(_LONGEST + 1) * _SUBFRAMES - sub
                inside = (u >= 0) & (u < len(fine))  # one at the start, or just past the end, is another interval's
                bank[c, sub, inside, column] = nats[u[inside]]
    return bank


def _interval_scores(position: F64, classes: I64, frames: int) -> F32:
    """Returns (F, P) scores: how well an interval of each period, ending at a frame, explains the onsets inside it."""
    subframe = np.rint(position * _SUBFRAMES).astype(np.int64)
    score = np.repeat(_TEMPO[None], frames + 2, axis=0)
    for frame, sub, c in zip(*(x.tolist() for x in (*np.divmod(subframe, _SUBFRAMES), classes)), strict=True):
        score[frame : frame + _LONGEST + 1] += _BANK[c, sub]
    return score[:frames]


def _best_row(score: F32) -> I64:
    """Finds the best row of intervals by (F, P) scores; returns the frames of its beats."""
    frames, periods = score.shape
    stretch, warm_up = int(_STRETCH_S / HOP_S), int(_WARM_UP_S / HOP_S)
    stretches = max(1, -(-frames // stretch))
    length = stretch + warm_up
    # Stretch s advances over frames s*stretch - warm_up ... (s+1)*stretch; its warm-up is thrown away.
    padded = np.zeros((warm_up + stretches * stretch, periods), dtype=np.float32)
    padded[warm_up : warm_up + frames] = score
    rows = padded[np.arange(stretches)[:, None] * stretch + np.arange(length)]  # (S, L, P)
    # Best way into each period at each frame, (S, LONGEST + L, P) flat from the frame on; 0 before the first.
    entered = np.zeros((stretches, (_LONGEST + length) * periods), dtype=np.float32)
    came = ((np.arange(_SHORTEST)[:, None] + _LONGEST - _PERIODS) * periods + np.arange(periods)).ravel()
    wide = np.full((stretches, _SHORTEST, periods + 2 * _REACH), -np.inf, dtype=np.float32)
    step = np.empty((stretches, _SHORTEST, periods), dtype=np.float32)
    top = np.empty_like(step)
    # No beat is shorter than SHORTEST frames, so that many frames need nothing of each other.
    for begin in range(0, length, _SHORTEST):
        n = min(_SHORTEST, length - begin)
        now = rows[:, begin : begin + n]
        now += entered.take(came[: n * periods] + begin * periods, axis=1).reshape(stretches, n, periods)
        wide[:, :n, _REACH:-_REACH] = now
        np.add(wide[:, :, :periods], _STEP_COST[0], out=top)
        for k in range(1, 2 * _REACH + 1):
            np.add(wide[:, :, k : k + periods], _STEP_COST[k], out=step)
            np.maximum(top, step, out=top)
        start = (_LONGEST + begin) * periods
        entered[:, start : start + n * periods] = top[:, :n].reshape(stretches, -1)
    return _trace_back(rows[:, warm_up:].reshape(-1, periods)[:frames])


def _trace_back(total: F32) -> I64:
    """Traces the best row back through (F, P) scores of rows that end at each frame; returns its beats."""
    frames, periods = total.shape
    begin = max(0, frames - _LONGEST)
    row, p = (int(i) for i in np.unravel_index(int(total[begin:].argmax()), total[begin:].shape))
    frame = begin + row
    beats = [frame]
    while frame >= _PERIODS[p]:
        frame -= int(_PERIODS[p])
        low, high = max(0, p - _REACH), min(periods, p + _REACH + 1)
        p = low + int((total[frame, low:high] + _STEP_COST[low - p + _REACH : high - p + _REACH, p]).argmax())
        beats.append(frame)
    return np.array(beats[::-1], dtype=np.int64)


def _refine(beats_s: npt.NDArray[np.floating], time_s: F64) -> F64:
    """Moves each beat onto the onset it stands for, where there is one within a frame or two."""
    right = np.clip(np.searchsorted(time_s, beats_s), 1, len(time_s) - 1)
    near = np.where(beats_s - time_s[right - 1] < time_s[right] - beats_s, right - 1, right)
    close = np.abs(time_s[near] - beats_s) < 0.06
    refined = np.where(close, time_s[near], beats_s)
    apart: F64 = refined[np.concatenate([[True], np.diff(refined) > _SHORTEST * HOP_S / 2])]
    return apart


def _step_cost() -> F32:
    """Returns (2 * REACH + 1, P) log probabilities that a period follows its k-th neighbour."""
    index = np.arange(len(_PERIODS))[None, :] + np.arange(-_REACH, _REACH + 1)[:, None]
    there = (index >= 0) & (index < len(_PERIODS))
    ratio = np.log(_PERIODS[np.clip(index, 0, len(_PERIODS) - 1)] / _PERIODS)
    cost: F32 = np.where(there, -0.5 * (ratio / _DRIFT) ** 2, -np.inf).astype(np.float32)
    return cost


def _tempo_score() -> F32:
    """Returns (P,) nats for one beat of each period: a preference per second, times the period."""
    period_s = _PERIODS * HOP_S
    octaves = np.log2(period_s / _PREFERRED_S)
    nats: F32 = (-_PREFERENCE * 0.5 * (octaves / _PREFERENCE_OCTAVES) ** 2 * period_s).astype(np.float32)
    return nats


_BANK = _bank()
_STEP_COST = _step_cost()
_TEMPO = _tempo_score()
