"""A moment's bins: the nearest of 24 in its beat, and the beat of the bar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.beats.phase import UNKNOWN_IN_BAR, beat_bins

BEATS = [100.0, 150.0, 200.0, 240.0]  # the third beat is shorter
IN_BAR = [3, 0, 1, 2]


@pytest.mark.parametrize(
    ("time", "beat", "bar"),
    [
        (99.9, 24, 8),  # before the first beat
        (100, 0, 3),
        (101, 0, 3),
        (101.1, 1, 3),  # past half a bin of 50/24
        (125, 12, 3),
        (148.9, 23, 3),
        (149, 0, 0),  # just before its beat counts as on it
        (150, 0, 0),
        (220, 12, 1),  # halfway through the shorter beat
        (240, 0, 2),
        (240.1, 24, 8),  # after the last beat
    ],
)
def test_a_moment_belongs_to_the_nearest_bin(time: float, beat: int, bar: int) -> None:
    assert [list(x) for x in beat_bins([time], BEATS, IN_BAR)] == [[beat], [bar]]


@pytest.mark.parametrize("beats", [[], [5.0]])
def test_fewer_than_two_beats_say_nothing(beats: list[float]) -> None:
    beat, bar = beat_bins([0, 5, 9], beats, [0] * len(beats))
    assert list(beat) == [24] * 3
    assert list(bar) == [8] * 3


@pytest.mark.parametrize("in_bar", [None, [UNKNOWN_IN_BAR] * 4, [-1] * 4])
def test_an_unknown_bar_leaves_the_beat_known(in_bar: list[int] | None) -> None:
    beat, bar = beat_bins([100, 125, 150, 300], BEATS, in_bar)
    assert list(beat) == [0, 12, 0, 24]
    assert list(bar) == [8] * 4


def test_beats_beyond_the_eighth_share_a_bin() -> None:
    _, bar = beat_bins(np.arange(12), np.arange(13), np.arange(13))
    assert list(bar) == [0, 1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7]


@given(st.lists(st.floats(0.5, 300), min_size=1, max_size=20), st.lists(st.floats(-50, 7000), max_size=30))
def test_bins_match_a_slow_search(gaps: list[float], times: list[float]) -> None:
    beats = np.cumsum([0.0, *gaps])
    in_bar = np.arange(len(beats)) % 3
    beat, bar = beat_bins(times, beats, in_bar)
    for time, found, found_bar in zip(times, beat, bar, strict=True):
        if not beats[0] <= time <= beats[-1]:
            assert (found, found_bar) == (24, 8)
            continue
        # Nearest of all bins of all beats, the last beat having only its first.
        marks = [(b + g * k / 24, i, k) for i, (b, g) in enumerate(zip(beats, gaps, strict=False)) for k in range(24)]
        marks.append((beats[-1], len(beats) - 1, 0))
        distances = sorted((abs(time - at), i, k) for at, i, k in marks)
        near = [(k, in_bar[i]) for d, i, k in distances if d <= distances[0][0] + 1e-9]
        assert (found, found_bar) in near
