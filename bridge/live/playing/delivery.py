"""The way from a stream's notes to the scheduler: MIDI bytes with a deadline, and what comes too late is left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from bridge.errors import LiveFailure
from bridge.midi.numbers import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL_CHANGE, DRUMS, NOTE_OFF, NOTE_ON
from engine.notes import NoteEvent

__all__ = ["Delivery", "EventSink"]

CLICK_BAR, CLICK_BEAT = 76, 77  # its high and low wood block
CLICK_VELOCITY, CLICK_US = 100, 50_000
LATE_US: Final = 30_000  # a note later than this is skipped
_PATIENCE_S: Final = 1.0


class EventSink(Protocol):
    """The producer's side of native.Scheduler. Deadlines are microseconds of the monotonic clock."""

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        """Queues one message. Returns False when the queue is full."""

    def cancel_from(self, due_us: int) -> bool:
        """Withdraws every event due at or after due_us. Returns False when too many commands wait."""

    def silence(self) -> bool:
        """Withdraws everything and ends what sounds, now. Returns False when too many commands wait."""


class Delivery:
    """Delivers notes. Every call waits, a second at most, until the scheduler takes it; LiveFailure after that.

    The session thread owns it.
    """

    def __init__(self, sink: EventSink, clock: Callable[[], int], channel: int) -> None:
        """clock: monotonic microseconds, the scheduler's own. channel: 0..15, the MIDI channel of every note."""
        self._sink, self._clock, self._channel = sink, clock, channel
        self.skipped = 0  # notes that came too late to be played

    def push(self, events: Sequence[NoteEvent], wall_us: Callable[[float], int]) -> None:
        """Sends notes and their ends. wall_us gives the moment of a stream second."""
        now_us = self._clock()
        for event in events:
            due_us = wall_us(event.time_s)
            if event.kind == "on":
                if due_us < now_us - LATE_US:
                    self.skipped += 1  # the scheduler drops the NOTE_OFF that belongs to it
                    continue
                self._send(due_us, NOTE_ON | self._channel, event.pitch, event.velocity)
            else:
                self._send(due_us, NOTE_OFF | self._channel, event.pitch, 0)

    def cancel_from(self, due_us: int) -> None:
        """Withdraws every event due at or after due_us."""
        self._command(lambda: self._sink.cancel_from(due_us))

    def silence(self) -> None:
        """Withdraws everything and ends what sounds, now."""
        self._command(self._sink.silence)

    def count_in(self, until_us: int, beats: int, beat_us: float, beats_per_bar: int) -> None:
        """Sends clicks on the drum channel, one a beat, up to a moment."""
        for beat in range(beats):
            click = CLICK_BAR if beat % beats_per_bar == 0 else CLICK_BEAT
            due_us = until_us - round((beats - beat) * beat_us)
            self._send(due_us, NOTE_ON | DRUMS, click, CLICK_VELOCITY)
            self._send(due_us + CLICK_US, NOTE_OFF | DRUMS, click, 0)

    def all_notes_off(self) -> None:
        """Sends all sound off and all notes off on every channel, for receivers that hold what we never began."""
        now_us = self._clock()
        for channel in range(16):
            for controller in (ALL_SOUND_OFF, ALL_NOTES_OFF):
                self._send(now_us, CONTROL_CHANGE | channel, controller, 0)

    def _send(self, due_us: int, status: int, data1: int, data2: int) -> None:
        self._command(lambda: self._sink.push(due_us, status, data1, data2))

    def _command(self, attempt: Callable[[], bool]) -> None:
        if attempt():
            return
        give_up = time.monotonic() + _PATIENCE_S
        while not attempt():
            if time.monotonic() > give_up:
                raise LiveFailure("the deadline thread takes no more events: the MIDI port hangs")
            time.sleep(0.001)
