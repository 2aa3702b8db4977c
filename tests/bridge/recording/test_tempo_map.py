"""A tempo map keeps every moment, and puts the music's bar lines on the file's."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.recording.tempo_map import Beats, TempoMap
from engine.metre import COMMON, Metre
from engine.midi_io.write import TICKS_PER_QUARTER

BAR_TICKS = 4 * TICKS_PER_QUARTER


def seconds(map_: TempoMap, tick: int) -> float:
    """As a reader of the file counts."""
    at_us, at, tempo = 0.0, 0, 500_000
    for change, beat_us in map_.tempi:
        if change >= tick:
            break
        at_us += (change - at) * tempo / TICKS_PER_QUARTER
        at, tempo = change, beat_us
    return (at_us + (tick - at) * tempo / TICKS_PER_QUARTER) / 1e6


def off_bar(map_: TempoMap, time_us: int) -> int:
    """Ticks from the nearest bar line of the file."""
    return abs((map_.tick(time_us) + BAR_TICKS // 2) % BAR_TICKS - BAR_TICKS // 2)


def test_without_a_beat_ticks_count_from_the_start() -> None:
    map_ = TempoMap(1_000_000, 100.0, [])
    assert map_.tempi == [(0, 600_000)]
    assert [map_.tick(time_us) for time_us in (0, 1_000_000, 1_600_000)] == [0, 0, 480]


def test_the_first_beat_lays_the_file_so_that_its_bars_are_bars() -> None:
    map_ = TempoMap(1_000_000, None, [Beats(3_300_000, 120.0, 3_350_000)])
    assert map_.tempi == [(0, 500_000)]
    assert map_.tick(3_350_000) % BAR_TICKS == 0
    assert map_.tick(1_000_000) < BAR_TICKS


def test_a_tempo_change_keeps_the_beat_and_a_new_start_is_a_bar_line() -> None:
    map_ = TempoMap(
        0, None,
        [
            Beats(10_000, 120.0, 10_000),
            Beats(4_010_000, 90.0, 4_010_000),  # two bars later
            Beats(6_000_000, None),
            Beats(9_123_456, 90.0, 9_123_456),
            Beats(9_900_000, 200.0, 9_950_000),  # a host that locates: no rest before it
        ],
    )  # fmt: skip
    assert (map_.tick(4_010_000) - map_.tick(10_000)) == 2 * BAR_TICKS
    for bar_us in (10_000, 4_010_000, 9_123_456):
        assert off_bar(map_, bar_us) <= 10
    assert [round(60e6 / beat_us) for _, beat_us in map_.tempi[:2]] == [120, 90]
    assert round(60e6 / map_.tempi[-1][1]) == 200


MOMENTS = st.integers(0, 200_000_000)
METRES = st.sampled_from([Metre(3), COMMON, Metre(5), Metre(6, 8), Metre(7, 8), Metre(12, 8)])
CHANGES = st.lists(st.builds(Beats, MOMENTS, st.none() | st.floats(20, 400), MOMENTS, METRES), max_size=12)


@settings(max_examples=300, deadline=None)
@example(start_us=0, changes=[Beats(0, 20.0, 699), Beats(0, 200.0, 0)], moments=[1011])
@given(start_us=st.integers(0, 10_000_000), changes=CHANGES, moments=st.lists(MOMENTS, min_size=1, max_size=20))
def test_every_moment_is_read_back_where_it_was(start_us: int, changes: list[Beats], moments: list[int]) -> None:
    map_ = TempoMap(start_us, None, changes)
    assert map_.tempi[0][0] == 0
    ticks = [tick for tick, _ in map_.tempi]
    assert ticks == sorted(set(ticks))
    zero_s = start_us / 1e6 - seconds(map_, map_.tick(start_us))
    # A tempo that another one replaces at the same tick has laid the file by its own, longer ticks.
    asked_us = [60e6 / change.tempo_bpm / change.metre.beat_quarters for change in changes if change.tempo_bpm]
    slowest_s = max([quarter_us for _, quarter_us in map_.tempi] + asked_us) / 1e6 / TICKS_PER_QUARTER
    moments = sorted(moment for moment in moments if moment >= start_us)
    assert [map_.tick(moment) for moment in moments] == sorted(map_.tick(moment) for moment in moments)
    for moment in moments:
        assert zero_s + seconds(map_, map_.tick(moment)) == pytest.approx(moment / 1e6, abs=1.6 * slowest_s + 1e-5)


def test_music_with_rests_starts_every_time_on_a_bar_line() -> None:
    changes, bars_us = [], []
    at_us = 700_000
    for tempo_bpm, rest_us in ((120.0, 3_100_000), (97.0, 5_432_100), (161.0, 2_900_000), (161.0, 61_000_000)):
        changes += [Beats(at_us, tempo_bpm, at_us), Beats(at_us + 7_000_000, None)]
        bars_us.append(at_us)
        at_us += 7_000_000 + rest_us
    map_ = TempoMap(0, None, changes)
    assert max(off_bar(map_, bar_us) for bar_us in bars_us) <= 10


@pytest.mark.parametrize(
    ("metre", "quarter_us", "bar_ticks"),
    [(Metre(3), 500_000, 1440), (Metre(5), 500_000, 2400), (Metre(6, 8), 333_333, 1440), (Metre(7, 8), 1_000_000, 1680),
     (Metre(12, 8), 333_333, 2880)],
)  # fmt: skip
def test_a_metres_bars_are_the_files_and_its_felt_beat_is_counted(
    metre: Metre, quarter_us: int, bar_ticks: int
) -> None:
    bar_us = round(metre.beats * 500_000)  # 120 felt beats a minute
    map_ = TempoMap(0, None, [Beats(bar_us // 3, 120.0, bar_us, metre)])
    assert map_.metres == [(0, metre)]
    assert map_.tempi == [(0, quarter_us)]
    assert [round(map_.tick(bar_us * n) / bar_ticks, 2) for n in (1, 2, 5)] == [1, 2, 5]


def test_another_metre_begins_at_its_own_bar_line_and_nothing_is_stretched_for_it() -> None:
    six, seven = Metre(6, 8), Metre(7, 8)
    map_ = TempoMap(
        0, None,
        [Beats(0, 60.0, 0, six), Beats(10_500_000, 120.0, 11_000_000, seven), Beats(14_600_000, 60.0, 14_500_000)],
    )  # fmt: skip
    (_, _), (seven_tick, _), (four_tick, _) = map_.metres
    assert [metre for _, metre in map_.metres] == [six, seven, COMMON]
    assert seven_tick == pytest.approx(map_.tick(11_000_000), abs=1)
    assert (four_tick - seven_tick) % 1680 in (0, 1, 1679), "whole bars of 7/8"
    assert [tempo for _, tempo in map_.tempi] == [666_667, 1_000_000, 1_000_000][:2]
    assert map_.tick(18_500_000) - four_tick == pytest.approx(4 * 480, abs=1)
