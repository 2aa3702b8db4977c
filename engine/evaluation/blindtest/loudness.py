"""How loud a clip is, as broadcasters measure it: ITU-R BS.1770-4, K-weighted and gated, in LUFS."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.arrays import F64

__all__ = ["TARGET_LUFS", "loudness_lufs", "matched"]

TARGET_LUFS = -23.0  # EBU R 128
HEADROOM_DB = -1.0  # no sample higher than this below full scale
BLOCK_S, HOP_S = 0.4, 0.1
ABSOLUTE_GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
# The standard's two filters as analogue prototypes, so that they hold at any sample rate: a shelf for the head,
# and a high pass (gain in dB, quality, corner in Hz).
SHELF = (3.999843853973347, 0.7071752369554196, 1681.974450955533)
HIGH_PASS = (0.0, 0.5003270373238773, 38.13547087602444)


def loudness_lufs(sound: F64, rate_hz: int) -> float:
    """Returns the integrated loudness of (N,) samples of one channel within -1..1; -inf for silence."""
    weighted = np.fft.irfft(np.fft.rfft(sound) * _k_weighting(len(sound), rate_hz), n=len(sound))
    power = np.concatenate([[0.0], np.cumsum(weighted**2)])
    block, hop = min(int(BLOCK_S * rate_hz), len(sound)), int(HOP_S * rate_hz)
    starts = np.arange(0, len(sound) - block + 1, hop)
    mean = (power[starts + block] - power[starts]) / block
    heard = mean[_lufs(mean) > ABSOLUTE_GATE_LUFS]
    if not len(heard):
        return -np.inf
    heard = heard[_lufs(heard) > _lufs(heard.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(heard.mean()))


def matched(sounds: list[F64], rate_hz: int) -> list[F64]:
    """Brings all clips to one loudness: TARGET_LUFS, or less where the clip with the highest peak needs it.

    Silence stays silence.
    """
    loud = [loudness_lufs(sound, rate_hz) for sound in sounds]
    gains = [10 ** ((TARGET_LUFS - lufs) / 20) if np.isfinite(lufs) else 1.0 for lufs in loud]
    peak = max((gain * float(np.abs(sound).max()) for gain, sound in zip(gains, sounds, strict=True)), default=0.0)
    common = min(1.0, 10 ** (HEADROOM_DB / 20) / peak) if peak else 1.0
    return [sound * (gain * common) for gain, sound in zip(gains, sounds, strict=True)]


def _lufs(power: F64 | np.floating) -> F64:
    with np.errstate(divide="ignore"):
        lufs: F64 = -0.691 + 10 * np.log10(power)
    return lufs


def _k_weighting(length: int, rate_hz: int) -> npt.NDArray[np.complex128]:
    """Returns the gain of both filters at the frequencies of a real transform of that length."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(length))  # z to the -1
    gain_db, quality, corner_hz = SHELF
    k = np.tan(np.pi * corner_hz / rate_hz)
    high, band = 10 ** (gain_db / 20), 10 ** (gain_db / 20 * 0.4996667741545416)
    a0 = 1 + k / quality + k * k
    shelf = (high + band * k / quality + k * k) + 2 * (k * k - high) * z + (high - band * k / quality + k * k) * z**2
    shelf = shelf / (a0 + 2 * (k * k - 1) * z + (1 - k / quality + k * k) * z**2)
    _, quality, corner_hz = HIGH_PASS
    k = np.tan(np.pi * corner_hz / rate_hz)
    below = (1 + k / quality + k * k) + 2 * (k * k - 1) * z + (1 - k / quality + k * k) * z**2
    weighting: npt.NDArray[np.complex128] = shelf * (1 - 2 * z + z**2) / (below / (1 + k / quality + k * k))
    return weighting
