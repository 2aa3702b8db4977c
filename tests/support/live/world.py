"""A live session on a virtual clock: the real scheduler, and a receiver that keeps account of what it is sent.

The consumer runs whenever virtual time passes, also in the middle of a decode, so cancels come late as they do in life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import native
from bridge.live.inbox import Inbox
from bridge.live.options import SessionOptions
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.observer import Observer
from bridge.live.session import OPTIONS, LiveSession
from osc_protocol.table.parameters import Setting, Value
from tests.support.live.fake_session import FakeSession

D_MINOR_7 = (50, 53, 57, 60)
G_7 = (43, 53, 59, 62)
C_MAJOR_7 = (48, 52, 55, 59)
TICK_US = 2_000
START_US = 1_000_000_000


@dataclass
class World:
    """Virtual time, the scheduler's consumer and a receiver that keeps account."""

    now_us: int = START_US
    sent: list[tuple[int, int, int, int, int]] = field(default_factory=list)  # (time_us, due_us, status, data1, data2)
    sounding: dict[int, int] = field(default_factory=dict)  # pitch -> onset_us
    longest_us: int = 0
    said: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    decode_us: Callable[[], int] = lambda: 3_000  # of one generate call
    make_session: Callable[[int], Improviser] | None = None  # the double where it is None
    options: SessionOptions = OPTIONS
    observer: Observer | None = None
    preempted_us: Callable[[], int] = lambda: 0  # how long the session thread loses the processor after a clock reading

    def __post_init__(self) -> None:
        self.scheduler = native.Scheduler()
        self.sessions: list[FakeSession] = []
        self.live = LiveSession(self.make, self.scheduler, Inbox(self.clock), self.report, self.options, self.observer)

    def report(self, what: str, text: str) -> None:
        """Keeps what a terminal would show; what applies of parameters at auto is kept apart."""
        (self.asked if what == "asked" else self.said).append((what, text))

    def clock(self) -> int:
        reading_us = self.now_us
        self.advance(self.preempted_us())
        return reading_us

    def make(self, seed: int) -> Improviser:
        if self.make_session is not None:
            return self.make_session(seed)
        self.sessions.append(FakeSession(seed, cost=lambda music_s: self.advance(self.decode_us())))
        return self.sessions[-1]

    def advance(self, duration_us: int) -> None:
        """Lets time pass; the consumer hands out what becomes due."""
        end_us = self.now_us + duration_us
        while self.now_us < end_us:
            self.now_us = min(self.now_us + TICK_US, end_us)
            self.consume()

    def consume(self) -> None:
        """Lets the consumer look once."""
        for due_us, status, data1, data2 in self.scheduler.poll(self.now_us):
            self.sent.append((self.now_us, due_us, status, data1, data2))
            if status & 0xF0 == 0x90:
                assert data1 not in self.sounding, "struck twice without an end"
                self.sounding[data1] = self.now_us
            elif status & 0xF0 == 0x80:
                self.longest_us = max(self.longest_us, self.now_us - self.sounding.pop(data1))

    def run(self, duration_s: float) -> None:
        """Runs the session thread's rounds for so long."""
        end_us = self.now_us + round(duration_s * 1e6)
        while self.now_us < end_us:
            wait_us = round(self.live.step() * 1e6)
            self.advance(max(TICK_US, min(wait_us, end_us - self.now_us)))

    def turn(self, name: str, value: Value) -> None:
        """Sets a parameter, as any surface does."""
        self.live.set_parameter(Setting(name, value))

    def press(self, *pitches: int) -> None:
        for pitch in pitches:
            self.live.midi_in(bytes((0x90, pitch, 80)))

    def release(self, *pitches: int) -> None:
        for pitch in pitches:
            self.live.midi_in(bytes((0x80, pitch, 0)))

    def onsets(self, since_us: int = 0) -> list[tuple[int, int]]:
        """Returns (time_us, pitch) of the NOTE_ONs sent."""
        return [(at, d1) for at, _, status, d1, _ in self.sent if status & 0xF0 == 0x90 and at >= since_us]
