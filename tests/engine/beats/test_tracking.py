"""Beats from onsets: found where the music has a beat, doubted where it has none."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from engine.beats.tracking import CONFIDENT, MAX_LENGTH_S, MIN_EVENTS, estimate_beats
from engine.notes import Notes, make_notes


def _accompanied(beats_s: np.ndarray, seed: int = 0, jitter_s: float = 0.008) -> Notes:
    """A bass note and a chord on the beats, quavers above with some rests, timed by a hand."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, (at_s, after_s) in enumerate(itertools.pairwise(beats_s)):
        length_s = after_s - at_s
        root = (0, 5, 7, 0)[i // 4 % 4]
        rows.append((at_s, length_s * 0.9, 36 + root + 7 * (i % 2), 85))
        rows += [(at_s, length_s * 0.8, 60 + root + step, 65) for step in (0, 4, 7)]
        rows.append((at_s, length_s * 0.45, 76 + int(rng.integers(8)), 75))
        if rng.random() < 0.6:
            rows.append((at_s + length_s / 2, length_s * 0.4, 76 + int(rng.integers(8)), 60))
    onset_s, length_s, pitch, velocity = (np.array(column) for column in zip(*rows, strict=True))
    onset_s = np.maximum(onset_s + rng.normal(0, jitter_s, len(onset_s)), 0)
    return make_notes(onset_s, onset_s + length_s, pitch, velocity)


def _found(beats_s: np.ndarray, truth_s: np.ndarray) -> float:
    return float(np.mean([np.abs(beats_s - t).min() < 0.07 for t in truth_s[2:-3]]))


@pytest.mark.parametrize("period_s", [0.5, 0.6, 0.8])
def test_a_steady_beat_is_found(period_s: float) -> None:
    truth_s = np.arange(120) * period_s + 0.3
    estimate = estimate_beats(_accompanied(truth_s))
    assert np.median(np.diff(estimate.beats_s)) == pytest.approx(period_s, rel=0.02)
    assert _found(estimate.beats_s, truth_s) > 0.97
    assert estimate.confidence >= CONFIDENT


def test_a_beat_that_drifts_is_followed() -> None:
    period_s = 0.6 * np.exp(0.15 * np.sin(np.arange(160) / 12))
    truth_s = np.cumsum(period_s)
    estimate = estimate_beats(_accompanied(truth_s, jitter_s=0.012))
    assert _found(estimate.beats_s, truth_s) > 0.95


def test_onsets_at_random_have_no_credible_beat() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        onset_s = np.cumsum(rng.exponential(0.25, 600))
        notes = make_notes(
            onset_s, onset_s + rng.uniform(0.05, 1, 600), rng.integers(30, 90, 600), rng.integers(30, 100, 600)
        )
        assert estimate_beats(notes).confidence < CONFIDENT


@pytest.mark.parametrize("count", [0, 1, MIN_EVENTS - 1])
def test_too_few_onsets_have_no_beat(count: int) -> None:
    onset_s = np.arange(count) * 0.5
    beats_s, beat_in_bar, confidence = estimate_beats(make_notes(onset_s, onset_s + 0.4, [60] * count, [70] * count))
    assert (len(beats_s), beat_in_bar, confidence) == (0, None, 0.0)


def test_beats_rise_and_the_bar_is_unknown() -> None:
    estimate = estimate_beats(_accompanied(np.arange(60) * 0.55))
    assert (np.diff(estimate.beats_s) > 0).all()
    assert estimate.beat_in_bar is None


@pytest.mark.parametrize("shift_s", [3.0, 100.0])
def test_shifting_the_notes_shifts_the_beats(shift_s: float) -> None:
    notes = _accompanied(np.arange(60) * 0.55)
    moved = notes.copy()
    moved["onset_s"] += shift_s
    moved["offset_s"] += shift_s
    assert estimate_beats(moved).beats_s == pytest.approx(estimate_beats(notes).beats_s + shift_s, abs=0.03)


def test_all_notes_at_once_and_one_long_after_do_no_harm() -> None:
    at_once = make_notes([0.0] * 40, [1.0] * 40, np.arange(40, 80), [64] * 40)
    assert estimate_beats(at_once).confidence == 0.0
    notes = _accompanied(np.arange(60) * 0.55)
    late = np.concatenate([notes, make_notes([MAX_LENGTH_S + 10], [MAX_LENGTH_S + 11], [60], [60])])
    assert estimate_beats(late).confidence == 0.0


def test_ten_minutes_take_no_long_time() -> None:
    notes = _accompanied(np.arange(1200) * 0.5)
    estimate_beats(notes)
    start = time.process_time()
    estimate_beats(notes)
    assert time.process_time() - start < 2
