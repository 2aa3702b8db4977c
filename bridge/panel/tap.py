"""What the session does, on its way to the panel: entries that any thread puts in without waiting.

It stands between the session and the scheduler and hears all that goes there, and from the deadline thread all that
was sent. The panel's thread takes the entries out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bridge.live.playing.delivery import EventSink
from bridge.live.playing.observer import Observer, Variations
from bridge.live.playing.timeline import WallTimeline
from engine.chords import Chart
from engine.metre import Metre

__all__ = ["LOST", "MAX_ENTRIES", "Entry", "Tap", "TappedSink"]

MAX_ENTRIES: Final = 100_000  # not yet taken out: minutes of music; beyond it they are lost, and that is said

Entry = tuple[Any, ...]
"""A kind, and its fields: see the methods of Tap."""

LOST: Final[Entry] = ("lost",)


class Tap(Observer):
    """Every method returns at once. take() is for one thread, all others for any."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._lost = False

    def take(self) -> list[Entry]:
        """The entries since the last call, in their order; LOST stands behind them where some are missing."""
        taken: list[Entry] = []
        while self._entries:
            taken.append(self._entries.popleft())
        if self._lost:
            self._lost = False
            taken.append(LOST)
        return taken

    def add(self, kind: str, *fields: Any) -> None:
        """One entry."""
        if len(self._entries) < MAX_ENTRIES:
            self._entries.append((kind, *fields))
        else:
            self._lost = True

    def sent(self, time_us: int, message: bytes) -> None:
        """The deadline thread has sent a message."""
        self.add("sent", time_us, message)

    def heard(self, time_us: int, message: bytes) -> None:
        self.add("heard", time_us, message)

    def marked(self, time_us: int, text: str) -> None:
        self.add("marked", time_us, text)

    def beat(self, time_us: int, tempo_bpm: float, bar_us: int, metre: Metre) -> None:
        self.add("beat", time_us, tempo_bpm, bar_us, metre.beats)

    def rested(self, time_us: int) -> None:
        self.add("rested", time_us)

    def form(self, chart: Chart | None, timeline: WallTimeline | None) -> None:
        self.add("form", timeline)

    def kept(self, bars: Sequence[int], can_undo: bool, variations: Variations) -> None:
        self.add("kept", tuple(bars), can_undo, variations)

    def drawn(self, densities: Mapping[int, float]) -> None:
        self.add("drawn", densities)

    def enabled(self, enabled: bool) -> None:
        self.add("state", "enabled", enabled)


class TappedSink:
    """An EventSink that passes everything on to a scheduler, and tells a tap before: a note may be sent at once."""

    def __init__(self, sink: EventSink, tap: Tap, clock: Callable[[], int]) -> None:
        """clock: monotonic microseconds, the scheduler's own."""
        self._sink, self._tap, self._clock = sink, tap, clock

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        self._tap.add("push", due_us, status, data1, data2, self._clock())
        taken = self._sink.push(due_us, status, data1, data2)
        if not taken:  # it is tried again
            self._tap.add("refused", due_us, status, data1)
        return taken

    def cancel_from(self, due_us: int) -> bool:
        self._tap.add("cancel", due_us)
        return self._sink.cancel_from(due_us)

    def silence(self) -> bool:
        self._tap.add("silence")
        return self._sink.silence()
