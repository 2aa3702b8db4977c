"""MIDI clock in: tempo and beat out of ticks that come with jitter, late, not at all, or at a sudden other tempo.

A second-order phase-locked loop, critically damped, of BANDWIDTH_HZ: slower wander of the ticks is followed as music,
faster is filtered as jitter. It acquires with the gains of a growing least-squares line through all ticks so far
(Kalata 1984, the tracking-index filter), which fall until they meet those of the bandwidth. A constant tempo leaves no
phase error; a ramp leaves a constant one of (ticks' acceleration) / omega^2.

Thread: one. Times are microseconds of the monotonic clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal

__all__ = ["BANDWIDTH_HZ", "TICKS_PER_BEAT", "MidiClock", "Transport"]

TICKS_PER_BEAT: Final = 24
TICKS_PER_SIXTEENTH: Final = 6  # the unit of the song position pointer
BANDWIDTH_HZ: Final = 0.5
LOCK_TICKS: Final = 12  # half a beat of ticks before a tempo is believed
LONGEST_TICK_US: Final = 250_000  # 10 beats a minute: a longer silence is a clock that stood still
SHORTEST_TICK_US: Final = 600  # far beyond any tempo: what comes faster is a flood, not a clock
SLOWEST_BPM, FASTEST_BPM = 10.0, 999.0  # that are reported, as for /sideman/transport/tempo
STALE_US: Final = 1_000_000
JUMP_TICKS: Final = 4  # so many intervals that agree on another tempo are believed
JUMP_SHARE: Final = 0.2  # an interval so far from the tempo's is no jitter, if others agree with it
AGREE_SHARE: Final = 0.1

CLOCK, START, CONTINUE, STOP, POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
Transport = Literal["start", "continue", "stop", "position"]


class MidiClock:
    """Reads a stream of MIDI messages; what is no clock is passed over."""

    def __init__(self) -> None:
        self.running = False  # between start or continue and stop
        self._tick = 0  # number of the last tick
        self._at_us = 0.0  # when it was, filtered
        self._heard_us: int | None = None  # when it came
        self._period_us: float | None = None
        self._seen = 0  # ticks since the loop began to acquire
        self._song_offset = 0  # song position in ticks = tick number + this
        self._next_song_tick: int | None = 0  # position that the next tick has
        self._odd: deque[float] = deque(maxlen=JUMP_TICKS)  # the latest intervals, while they are off the tempo
        self._assumed = 0  # ticks thought lost since they are

    @property
    def tempo_bpm(self) -> float | None:
        """None until the loop has locked on a tempo of music."""
        if self._period_us is None or self._seen < LOCK_TICKS:
            return None
        bpm = 60e6 / (self._period_us * TICKS_PER_BEAT)
        return bpm if SLOWEST_BPM <= bpm <= FASTEST_BPM else None

    def beat_at(self, time_us: int) -> float | None:
        """Song position in beats at a moment; None without lock, or where the clock has fallen silent."""
        if self.tempo_bpm is None or self._period_us is None or self._heard_us is None:
            return None
        if self._next_song_tick is not None or time_us - self._heard_us > STALE_US:
            return None
        ticks = self._tick + self._song_offset + (time_us - self._at_us) / self._period_us
        return ticks / TICKS_PER_BEAT

    @property
    def position_beats(self) -> float:
        """Where start or continue will begin, or the last tick was."""
        ticks = self._tick + self._song_offset if self._next_song_tick is None else self._next_song_tick
        return ticks / TICKS_PER_BEAT

    def take(self, time_us: int, message: bytes) -> Transport | None:
        """One message; what it did to the transport."""
        status = message[0] if message else 0
        if status == CLOCK:
            self._take_tick(time_us)
        elif status == START:
            self.running, self._next_song_tick = True, 0
            return "start"
        elif status == CONTINUE:
            if not self.running and self._next_song_tick is None:
                self._next_song_tick = self._tick + self._song_offset
            self.running = True
            return "continue"
        elif status == STOP:
            if self.running and self._next_song_tick is None:
                self._next_song_tick = self._tick + self._song_offset + 1  # the beat stands still until it goes on
            self.running = False
            return "stop"
        elif status == POSITION and len(message) == 3:
            self._next_song_tick = (message[1] + 128 * message[2]) * TICKS_PER_SIXTEENTH
            return "position"
        return None

    def _take_tick(self, time_us: int) -> None:
        interval_us = math.inf if self._heard_us is None else time_us - self._heard_us
        self._heard_us = time_us
        if interval_us > LONGEST_TICK_US * 2:
            self._count(1)
            self._acquire(time_us, None)
        elif self._period_us is None:
            self._count(1)
            self._acquire(time_us, interval_us)
        else:
            self._track(time_us, interval_us)

    def _track(self, time_us: int, interval_us: float) -> None:
        assert self._period_us is not None
        if self._jumped(interval_us):
            self._tick -= self._assumed  # they were not lost: the tempo is another
            self._count(1)
            self._acquire(time_us, sum(self._odd) / len(self._odd))
            return
        ticks = 1
        if self._seen >= LOCK_TICKS and interval_us > 1.5 * self._period_us:
            ticks = max(1, round((time_us - self._at_us) / self._period_us))  # some were lost
        self._assumed += ticks - 1
        self._count(ticks)
        self._seen += 1
        error_us = time_us - (self._at_us + ticks * self._period_us)
        omega = 2 * math.pi * BANDWIDTH_HZ * self._period_us / 1e6
        n = self._seen
        alpha = max(2 * omega, 2 * (2 * n - 1) / (n * (n + 1)))
        beta = max(omega * omega, 6 / (n * (n + 1)))
        self._at_us += ticks * self._period_us + min(alpha, 1.0) * error_us
        self._period_us += min(beta, 1.0) * error_us / ticks
        if not SHORTEST_TICK_US <= self._period_us <= LONGEST_TICK_US * 2:
            self._acquire(time_us, None)

    def _jumped(self, interval_us: float) -> bool:
        """Whether the latest intervals agree on a tempo that is not ours."""
        assert self._period_us is not None
        if abs(interval_us - self._period_us) < JUMP_SHARE * self._period_us:
            self._odd.clear()
            self._assumed = 0
            return False
        self._odd.append(interval_us)
        mean_us = sum(self._odd) / len(self._odd)
        agree = all(abs(odd_us - mean_us) < AGREE_SHARE * mean_us for odd_us in self._odd)
        return len(self._odd) == JUMP_TICKS and agree

    def _acquire(self, time_us: int, period_us: float | None) -> None:
        """The loop begins anew, from this tick."""
        if period_us is not None and period_us < SHORTEST_TICK_US:
            period_us = None
        self._at_us, self._period_us = float(time_us), period_us
        self._seen = 1 if period_us is None else 2
        self._odd.clear()
        self._assumed = 0

    def _count(self, ticks: int) -> None:
        self._tick += ticks
        if self.running and self._next_song_tick is not None:
            self._song_offset = self._next_song_tick - self._tick
            self._next_song_tick = None
