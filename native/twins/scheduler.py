"""MIDI events handed out at their deadlines. native/src/scheduler.cpp does the same without locks or allocation."""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from native.twins.clock import now_us

__all__ = ["Scheduler"]

SPIN_US = 200  # a sleep may wake late by about this much
MAX_SLEEP_US = 1000  # so that commands and close() are seen within a millisecond
MAX_BATCH = 256  # events handed out in one call
SPARE_COMMANDS = 64  # ring slots kept for cancel_from() and silence()

# The order within one microsecond.
_OFF, _OTHER, _ON, _OFF_OF_EMPTY_NOTE = range(4)


@dataclass(order=True)
class _Event:
    due_us: int
    rank: int
    serial: int
    status: int
    data1: int
    data2: int
    owner: int = 0  # the note that this NOTE_OFF ends; 0 = whichever sounds

    @property
    def key(self) -> tuple[int, int]:
        """(channel, pitch) of a note event."""
        return self.status & 0x0F, self.data1


class Scheduler:
    """Bounded queue of MIDI events for one producer and one consumer thread.

    Cancelling is atomic towards sounding: a note is withdrawn whole, or it sounds and gets its end.
    - A note whose NOTE_ON is due before `due_us` keeps sounding; where its NOTE_OFF was withdrawn, the producer owes a
      new one.
    - A note whose NOTE_ON is due at or after `due_us` is withdrawn with its NOTE_OFF. Where the cancel came too late to
      stop it, it keeps its own NOTE_OFF, or is ended at once when none is queued: the producer has forgotten it.
    - A cancel_from(T) that returned before the clock reached T always comes in time, because the consumer reads the
      clock before it drains the ring.

    What is handed out alternates NOTE_ON and NOTE_OFF on every key: a NOTE_OFF of a silent key is dropped, a NOTE_ON
    of a sounding one is preceded by a NOTE_OFF.

    Full means: `capacity` events pushed and not yet handed out or withdrawn. push() then returns False and nothing is
    lost. A NOTE_ON is taken only if its NOTE_OFF will fit as well, so the NOTE_OFF of a taken note is never refused
    (after a cancel: once the consumer has polled).
    """

    def __init__(self, capacity: int = 4096) -> None:
        if not 2 <= capacity <= 1 << 20:
            raise ValueError(f"capacity {capacity} lies outside 2..1048576")
        self._capacity = capacity
        self._ring: deque[tuple[Literal["event", "cancel", "silence"], int, int, int, int]] = deque()
        self._closed = False
        # Producer only.
        self._pushed = 0
        self._commands_pushed = 0
        self._open_keys: set[tuple[int, int]] = set()  # NOTE_ON taken, NOTE_OFF not pushed yet
        # Written by the consumer, read by the producer.
        self._released = 0
        self._commands_done = 0
        # Consumer only.
        self._pending: list[_Event] = []  # a heap
        self._serial = 0
        self._last_on_us: dict[tuple[int, int], int] = {}  # due time of the newest NOTE_ON drained
        self._sounding: dict[tuple[int, int], tuple[int, int]] = {}  # key -> (due_us, serial) of the note that sounds

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        """Producer: queue a channel message (status 0x80..0xEF); False when full. ValueError for other bytes."""
        if not (0x80 <= status <= 0xEF and 0 <= data1 <= 127 and 0 <= data2 <= 127):
            raise ValueError(f"{status:#x} {data1} {data2} is no channel message: status 0x80..0xEF, data 0..127")
        key = (status & 0x0F, data1)
        starts, ends = _is_note_on(status, data2), _is_note_off(status, data2)
        after = set(self._open_keys)
        if starts:
            after.add(key)
        elif ends:
            after.discard(key)
        if self._pushed - self._released + 1 + len(after) > self._capacity:
            return False
        self._open_keys = after
        self._pushed += 1
        self._ring.append(("event", due_us, status, data1, data2))
        return True

    def cancel_from(self, due_us: int) -> bool:
        """Producer: withdraw every event due at or after due_us; False when 64 commands wait undone."""
        return self._command("cancel", due_us)

    def silence(self) -> bool:
        """Producer: withdraw everything and end every sounding note now; False when 64 commands wait undone."""
        return self._command("silence", 0)

    def close(self) -> None:
        """Any thread: wake the waiter. wait_due() then never blocks, but still hands out what is due."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Any thread: whether close() was called."""
        return self._closed

    def sounding(self) -> list[tuple[int, int]]:
        """Any thread: (channel, pitch) of every note handed out and not ended, ascending."""
        return sorted(self._sounding.copy())

    def wait_due(self, timeout_us: int) -> list[tuple[int, int, int, int]]:
        """Consumer: block until something is due, at most timeout_us; (due_us, status, data1, data2) in order."""
        give_up_us = now_us() + max(timeout_us, 0)
        while True:
            now = now_us()
            due = self.poll(now)
            if due or self._closed or now >= give_up_us:
                return due
            wake_us = min(give_up_us, self._pending[0].due_us - SPIN_US if self._pending else give_up_us)
            if wake_us > now:
                time.sleep(min(wake_us - now, MAX_SLEEP_US) / 1e6)

    def poll(self, now_us: int) -> list[tuple[int, int, int, int]]:
        """Consumer: what is due at now_us (read the clock before calling), at most 256 events, without waiting."""
        for _ in range(len(self._ring)):
            kind, due_us, status, data1, data2 = self._ring.popleft()
            if kind == "event":
                self._insert(due_us, status, data1, data2)
            else:
                if kind == "cancel":
                    self._cancel(due_us)
                else:
                    self._silence(now_us)
                self._commands_done += 1
        handed_out: list[tuple[int, int, int, int]] = []
        while self._pending and self._pending[0].due_us <= now_us and len(handed_out) + 2 <= MAX_BATCH:
            event = heapq.heappop(self._pending)
            if event.owner == 0:  # owned ones left the count when they were bound
                self._released += 1
            if _is_note_off(event.status, event.data2):
                if event.key not in self._sounding or (event.owner and not self._owns(event)):
                    continue
                del self._sounding[event.key]
            elif _is_note_on(event.status, event.data2):
                if event.key in self._sounding:
                    channel, pitch = event.key
                    handed_out.append((event.due_us, 0x80 | channel, pitch, 0))
                self._sounding[event.key] = (event.due_us, event.serial)
            handed_out.append((event.due_us, event.status, event.data1, event.data2))
        return handed_out

    def _command(self, kind: Literal["cancel", "silence"], due_us: int) -> bool:
        if self._commands_pushed - self._commands_done >= SPARE_COMMANDS:
            return False
        self._commands_pushed += 1
        self._open_keys = set()  # which of their ends are still owed only the producer knows
        self._ring.append((kind, due_us, 0, 0, 0))
        return True

    def _insert(self, due_us: int, status: int, data1: int, data2: int) -> None:
        self._serial += 1
        event = _Event(due_us, _OTHER, self._serial, status, data1, data2)
        if _is_note_on(status, data2):
            event.rank = _ON
            self._last_on_us[event.key] = due_us
        elif _is_note_off(status, data2):
            # Pushed after its NOTE_ON and due with it: sorted before it, the note would never end.
            event.rank = _OFF_OF_EMPTY_NOTE if self._last_on_us.get(event.key) == due_us else _OFF
        heapq.heappush(self._pending, event)

    def _cancel(self, from_us: int) -> None:
        # Notes that began although this cancel withdraws them: it came too late.
        late = {key: serial for key, (due_us, serial) in self._sounding.items() if due_us >= from_us}
        kept: list[_Event] = []
        for event in sorted(self._pending):
            if event.owner:
                if self._owns(event):
                    kept.append(event)
                    late.pop(event.key, None)
            elif event.due_us < from_us:
                kept.append(event)
        for event in sorted(self._pending):
            if event.owner or event.due_us < from_us:
                continue
            self._released += 1
            if _is_note_off(event.status, event.data2) and event.key in late:
                event.owner = late.pop(event.key)
                kept.append(event)
        kept.extend(_end_of(key, serial, from_us) for key, serial in late.items())
        self._pending = kept
        heapq.heapify(self._pending)
        self._last_on_us = {key: due_us for key, due_us in self._last_on_us.items() if due_us < from_us}

    def _silence(self, now_us: int) -> None:
        self._released += sum(1 for event in self._pending if not event.owner)
        self._pending = [_end_of(key, serial, now_us) for key, (_, serial) in self._sounding.items()]
        heapq.heapify(self._pending)
        self._last_on_us = {}

    def _owns(self, event: _Event) -> bool:
        """Whether the note that an owned NOTE_OFF ends still sounds."""
        return event.key in self._sounding and self._sounding[event.key][1] == event.owner


def _end_of(key: tuple[int, int], serial: int, due_us: int) -> _Event:
    """A NOTE_OFF bound to one note: if that note ends earlier, it is dropped and never cuts a newer one."""
    channel, pitch = key
    return _Event(due_us, _OFF, serial, 0x80 | channel, pitch, 0, owner=serial)


def _is_note_on(status: int, data2: int) -> bool:
    return status & 0xF0 == 0x90 and data2 > 0


def _is_note_off(status: int, data2: int) -> bool:
    return status & 0xF0 == 0x80 or (status & 0xF0 == 0x90 and data2 == 0)
