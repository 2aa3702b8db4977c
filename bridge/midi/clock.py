"""Follows a host's MIDI clock: tempo, beat and transport.

Thread: one. Times are microseconds of the monotonic clock.
"""

from __future__ import annotations

from typing import Final, Literal

from bridge.midi.numbers import CLOCK
from engine.beats.tick_loop import TickLoop
from osc_protocol.table.parameters import HIGHEST_BPM, LOWEST_BPM

__all__ = ["TICKS_PER_BEAT", "MidiClock", "Transport"]

TICKS_PER_BEAT: Final = 24
TICKS_PER_SIXTEENTH: Final = 6  # the unit of the song position pointer
STALE_US: Final = 1_000_000

START, CONTINUE, STOP, POSITION = 0xFA, 0xFB, 0xFC, 0xF2
Transport = Literal["start", "continue", "stop", "position"]


class MidiClock:
    """Reads a stream of MIDI messages, and ignores those that are not clock or transport."""

    def __init__(self) -> None:
        self.running = False  # between start or continue and stop
        self._loop = TickLoop()
        self.was_told = False  # whether start, continue or stop has ever come
        self._song_offset = -1  # song position in ticks = tick number + this
        self._next_song_tick: int | None = 0  # position that the next tick has

    @property
    def tempo_bpm(self) -> float | None:
        """The tempo in beats a minute; None until the loop has locked on a tempo of music."""
        if self._loop.period_us is None or not self._loop.is_locked:
            return None
        bpm = 60e6 / (self._loop.period_us * TICKS_PER_BEAT)
        return bpm if LOWEST_BPM <= bpm <= HIGHEST_BPM else None

    def beat_at(self, time_us: int) -> float | None:
        """Returns the song position in beats at a moment; None without lock, or if the clock stands or is silent.

        A clock that was joined without a start counts from its first tick.
        """
        loop = self._loop
        if self.tempo_bpm is None or loop.period_us is None or not self.ticks_at(time_us):
            return None
        if self._next_song_tick is not None and self.was_told:
            return None
        ticks = loop.tick + self._song_offset + (time_us - loop.at_us) / loop.period_us
        return ticks / TICKS_PER_BEAT

    def ticks_at(self, time_us: int) -> bool:
        """Whether ticks are coming at a moment, whether the song runs or not."""
        return self._loop.heard_us is not None and time_us - self._loop.heard_us <= STALE_US

    @property
    def position_beats(self) -> float:
        """The song position in beats at which start or continue will begin, or of the last tick."""
        ticks = self._loop.tick + self._song_offset if self._next_song_tick is None else self._next_song_tick
        return ticks / TICKS_PER_BEAT

    def take(self, time_us: int, message: bytes) -> Transport | None:
        """Takes one message; returns what it did to the transport."""
        status = message[0] if message else 0
        self.was_told |= status in (START, CONTINUE, STOP)
        if status == CLOCK:
            self._loop.take(time_us)
            if self.running and self._next_song_tick is not None:
                self._song_offset = self._next_song_tick - self._loop.tick
                self._next_song_tick = None
        elif status == START:
            self.running, self._next_song_tick = True, 0
            return "start"
        elif status == CONTINUE:
            if not self.running and self._next_song_tick is None:
                self._next_song_tick = self._loop.tick + self._song_offset
            self.running = True
            return "continue"
        elif status == STOP:
            if self.running and self._next_song_tick is None:
                self._next_song_tick = self._loop.tick + self._song_offset + 1  # the beat stands still until it goes on
            self.running = False
            return "stop"
        elif status == POSITION and len(message) == 3:
            self._next_song_tick = (message[1] + 128 * message[2]) * TICKS_PER_SIXTEENTH
            return "position"
        return None
