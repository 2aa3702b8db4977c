"""The panel of a session: built before it, opened with it, closed after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bridge.live.controls import Controls
from bridge.live.playing.delivery import EventSink
from bridge.panel.hub import Hub
from bridge.panel.site import ROOT, PanelSite
from bridge.panel.tap import Tap, TappedSink
from bridge.recording.capture import Capture
from engine.chords import Chart
from osc_protocol.table.parameters import BY_NAME, Value

__all__ = ["Panel"]

_STATES: Final = {"/sideman/transport/tempo": "tempo", "/sideman/seed": "seed", "/sideman/metre": "metre"}


class Panel:
    """Main thread, but for the methods that say otherwise. tap: what the session and its scheduler tell."""

    def __init__(self, clock: Callable[[], int], report: Callable[[str, str], None], capture: Capture) -> None:
        """clock: monotonic microseconds, the session's own. report(what, text): hears of trouble, on any thread.

        capture: what was played last.
        """
        self._clock, self._capture = clock, capture
        self.tap = Tap()
        self._hub = Hub(self.tap, clock, lambda text: report("error", text))
        self._live: Controls | None = None
        self._metre = "4/4"

    def sink(self, scheduler: EventSink) -> EventSink:
        """The scheduler, listened to."""
        return TappedSink(scheduler, self.tap, self._clock)

    def site(self, live: Controls, metre: str) -> PanelSite:
        """What is to be served. live: the session that pages play to. metre: of charts that name none."""
        self._live, self._metre = live, metre
        self.tap.add("state", "metre", metre)
        return PanelSite(self._hub, self, lambda bars: self._capture.midi(bars, self._clock()))

    def open(self) -> None:
        """Starts the thread."""
        self._hub.open()

    def close(self) -> None:
        """Ends the thread."""
        self._hub.close()

    @staticmethod
    def address(served_at: str) -> str:
        """Where a browser finds the page of a server."""
        return served_at + ROOT

    # ---- any thread -------------------------------------------------------------------------------------------------

    def said(self, what: str, text: str) -> None:
        """The session's report, as the terminal says it."""
        self.tap.add("said", what, text)
        if what == "stored":
            self.tap.add("state", f"bank {text}", True)
        elif what == "recalled":
            self.tap.add("state", "bank", text)

    def did(self, address: str, value: Value | None) -> None:
        """A command was obeyed, or the look-ahead turned, whoever did it."""
        if address == BY_NAME["look_ahead_ms"].address:
            self.tap.add("state", "look_ahead", value)
        elif address in _STATES:
            if address == "/sideman/metre":
                self._metre = str(value)
            self.tap.add("state", _STATES[address], value)

    def has_ports(self, ports: Mapping[str, str] | str) -> None:
        """These are the MIDI ports: their system, input, output and control; or why there are none."""
        self.tap.add("state", "ports", ports)

    def has_chart(self, text: str, chart: Chart) -> None:
        """The chart is another one."""
        self.tap.add("chart", text, chart)

    def play_keys(self, message: bytes) -> None:
        """See talk.Session."""
        if self._live is not None:
            self._live.play_keys(message)

    def metre(self) -> str:
        """See talk.Session."""
        return self._metre

    def now_us(self) -> int:
        """See talk.Session."""
        return self._clock()
