"""Ticks to seconds, and the beat grid of a metrical file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.metre import is_compound

__all__ = ["TempoMap", "beat_grid"]

DEFAULT_TEMPO_US = 500_000  # microseconds a quarter note where a file gives no tempo (SMF 1.0: 120 bpm)


@dataclass(frozen=True)
class TempoMap:
    """Piecewise linear ticks -> seconds.

    ticks: (S,) int64, rising, first 0; seconds: (S,) time at each; seconds_per_tick: (S,) slope from each on.
    """

    ticks: npt.NDArray[np.int64]
    seconds: npt.NDArray[np.float64]
    seconds_per_tick: npt.NDArray[np.float64]

    @classmethod
    def from_division(cls, division: int, tempos: Sequence[tuple[int, int]]) -> TempoMap:
        """The map of a file's header division and its (tick, microseconds a quarter note) tempo events, in any order.

        A division with the top bit set counts SMPTE frames: ticks are then seconds and tempo events mean nothing.
        ValueError for a division that gives no time at all (0 ticks a quarter note, 0 ticks a frame).
        """
        if division & 0x8000:
            frames_per_s = 256 - (division >> 8)
            # 29 stands for 30 drop-frame, which runs at 30000/1001 frames a second.
            rate = (30_000 / 1_001 if frames_per_s == 29 else frames_per_s) * (division & 0xFF)
            if rate == 0:
                raise ValueError("the header's SMPTE division has 0 ticks a frame")
            return cls(np.zeros(1, dtype=np.int64), np.zeros(1), np.array([1 / rate]))
        if division == 0:
            raise ValueError("the header's division is 0 ticks a quarter note")
        # A tempo of 0 us would stop the beat: players ignore it, and so does this map. At one tick the last one counts.
        changes = {0: DEFAULT_TEMPO_US} | {tick: us for tick, us in sorted(tempos, key=lambda t: t[0]) if us > 0}
        ticks = np.array(list(changes), dtype=np.int64)
        slope = np.array(list(changes.values())) / (1e6 * division)
        seconds = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * slope[:-1])])
        return cls(ticks, seconds, slope)

    def to_seconds(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(N,) ticks -> (N,) seconds."""
        at = np.asarray(ticks, dtype=np.int64)
        segment = np.searchsorted(self.ticks, at, side="right") - 1
        result: npt.NDArray[np.float64] = (
            self.seconds[segment] + (at - self.ticks[segment]) * self.seconds_per_tick[segment]
        )
        return result


def beat_grid(
    division: int, time_signatures: Sequence[tuple[int, int, int]], end_tick: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Beats of a metrical file from tick 0 up to and including the first one at or after end_tick.

    time_signatures: (tick, numerator, denominator), in any order; the last of several at one tick holds, and 4/4 where
    none is given. Compound metres (6/8, 9/8, 12/8 and the like) beat in dotted notes, as musicians count them. A
    signature starts a new bar where it stands.
    Returns (B,) ticks (fractional where a beat is no whole number of ticks) and (B,) index of each beat in its bar.
    """
    changes = {0: (4, 4)} | {
        tick: (numerator, denominator)
        for tick, numerator, denominator in sorted(time_signatures, key=lambda row: row[0])
        if numerator > 0 and denominator > 0
    }
    starts = [tick for tick in changes if tick <= end_tick]
    ticks, in_bar = [], []
    for start, stop in zip(starts, [*starts[1:], None], strict=True):
        numerator, denominator = changes[start]
        compound = is_compound(numerator, denominator)
        beat_ticks = division * 4 / denominator * (3 if compound else 1)
        beats_per_bar = numerator // 3 if compound else numerator
        span = (end_tick if stop is None else stop) - start
        index = np.arange(math.ceil(span / beat_ticks) + (stop is None))
        ticks.append(start + index * beat_ticks)
        in_bar.append(index % beats_per_bar)
    return np.concatenate(ticks), np.concatenate(in_bar).astype(np.int64)
