"""Estimates the tempo of a clock whose ticks come with jitter, late, in bursts or not at all, or change tempo.

A second-order phase-locked loop, critically damped, of BANDWIDTH_HZ: slower wander of the ticks is followed as music,
faster is filtered as jitter. It acquires with the gains of a growing least-squares line through all ticks so far
(Kalata 1984, the tracking-index filter), which fall until they meet those of the bandwidth. A constant tempo leaves no
phase error; a ramp leaves a constant one of (ticks' acceleration) / omega^2.

A host, or a JACK server, may hand its ticks out once an audio block: right on average, but nothing or whole blocks
apart. How far the latest intervals spread is how far a tick can be off without being news: the wider they spread, the
narrower the loop, and the later a lock, a lost tick or a jump of tempo is believed.

Thread: one. Times are microseconds of one clock.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import pairwise
from typing import Final

__all__ = ["BANDWIDTH_HZ", "TickLoop"]

BANDWIDTH_HZ: Final = 0.5
STEADY_US: Final = 8_000.0  # intervals that spread wider narrow the bandwidth in proportion
LOCK_TICKS: Final = 12  # so many are seen before a tempo is believed,
LOCK_SHARE: Final = 0.015  # and the line through them may be off by so much of it
LONGEST_TICK_US: Final = 250_000  # 10 beats a minute: a longer silence is a clock that stood still
SHORTEST_TICK_US: Final = 600  # far beyond any tempo: what comes faster is a flood, not a clock
JUMP_TICKS: Final = 4  # so many intervals that agree on another tempo are believed
JUMP_SHARE: Final = 0.2  # an interval so far from the tempo's is no jitter, if others agree with it
AGREE_SHARE: Final = 0.1
SPREAD_TICKS: Final = 96  # intervals whose spread counts in full; then it is forgotten slowly,
FORGOTTEN_SHARE: Final = 0.0002  # so much of it a tick
LATE_SHARE: Final = 0.75  # of the spread: a tick later than that, and half a period, is the one after a lost one
REGULAR_GAPS: Final = ((25, 4), (12, 5), (1, 6))  # from so many ticks apart on, so many on one line are no losses
BLOCK_SHARE: Final = 1.08  # ticks handed out in blocks stay within one block of their line


class TickLoop:
    """Fits a line through the times of the ticks, and counts them."""

    def __init__(self) -> None:
        self.tick = 0  # number of the last one
        self.at_us = 0.0  # when it was, filtered
        self.heard_us: int | None = None  # when it came
        self.period_us: float | None = None
        self._seen = 0  # ticks since the loop began to acquire
        self._forget()

    def _forget(self) -> None:
        self._intervals: deque[float] = deque(maxlen=SPREAD_TICKS)  # without those in which ticks were lost
        self._spread_us = 0.0
        self._odd: deque[float] = deque(maxlen=JUMP_TICKS)  # the latest intervals, while they are off the tempo
        self._assumed = 0  # ticks thought lost since they are
        self._gap_us: float | None = None  # the interval in which ticks were last thought lost, until one comes in time
        self._owed = 0  # how many may still come late, in a burst
        self._gaps: deque[tuple[int, int]] = deque(maxlen=6)  # (ticks seen, ticks thought lost)
        self._heard: deque[int] = deque(maxlen=2048)  # when the ticks seen came
        self._far = 0  # ticks in a row that the line was far from

    @property
    def is_locked(self) -> bool:
        """Whether enough ticks lie on one line for the tempo to be believed."""
        if self.period_us is None or self._seen < LOCK_TICKS:
            return False
        return self._spread_us <= LOCK_SHARE * self.period_us * self._seen * math.sqrt(self._seen)

    def take(self, time_us: int) -> None:
        """Takes one tick at a time in microseconds."""
        interval_us = math.inf if self.heard_us is None else time_us - self.heard_us
        self.heard_us = time_us
        if interval_us > LONGEST_TICK_US * 2:
            self.tick += 1
            self._acquire(time_us, None)
        elif self.period_us is None:
            self.tick += 1
            self._acquire(time_us, interval_us)
        else:
            self._track(time_us, interval_us, self.period_us)

    def _track(self, time_us: int, interval_us: float, period_us: float) -> None:
        if self._owed and interval_us < 0.5 * period_us:  # it was late, not lost, and has been counted
            self._owed -= 1
            self._assumed = max(self._assumed - 1, 0)
            self._spread(interval_us)
            if self._gap_us is not None:
                self._spread(self._gap_us)
                self._gap_us = None
            return
        self._owed, self._gap_us = 0, None
        if self._jumped(interval_us, period_us):
            self.tick -= self._assumed - 1  # they were not lost: the tempo is another
            self._acquire(time_us, sum(self._odd) / len(self._odd))
            return
        error_us = time_us - self.at_us - period_us
        slack_us = LATE_SHARE * self._spread_us
        lost = 0
        if self._seen >= LOCK_TICKS and interval_us > 1.5 * period_us and error_us > slack_us + period_us / 2:
            lost = max(1, round((error_us - slack_us) / period_us))
            self._assumed += lost
            self._gap_us, self._owed = interval_us, lost
        else:
            self._spread(interval_us)
        self._seen += 1
        self._heard.append(time_us)
        self.tick += 1 + lost
        if lost:
            self._gaps.append((self._seen, lost))
            if self._gaps_are_none(period_us):
                self._lay_anew(time_us)
                return
        self._follow(error_us - lost * period_us, 1 + lost, period_us)
        self._look_far(time_us, error_us - lost * period_us)

    def _follow(self, error_us: float, ticks: int, period_us: float) -> None:
        """Corrects the line by a tick that was off it."""
        bandwidth_hz = BANDWIDTH_HZ * min(1.0, STEADY_US / max(self._spread_us, 1.0))
        omega = 2 * math.pi * bandwidth_hz * period_us / 1e6
        n = self._seen
        alpha = max(2 * omega, 2 * (2 * n - 1) / (n * (n + 1)))
        beta = max(omega * omega, 6 / (n * (n + 1)))
        self.at_us += ticks * period_us + min(alpha, 1.0) * error_us
        self.period_us = period_us + min(beta, 1.0) * error_us / ticks
        if not SHORTEST_TICK_US <= self.period_us <= LONGEST_TICK_US * 2:
            assert self.heard_us is not None
            self._acquire(self.heard_us, None)

    def _spread(self, interval_us: float) -> None:
        """Takes one interval, in which no tick was lost, into the spread."""
        self._intervals.append(interval_us)
        now_us = max(self._intervals) - min(self._intervals)
        self._spread_us = max(now_us, self._spread_us * (1 - FORGOTTEN_SHARE))

    def _jumped(self, interval_us: float, period_us: float) -> bool:
        """Whether the latest intervals agree on a different tempo, and audio blocks do not explain them."""
        if abs(interval_us - period_us) < JUMP_SHARE * period_us:
            self._odd.clear()
            self._assumed = 0
            return False
        self._odd.append(interval_us)
        sum_us = sum(self._odd)
        mean_us = sum_us / len(self._odd)
        agree = all(abs(odd_us - mean_us) < AGREE_SHARE * mean_us for odd_us in self._odd)
        far = abs(sum_us - len(self._odd) * period_us) > 1.1 * self._spread_us
        return len(self._odd) == JUMP_TICKS and agree and far

    def _gaps_are_none(self, period_us: float) -> bool:
        """Whether one line explains the ticks that came: then none were lost, and blocks or another tempo made the
        gaps.
        """
        for apart, gaps in REGULAR_GAPS:
            if len(self._gaps) < gaps:
                continue
            since = self._seen - self._gaps[-gaps][0]
            if since < apart * (gaps - 1) or since >= len(self._heard):
                continue
            seen = [at for at, _ in self._gaps][-gaps:]
            apart_ticks = [after - before for before, after in pairwise(seen)]
            if self._spread_us < period_us / 4 and max(apart_ticks) - min(apart_ticks) > 1:
                continue  # steady ticks: blocks would be missed as steadily
            times_us = list(self._heard)[-since - 1 :]
            mean_us = (times_us[-1] - times_us[0]) / since
            off_us = [time_us - i * mean_us for i, time_us in enumerate(times_us)]
            between_us = [after - before for before, after in pairwise(times_us)]
            block_us = min(max(between_us) - min(between_us), max(self._spread_us, period_us))
            if max(off_us) - min(off_us) <= BLOCK_SHARE * block_us:
                while len(self._gaps) > gaps:
                    self._gaps.popleft()
                return True
        return False

    def _lay_anew(self, time_us: int) -> None:
        """Fits the line anew through the ticks that came, none of which was lost in the gaps."""
        since = self._seen - self._gaps[0][0]
        times_us = list(self._heard)[-since - 1 :]
        self.tick -= sum(lost for _, lost in self._gaps)
        self.period_us = (times_us[-1] - times_us[0]) / since
        for before, after in pairwise(times_us):
            self._spread(after - before)
        self.at_us = time_us - self._spread_us / 2  # the first tick after a gap is the latest of all
        self._seen = since
        self._gaps.clear()
        self._odd.clear()
        self._assumed = self._owed = self._far = 0

    def _look_far(self, time_us: int, error_us: float) -> None:
        """Notices a change of tempo that blocks hide: the ticks have left the line by more than blocks explain."""
        if self.period_us is None:
            return
        self._far = self._far + 1 if abs(error_us) > self._spread_us + self.period_us else 0
        if self._far < JUMP_TICKS or len(self._intervals) < LOCK_TICKS:
            return
        latest = list(self._intervals)[-LOCK_TICKS:]
        spread_us = self._spread_us
        self._acquire(time_us, sum(latest) / len(latest))
        self._spread_us = spread_us
        self._seen = LOCK_TICKS // 2

    def _acquire(self, time_us: int, period_us: float | None) -> None:
        """Starts to acquire anew, from this tick."""
        if period_us is not None and period_us < SHORTEST_TICK_US:
            period_us = None
        self.at_us, self.period_us = float(time_us), period_us
        self._seen = 1 if period_us is None else 2
        self._forget()
        if period_us is not None:
            self._spread(period_us)
