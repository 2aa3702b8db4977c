"""The process that holds a session's JACK ports: python -m bridge.midi.jack.child, started by bridge/midi/jack/host.py.

When the server dies it leaves at once, closing nothing: rtmidi would hang. When the session dies, however it does, the
stream of frames ends: then every note that it left sounding is ended, and the ports are closed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
from contextlib import suppress
from typing import Any, Final

import rtmidi

from bridge.errors import PortError
from bridge.midi.jack.watch import JackWatch
from bridge.midi.jack.wire import CONTROL, control_frame, frame, frames
from bridge.midi.ports import LOOK_S, InputPort, OutputPort
from bridge.midi.sounding import SoundingKeys, clean_up
from bridge.midi.system import MidiSystem
from engine.platform.system import this_system

__all__ = ["main"]

LAST_NOTES_S: Final = 0.05  # for the last messages to leave


class _Output:
    """An output port, and the keys that sound there."""

    def __init__(self, port: OutputPort) -> None:
        self.port = port
        self._keys = SoundingKeys()

    def send(self, message: bytes) -> None:
        self._keys.sending(message)
        self.port.send(message)
        self._keys.sent(message)

    def end_notes(self) -> bool:
        """Ends the notes that a session left sounding; returns whether there were any."""
        left = self._keys.ends()
        for message in (*left, *(clean_up(self._keys.channels) if left else ())):
            self.port.send(message)
        return bool(left)


class _Child:
    """Reads the frames and obeys them. JACK's threads only write, and a pipe takes each frame in one piece."""

    def __init__(self, source: int, sink: int) -> None:
        self._source, self._sink = source, sink
        self._system = MidiSystem("JACK", rtmidi.API_UNIX_JACK, has_virtual=True)
        self._ports: dict[int, _Output | InputPort] = {}
        self._watch: JackWatch | None = None

    def run(self) -> None:
        """Obeys frames until the session leaves."""
        self._watch_server()
        this_system().raise_priority("deadline")
        threading.Thread(target=self._look, daemon=True).start()
        for number, payload in frames(self._source):
            if number == CONTROL:
                self._obey(json.loads(payload))
            else:
                port = self._ports.get(number)
                if isinstance(port, _Output):
                    port.send(payload)
        ended = [port.end_notes() for port in self._ports.values() if isinstance(port, _Output)]
        if any(ended):
            time.sleep(LAST_NOTES_S)
        for port in self._ports.values():
            if isinstance(port, InputPort):
                port.hush()
        for port in reversed(tuple(self._ports.values())):
            (port.port if isinstance(port, _Output) else port).close()
        if self._watch is not None:
            self._watch.close()

    def _watch_server(self) -> None:
        def died(reason: str) -> None:
            self._tell(control_frame(died=reason))
            os._exit(1)

        try:
            self._watch = JackWatch(died)
        except (ImportError, OSError) as error:  # PyPI's package, or the system's libjack that it needs
            self._tell(control_frame(unwatched=str(error)))

    def _obey(self, wish: dict[str, Any]) -> None:
        number = wish["open"]
        try:
            if wish["kind"] == "out":
                output = OutputPort(self._system, wish["own"], wish["existing"])
                self._ports[number], name = _Output(output), output.name
            else:
                source = InputPort(
                    self._system, wish["own"], wish["existing"],
                    lambda message: self._tell(frame(number, message)), sysex=wish["sysex"], clock=wish["clock"],
                )  # fmt: skip
                self._ports[number], name = source, source.name
        except PortError as error:
            self._tell(control_frame(refused=number, why=str(error)))
        else:
            self._tell(control_frame(opened=number, name=name))

    def _look(self) -> None:
        """Looks whether named ports are still there, and tells the session of changes."""
        while True:
            time.sleep(LOOK_S)
            for number, held in tuple(self._ports.items()):
                state = (held.port if isinstance(held, _Output) else held).look()
                if state is not None:
                    self._tell(control_frame(**{state: number}))

    def _tell(self, data: bytes) -> None:
        """Writes a frame whole or not at all: JACK's thread must not wait for a session that hangs."""
        if len(data) <= select.PIPE_BUF:
            with suppress(OSError):  # full; or the session has gone, which the end of its stream says too
                os.write(self._sink, data)


def main() -> None:
    """Reads frames from stdin and writes frames to stdout; what libraries print there is discarded."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):  # the session decides when to leave
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    sink = os.dup(1)
    os.set_blocking(sink, False)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _Child(0, sink).run()


if __name__ == "__main__":
    main()
