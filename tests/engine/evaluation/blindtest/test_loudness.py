"""Laws of loudness: the standard's own calibration, what gates leave out, and equal clips."""

from __future__ import annotations

import numpy as np
import pytest

from engine.evaluation.blindtest.loudness import TARGET_LUFS, loudness_lufs, matched

RATE_HZ = 48_000


def sine(hz: float, dbfs: float, length_s: float = 5.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(int(length_s * rate_hz)) / rate_hz)


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_a_full_sine_of_997_hz_has_the_loudness_of_the_standard(rate_hz: int) -> None:
    assert loudness_lufs(sine(997, 0.0, rate_hz=rate_hz), rate_hz) == pytest.approx(-3.01, abs=0.02)
    assert loudness_lufs(sine(997, -20.0, rate_hz=rate_hz), rate_hz) == pytest.approx(-23.01, abs=0.02)


def test_the_low_count_less_and_the_high_more() -> None:
    low, middle, high = (loudness_lufs(sine(hz, -20.0), RATE_HZ) for hz in (30, 997, 6000))
    assert low < middle - 3
    assert middle + 3 < high < middle + 4


def test_silence_before_and_after_does_not_count() -> None:
    alone = sine(997, -20.0)
    padded = np.concatenate([np.zeros(3 * RATE_HZ), alone, np.zeros(5 * RATE_HZ)])
    assert loudness_lufs(padded, RATE_HZ) == pytest.approx(loudness_lufs(alone, RATE_HZ), abs=0.3)
    assert loudness_lufs(np.zeros(RATE_HZ), RATE_HZ) == -np.inf


def test_clips_come_out_equally_loud_and_none_clips() -> None:
    rng = np.random.default_rng(0)
    clicks = np.zeros(3 * RATE_HZ)
    clicks[:: RATE_HZ // 4] = 0.9  # little loudness, high peaks
    sounds = [sine(300, -30.0), sine(300, -6.0), 0.05 * rng.normal(size=4 * RATE_HZ)]
    assert [loudness_lufs(x, RATE_HZ) for x in matched(sounds, RATE_HZ)] == pytest.approx([TARGET_LUFS] * 3, abs=0.01)
    peaky = matched([*sounds, clicks], RATE_HZ)
    loud = [loudness_lufs(x, RATE_HZ) for x in peaky]
    assert max(loud) - min(loud) < 0.01
    assert max(np.abs(x).max() for x in peaky) <= 10 ** (-1 / 20) + 1e-9
    assert matched([np.zeros(RATE_HZ)], RATE_HZ)[0].max() == 0
