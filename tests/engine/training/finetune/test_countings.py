"""A style's pieces as charts would tell them: countings, bars, chords."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.beats.phase import UNKNOWN_IN_BAR
from engine.data.shards.shards import PieceArrays, token_steps
from engine.training.finetune.countings import chart_chords, countings, with_bars
from engine.vocabulary import BOS, CHORD, EOS, NO_CHORD, NOTE_OFF, TIME_SHIFT, VELOCITY

C, F = CHORD, CHORD + 5 * 24


def piece(bpm: float = 60.0, beats: int = 33, beats_per_bar: int = 2) -> PieceArrays:
    """A note on every beat; in every bar C for most of it, then F; beats unknown at 0 bpm."""
    beat_steps = np.arange(beats) * 6000.0 / (bpm or 100.0)
    tokens = [BOS, VELOCITY + 16]
    for step in np.diff(np.rint(beat_steps)).astype(int):
        first = min(step - 1, 50)
        tokens += [60, TIME_SHIFT + first - 1, NOTE_OFF + 60, TIME_SHIFT + min(step - first, 100) - 1]
    bar = beat_steps[beats_per_bar] - beat_steps[0]
    starts = np.arange(beats // beats_per_bar) * bar
    changes = np.sort(np.concatenate([starts, starts + 0.8 * bar]))
    return PieceArrays(
        np.array([*tokens, EOS], np.uint16),
        np.array([NO_CHORD, *[C, F] * len(starts)], np.uint16),
        np.concatenate([[0], np.rint(changes)]).astype(np.int32),
        (beat_steps if bpm else beat_steps[:0]).astype(np.float32),
        (np.arange(beats if bpm else 0) % beats_per_bar).astype(np.uint8),
        0,
    )


def tempo(arrays: PieceArrays) -> float:
    return 6000.0 / float(np.median(np.diff(arrays.beat_steps)))


@pytest.mark.parametrize(
    ("bpm", "beats_per_bar", "counted"),
    [
        (60.0, 2, [120.0]),
        (100.0, 4, [100.0]),
        (80.0, 4, [80.0, 160.0]),
        (180.0, 4, [180.0, 90.0]),
        (240.0, 4, [120.0]),
        (240.0, 3, [240.0]),  # half of three beats is no bar: it stays as it is
        (30.0, 4, [30.0]),
    ],
)
def test_a_piece_is_counted_as_a_player_might(bpm: float, beats_per_bar: int, counted: list[float]) -> None:
    found = countings(piece(bpm, beats_per_bar=beats_per_bar))
    assert [tempo(way) for way in found] == pytest.approx(counted, rel=0.01)
    for way in found:
        assert len(way.beat_steps) == len(way.beat_in_bar)
        assert (np.diff(way.beat_steps) > 0).all()


def test_twice_as_fast_keeps_every_beat_and_counts_the_bar_on() -> None:
    slow = piece(60.0, beats_per_bar=2)
    (fast,) = countings(slow)
    np.testing.assert_allclose(fast.beat_steps[::2], slow.beat_steps)
    assert fast.beat_in_bar[:8].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


def test_half_as_fast_begins_with_the_bar() -> None:
    fast = piece(240.0, beats_per_bar=4)
    (slow,) = countings(fast)
    np.testing.assert_allclose(slow.beat_steps, fast.beat_steps[::2])
    assert slow.beat_in_bar[:4].tolist() == [0, 1, 0, 1]


def test_beats_that_nobody_knows_are_estimated_and_get_bars() -> None:
    (found,) = countings(piece(0.0, beats=65))
    assert tempo(found) == pytest.approx(100.0, rel=0.03)
    assert (found.beat_in_bar == UNKNOWN_IN_BAR).all()
    barred = with_bars(found, np.random.default_rng(0))
    assert set(np.diff(barred.beat_in_bar.astype(int))) == {1, -3}


def test_known_bars_stay() -> None:
    known = piece(100.0)
    assert with_bars(known, np.random.default_rng(0)) is known


@pytest.mark.parametrize("seed", range(6))
def test_a_chart_has_the_chord_that_lasts(seed: int) -> None:
    """At most one change every two beats, the passing F never outlasts C over four beats, and time is the piece's."""
    whole = piece(100.0, beats_per_bar=4)
    charted = chart_chords(whole, np.random.default_rng(seed))
    assert charted.chord_ids[0] == NO_CHORD
    assert charted.chord_steps[0] == 0
    assert len(charted.chord_ids) <= len(whole.chord_ids)
    assert (np.diff(charted.chord_steps) > 0).all()
    assert set(charted.chord_ids.tolist()) <= {NO_CHORD, C, F}
    assert np.isin(charted.chord_steps[1:], np.rint(whole.beat_steps)).all()
    np.testing.assert_array_equal(charted.tokens, whole.tokens)


@pytest.mark.parametrize("seed", range(6))
def test_beats_before_the_music_say_nothing_of_its_chords(seed: int) -> None:
    """Beats that were heard in free playing begin some beats early where the music begins off them."""
    whole = piece(100.0, beats_per_bar=4)
    early = replace(whole, beat_steps=np.append(np.float32([-240, -180, -120, -60]), whole.beat_steps))
    early = replace(early, beat_in_bar=np.append(whole.beat_in_bar[:4], whole.beat_in_bar))
    charted, expected = (chart_chords(one, np.random.default_rng(seed)) for one in (early, whole))
    np.testing.assert_array_equal(charted.chord_ids, expected.chord_ids)
    np.testing.assert_array_equal(charted.chord_steps, expected.chord_steps)


def test_without_beats_the_chords_stay() -> None:
    unknown = piece(0.0)
    assert chart_chords(unknown, np.random.default_rng(0)) is unknown
    assert token_steps(unknown.tokens.astype(np.int64))[-1] > 0
