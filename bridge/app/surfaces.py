"""The surfaces that parameters come from and go to, beside plain OSC: OSCQuery, controllers, FL's port pair."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from bridge.app.settings import Settings
from bridge.app.workers import Workers
from bridge.controllers.cc_control import CcControl
from bridge.controllers.sysex_port import SysexControl
from bridge.midi.live_ports import LivePorts
from osc_protocol.errors import OscPortError
from osc_protocol.oscquery.discovery import Announcement
from osc_protocol.oscquery.server import OscQueryServer
from osc_protocol.oscquery.site import Site
from osc_protocol.server.server import OscServer

__all__ = ["Surfaces"]

CONTROL_QUEUE: Final = 1024  # SysEx messages from the control port waiting for their thread


class Surfaces:
    """Opens the surfaces, and has them closed. It belongs to the main thread."""

    def __init__(
        self,
        server: OscServer,
        settings: Settings,
        report: Callable[[str, str], None],
        exits: ExitStack,
        workers: Workers,
    ) -> None:
        """report may be called by any thread. exits closes what was opened; ports close themselves. workers is told how
        the threads are started again."""
        self._server, self._settings, self._report, self._exits = server, settings, report, exits
        self._workers = workers

    def open_oscquery(self, site: Site | None = None) -> str:
        """Says where it is served. OscPortError only for a port that was asked for, or for pages: nothing else hangs on
        it."""
        wanted, osc_port = self._settings.oscquery_port, self._server.port
        if wanted == 0:
            return "off"
        host, port = self._settings.osc_host, osc_port if wanted is None else wanted
        http = OscQueryServer(self._server, host, port, site=site)
        try:
            http.start()
        except OscPortError as error:
            if wanted is not None or site is not None:
                raise
            return f"off: {error}"
        self._exits.callback(http.close)
        announcement = Announcement(osc_port, http.port, lambda text: self._report("note", text), host)
        self._exits.callback(announcement.close)
        return f"http://{http.host}:{http.port}"

    def open_knobs(self, ports: LivePorts, feedback_name: str | None) -> CcControl:
        """Opens plain controllers on the In and the control port."""
        send = None
        if feedback_name is not None:
            send = ports.output("Sideman Feedback", feedback_name).send
        knobs = CcControl(self._server, self._settings.cc_map, send, self._report)
        self._exits.callback(knobs.close)
        self._workers.add("sideman-cc", knobs.restart, "the knobs work again, the music goes on")
        return knobs

    def open_control(self, ports: LivePorts, knobs: CcControl, input_name: str | None, output_name: str | None) -> str:
        """Opens the port pair for FL Studio's script, and returns the name of its input."""
        out = ports.output("Sideman Control", output_name)
        control = SysexControl(self._server, out.send)
        self._exits.callback(control.close)
        frames: queue.Queue[bytes | None] = queue.Queue(CONTROL_QUEUE)

        def receive() -> None:  # answering takes locks and time, which the MIDI system's own thread has not
            while (frame := frames.get()) is not None:
                control.receive(frame)

        def take(frame: bytes) -> None:
            try:
                knobs.from_control(frame)
            except Exception as error:  # JACK's reader of all ports would end with it
                self._report("error", f"a knob of the control port: {type(error).__name__}: {error}: it is left out")
            if not frames.full():  # a flood loses frames, as a wire would; the script asks again
                frames.put_nowait(frame)

        def listen() -> None:
            threading.Thread(target=receive, name="sideman-control-in", daemon=True).start()

        listen()
        self._workers.add("sideman-control", control.restart, "FL Studio's script is told again, the music goes on")
        self._workers.add("sideman-control-in", listen, "FL Studio's script is heard again, the music goes on")
        self._exits.callback(frames.put, None)
        return ports.input("Sideman Control", input_name, take, sysex=True).name
