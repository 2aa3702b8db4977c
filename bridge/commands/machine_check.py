"""Measures for `sideman doctor` how fast music is made here, how punctually it is sent, and how long MIDI takes.

Each function takes a second or two and never raises but for SidemanError.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import native
from bridge.live.playing.improviser import Improviser
from bridge.midi.numbers import CONTROL_CHANGE
from bridge.midi.ports import InputPort, OutputPort
from bridge.midi.system import MidiSystem
from engine.chords import parse_chord
from engine.platform.system import this_system

__all__ = ["DecodeSpeed", "Spread", "decode_speed", "loop_back", "timer_jitter"]

CHUNK_S: Final = 0.2  # of music: what a session makes at a time
CHORDS: Final = ("Dm7", "G7", "Cmaj7", "A7")
DEADLINE_US: Final = 4_000  # between two of the timer's
PING: Final = (CONTROL_CHANGE, 119, 0)  # a controller that nobody uses, and no sound
PATIENCE_S: Final = 0.2  # for one message to come back
OWN_NAME: Final = "Sideman Doctor"


class Spread(NamedTuple):
    """Of many measurements, in milliseconds."""

    p50: float
    p99: float
    largest: float

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> Spread:
        """values_ms: one at least."""
        ordered = sorted(values_ms)
        return cls(statistics.median(ordered), ordered[(len(ordered) - 1) * 99 // 100], ordered[-1])


class DecodeSpeed(NamedTuple):
    """times_real_time: seconds of music made in a second. chunk_ms: what 0.2 s of music cost."""

    times_real_time: float
    chunk_ms: Spread


def decode_speed(make_improviser: Callable[[int], Improviser], duration_s: float = 1.5) -> DecodeSpeed:
    """Measures decoding: makes music over changing chords for so many seconds."""
    improviser = make_improviser(1)
    costs_ms: list[float] = []
    begin = time.perf_counter()
    while (now := time.perf_counter()) - begin < duration_s:
        at_s = improviser.time_s
        if len(costs_ms) % 10 == 0:
            chord = parse_chord(CHORDS[len(costs_ms) // 10 % len(CHORDS)])
            improviser.set_chords([(at_s, chord)], from_s=at_s)
        improviser.generate(at_s + CHUNK_S)
        costs_ms.append((time.perf_counter() - now) * 1000)
    return DecodeSpeed(len(costs_ms) * CHUNK_S / (time.perf_counter() - begin), Spread.of(costs_ms))


def timer_jitter(duration_s: float = 1.2, meanwhile: Callable[[], object] = lambda: None) -> tuple[Spread, bool]:
    """How late the scheduler hands out what is due, on a thread like the one that sends; and its priority was granted.

    meanwhile: called again and again on this thread while the other one waits.
    """
    scheduler = native.Scheduler()
    count = max(1, round(duration_s * 1e6 / DEADLINE_US))
    late_ms: list[float] = []
    granted = False

    def wait() -> None:
        nonlocal granted
        granted = this_system().raise_priority("deadline")
        while len(late_ms) < count and not scheduler.closed:
            for due_us, *_ in scheduler.wait_due(50_000):
                late_ms.append((native.now_us() - due_us) / 1000)

    begin_us = native.now_us() + 20_000
    for number in range(count):
        scheduler.push(begin_us + number * DEADLINE_US, *PING)
    thread = threading.Thread(target=wait, name="sideman-doctor", daemon=True)
    thread.start()
    give_up = time.monotonic() + 3 * duration_s
    while thread.is_alive() and time.monotonic() < give_up:
        meanwhile()
        thread.join(0.005)
    scheduler.close()
    thread.join()
    return Spread.of(late_ms or [3000 * duration_s]), granted


def loop_back(
    system: MidiSystem, names: tuple[str | None, str | None] = (None, None), count: int = 100
) -> Spread | None:
    """Measures the time from sending a message to its return, over our own port or an existing (output, input) pair.

    None where nothing came back. PortError where a port cannot be opened.
    """
    output_name, input_name = names
    heard_us: list[int] = []
    arrived = threading.Event()

    def hear(message: bytes) -> None:
        if message[:2] == bytes(PING[:2]):
            heard_us.append(native.now_us())
            arrived.set()

    output = OutputPort(system, OWN_NAME, output_name)
    try:
        source = InputPort(system, f"{OWN_NAME} In", input_name or system.find_input(OWN_NAME, "--in"), hear)
        try:
            time.sleep(0.1)  # for the connection to be made
            took_ms = []
            for _ in range(count):
                arrived.clear()
                sent_us = native.now_us()
                output.send(PING)
                if arrived.wait(PATIENCE_S):
                    took_ms.append((heard_us[-1] - sent_us) / 1000)
                elif not took_ms:
                    return None
                time.sleep(0.003)
            return Spread.of(took_ms)
        finally:
            source.close()
    finally:
        output.close()
