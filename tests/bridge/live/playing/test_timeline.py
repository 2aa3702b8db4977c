"""Beats over a stream's seconds and over the wall's microseconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.live.playing.timeline import StreamTimeline, WallTimeline

TEMPOS = st.floats(10, 999)
TIMES_S = st.floats(-1e4, 1e4)


@given(TEMPOS, TIMES_S, TIMES_S)
def test_beat_and_seconds_are_each_others_way_back(tempo_bpm: float, origin_s: float, time_s: float) -> None:
    timeline = StreamTimeline(tempo_bpm, origin_s)
    assert timeline.seconds(timeline.beat(time_s)) == pytest.approx(time_s, abs=1e-6)


@given(TEMPOS, TEMPOS, TIMES_S, TIMES_S)
def test_a_tempo_change_never_moves_the_beat(before: float, after: float, origin_s: float, at_s: float) -> None:
    timeline = StreamTimeline(before, origin_s)
    changed = timeline.at_tempo(after, at_s)
    assert changed.tempo_bpm == after
    assert changed.beat(at_s) == pytest.approx(timeline.beat(at_s), abs=1e-6)


@given(TEMPOS, TEMPOS, st.integers(0, 10**12), st.integers(0, 10**10), st.integers(-64, 64))
def test_wall_and_stream_tell_of_the_same_moment(
    before: float, after: float, zero_us: int, changed_us: int, beat: int
) -> None:
    wall = WallTimeline(before, zero_us).at_tempo(after, zero_us + changed_us)
    heard_us = zero_us + wall.on_stream(zero_us).seconds(beat) * 1e6
    assert wall.wall_us(beat) == pytest.approx(heard_us, abs=2)
