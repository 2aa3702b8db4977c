"""Who is told what a session does, as it does it: a recording is one, the panel another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.live.playing.timeline import WallTimeline
from engine.chords import Chart
from engine.metre import Metre

__all__ = ["Observer", "Observers", "Variations"]

Variations = Mapping[int, tuple[int, Sequence[int]]]
"""By the bar of the chart, counted from 1: the number of the variation that comes back, 0 for none, and all numbers."""


class Observer:
    """Does nothing: the face that others fill in. All on the session thread, and each must return at once.

    Times are microseconds of the monotonic clock.
    """

    def heard(self, time_us: int, message: bytes) -> None:
        """One channel message of the player."""

    def marked(self, time_us: int, text: str) -> None:
        """Something worth a marker: a chord, a knob, a mode."""

    def beat(self, time_us: int, tempo_bpm: float, bar_us: int, metre: Metre) -> None:
        """From time_us on the music has this tempo, which counts the metre's felt beat; a bar line lies at bar_us."""

    def rested(self, time_us: int) -> None:
        """From time_us on nothing is played, and the beat means nothing until the next one is told."""

    def form(self, chart: Chart | None, timeline: WallTimeline | None) -> None:
        """The music goes round this chart, whose beats fall there; None: it follows none, or rests."""

    def kept(self, bars: Sequence[int], can_undo: bool, variations: Variations) -> None:
        """These bars of the chart, counted from 1, come back as they were heard; whether that can be undone."""

    def drawn(self, densities: Mapping[int, float]) -> None:
        """These are the densities that are drawn over bars of the chart, counted from 1."""

    def enabled(self, enabled: bool) -> None:
        """Whether the sideman may play; False from a stop on, until it is asked to play."""


class Observers(Observer):
    """Tells several, each in its turn."""

    def __init__(self, *observers: Observer) -> None:
        self._all = observers

    def heard(self, time_us: int, message: bytes) -> None:
        for observer in self._all:
            observer.heard(time_us, message)

    def marked(self, time_us: int, text: str) -> None:
        for observer in self._all:
            observer.marked(time_us, text)

    def beat(self, time_us: int, tempo_bpm: float, bar_us: int, metre: Metre) -> None:
        for observer in self._all:
            observer.beat(time_us, tempo_bpm, bar_us, metre)

    def rested(self, time_us: int) -> None:
        for observer in self._all:
            observer.rested(time_us)

    def form(self, chart: Chart | None, timeline: WallTimeline | None) -> None:
        for observer in self._all:
            observer.form(chart, timeline)

    def kept(self, bars: Sequence[int], can_undo: bool, variations: Variations) -> None:
        for observer in self._all:
            observer.kept(bars, can_undo, variations)

    def drawn(self, densities: Mapping[int, float]) -> None:
        for observer in self._all:
            observer.drawn(densities)

    def enabled(self, enabled: bool) -> None:
        for observer in self._all:
            observer.enabled(enabled)
