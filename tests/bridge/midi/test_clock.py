"""The clock's loop on synthetic ticks: jitter, ramps, jumps, losses, drift; and the transport."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from bridge.midi.clock import MidiClock

TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


def ticks_us(tempos_bpm: Iterable[float], start_us: int = 1_000_000) -> list[float]:
    """True times of ticks: tick i is followed by an interval at the i-th tempo."""
    times = [float(start_us)]
    for tempo_bpm in tempos_bpm:
        times.append(times[-1] + 60e6 / tempo_bpm / 24)
    return times


def run(clock: MidiClock, times: Iterable[float], jitter_us: float = 0.0, seed: int = 0, lost: float = 0.0) -> None:
    draw = random.Random(seed)
    for time_us in times:
        if draw.random() >= lost:
            clock.take(round(time_us + draw.uniform(0, 2 * jitter_us)), TICK)


@pytest.mark.parametrize("tempo_bpm", [30.0, 60.0, 120.0, 174.5, 300.0])
@pytest.mark.parametrize("seed", range(5))
def test_jittered_ticks_give_tempo_and_beat(tempo_bpm: float, seed: int) -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([tempo_bpm] * 24 * 16)
    run(clock, times, jitter_us=2_000, seed=seed)
    assert clock.tempo_bpm == pytest.approx(tempo_bpm, rel=0.005)
    beat = clock.beat_at(round(times[-1]) + 2_000)  # the jitter's mean is a delay that nobody can know
    assert beat == pytest.approx(16.0, abs=1.5e-3 * tempo_bpm / 60)  # 1.5 ms


def test_the_first_tick_after_start_is_beat_0() -> None:
    clock = MidiClock()
    times = ticks_us([120.0] * 48)
    run(clock, times[:24])
    assert clock.tempo_bpm == pytest.approx(120.0)
    assert clock.take(round(times[23]) + 5, START) == "start"
    run(clock, times[24:])
    assert clock.beat_at(round(times[24])) == pytest.approx(0.0, abs=1e-3)
    assert clock.beat_at(round(times[48])) == pytest.approx(1.0, abs=1e-3)


def test_a_clock_joined_without_a_start_has_a_tempo_and_beats_from_its_first_tick() -> None:
    clock = MidiClock()
    times = ticks_us([120.0] * 24 * 8)
    run(clock, times)
    assert clock.tempo_bpm == pytest.approx(120.0)
    assert clock.beat_at(round(times[-1])) == pytest.approx(8.0, abs=1e-3)
    assert not clock.running
    clock.take(round(times[-1]), b"\xf2\x10\x00")
    clock.take(round(times[-1]), CONTINUE)
    run(clock, ticks_us([120.0] * 24, start_us=round(times[-1]) + 20_833))
    assert clock.beat_at(round(times[-1]) + 520_833) == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
@pytest.mark.parametrize("frames", [64, 128, 256, 480, 512, 1024, 2048])
@pytest.mark.parametrize("is_late", [False, True], ids=["the block's begin", "the next block"])
def test_ticks_handed_out_once_an_audio_block_give_tempo_and_beat(frames: int, rate_hz: int, is_late: bool) -> None:
    block_us = frames * 1e6 / rate_hz
    wrong = []
    for tempo_bpm in (*range(60, 241, 12), 96.9, 115.9, 128.0, 214.8, 238.45):
        clock, far, heard_us = MidiClock(), 0, -1000
        clock.take(0, START)
        times = ticks_us([tempo_bpm] * round(24 * tempo_bpm / 60 * 18), start_us=0)
        for i, time_us in enumerate(times):
            heard_us = max(round((time_us // block_us + is_late) * block_us), heard_us + 20)
            clock.take(heard_us, TICK)
            if time_us > 8e6:
                tempo, beat = clock.tempo_bpm, clock.beat_at(heard_us)
                far += tempo is None or abs(tempo / tempo_bpm - 1) > 0.02 or beat is None or abs(beat - i / 24) > 0.15
        if far:
            wrong.append((tempo_bpm, far))
    assert wrong == []


@pytest.mark.parametrize("block_us", [5_805.0, 11_610.0, 23_220.0, 46_440.0])
@pytest.mark.parametrize(
    ("before", "after"), [(120.0, 60.0), (60.0, 120.0), (120.0, 90.0), (120.0, 240.0), (100.0, 160.0), (120.0, 126.0)]
)
def test_a_jump_of_tempo_in_blocks_is_followed(before: float, after: float, block_us: float) -> None:
    draw, clock, heard_us = random.Random(1), MidiClock(), -1000
    clock.take(0, START)
    for time_us in ticks_us([before] * 24 * 12 + [after] * 24 * 16, start_us=0):
        heard_us = max(round(time_us // block_us * block_us) + draw.randrange(300), heard_us + 20)
        clock.take(heard_us, TICK)
    assert clock.tempo_bpm == pytest.approx(after, rel=0.02)
    assert clock.beat_at(heard_us) == pytest.approx(28.0, abs=0.15)


def test_a_clock_that_stood_still_and_caught_up_in_a_burst_has_lost_nothing() -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([120.0] * 24 * 16, start_us=0)
    for i, time_us in enumerate(times):
        held_up = 24 * 8 <= i < 24 * 8 + 12
        clock.take(round(times[24 * 8 + 12] - (24 * 8 + 12 - i) * 50 if held_up else time_us), TICK)
    assert clock.tempo_bpm == pytest.approx(120.0, rel=0.01)
    assert clock.beat_at(round(times[-1])) == pytest.approx(16.0, abs=0.02)


def test_stop_holds_the_position_and_continue_goes_on_from_it() -> None:
    clock = MidiClock()
    times = ticks_us([120.0] * 24 * 8)
    clock.take(0, START)
    run(clock, times[:49])
    assert clock.take(round(times[48]) + 5, STOP) == "stop"
    run(clock, times[49:97])
    assert not clock.running
    assert clock.position_beats == pytest.approx(2.0, abs=0.05)
    assert clock.take(round(times[96]) + 5, CONTINUE) == "continue"
    run(clock, times[97:122])
    assert clock.beat_at(round(times[121])) == pytest.approx(3.0, abs=0.05)


def test_a_song_position_is_where_continue_begins() -> None:
    clock = MidiClock()
    times = ticks_us([120.0] * 100)
    run(clock, times[:30])
    assert clock.take(0, b"\xf2\x10\x01") == "position"  # 144 sixteenths
    assert clock.position_beats == 36.0
    clock.take(0, CONTINUE)
    run(clock, times[30:])
    assert clock.beat_at(round(times[30])) == pytest.approx(36.0, abs=1e-3)


def test_a_ramp_is_followed_within_10_ms() -> None:
    clock = MidiClock()
    clock.take(0, START)
    tempos = [100.0] * 96 + [100 + 40 * i / 384 for i in range(384)] + [140.0] * 200
    times = ticks_us(tempos)
    for i, time_us in enumerate(times):
        clock.take(round(time_us), TICK)
        if i > 24:
            beat = clock.beat_at(round(time_us))
            assert beat == pytest.approx(i / 24, abs=0.010 * 140 / 60)
    assert clock.tempo_bpm == pytest.approx(140.0, rel=0.005)


@pytest.mark.parametrize(
    ("before", "after"), [(120.0, 60.0), (60.0, 120.0), (120.0, 90.0), (120.0, 240.0), (100.0, 160.0)]
)
def test_a_jump_of_tempo_loses_no_beat(before: float, after: float) -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([before] * 96 + [after] * 96)
    run(clock, times, jitter_us=300)
    assert clock.tempo_bpm == pytest.approx(after, rel=0.01)
    assert clock.beat_at(round(times[-1])) == pytest.approx(8.0, abs=0.02)


@pytest.mark.parametrize("seed", range(10))
def test_lost_ticks_lose_no_beat(seed: int) -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([120.0] * 24 * 30)
    run(clock, times[:48])
    run(clock, times[48:-1], jitter_us=500, seed=seed, lost=0.05)
    run(clock, times[-1:])
    assert clock.tempo_bpm == pytest.approx(120.0, rel=0.01)
    assert clock.beat_at(round(times[-1])) == pytest.approx(30.0, abs=0.01)


def test_ten_minutes_do_not_drift() -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([123.4567] * 24 * 1234)
    run(clock, times, jitter_us=1_000)
    assert clock.beat_at(round(times[-1]) + 1_000) == pytest.approx(1234.0, abs=0.004)


def test_a_silent_clock_is_stale_and_comes_back() -> None:
    clock = MidiClock()
    clock.take(0, START)
    times = ticks_us([120.0] * 96)
    run(clock, times)
    assert clock.beat_at(round(times[-1]) + 900_000) is not None, "it flies on for a while"
    assert clock.beat_at(round(times[-1]) + 1_100_000) is None
    run(clock, ticks_us([90.0] * 48, start_us=round(times[-1]) + 5_000_000))
    assert clock.tempo_bpm == pytest.approx(90.0)


@pytest.mark.parametrize("message", [b"", b"\xfe", b"\x90\x3c\x40", b"\xf2\x01", b"\xff"])
def test_what_is_no_clock_is_passed_over(message: bytes) -> None:
    clock = MidiClock()
    assert clock.take(0, message) is None
    assert clock.tempo_bpm is None
    assert clock.position_beats == 0.0
