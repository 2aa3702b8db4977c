"""Opens the ports of a live session, looks after them while it plays, and closes them together.

On JACK they live in a process of their own (bridge/midi/jack/host.py); elsewhere they are this process's. If a named
port goes away, as an unplugged keyboard does, it is opened again once it is back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol, TypeVar

from bridge.midi.jack.host import JackHost
from bridge.midi.ports import GONE_OR_BACK, LOOK_S, InputPort, OutputPort
from bridge.midi.system import MidiSystem

__all__ = ["LiveInput", "LiveOutput", "LivePorts"]

_Some = TypeVar("_Some", InputPort, OutputPort)


class LiveOutput(Protocol):
    """A port that notes are sent to."""

    @property
    def name(self) -> str:
        """As the system shows it."""

    def send(self, message: Sequence[int], /) -> None:
        """Sends one whole message. Any thread may call it; what is sent while the port is away is lost."""


class LiveInput(Protocol):
    """A port that notes are taken from."""

    @property
    def name(self) -> str:
        """As the system shows it."""


class LivePorts:
    """output(), input(), close(): the main thread's. The callbacks come on threads of the ports' and return at once."""

    def __init__(
        self,
        system: MidiSystem,
        on_lost: Callable[[str], None],
        on_back: Callable[[], None],
        report: Callable[[str, str], None],
    ) -> None:
        """on_lost(why): the MIDI system died, sends vanish; on_back(): the ports are there again. report: as Report."""
        self._system, self._report = system, report
        self._exits = ExitStack()
        self._ports: list[InputPort | OutputPort] = []  # named ones of this process
        self._closing = threading.Event()
        self._host: JackHost | None = None
        if system.name == "JACK":
            self._host = JackHost(on_lost, on_back, lambda text: report("note", text))
            self._exits.callback(self._host.close)
        else:
            self._looker = self._started()
            self._exits.callback(lambda: self._looker.join())

    def output(self, own_name: str, existing: str | None = None) -> LiveOutput:
        """Opens the existing port of that whole name, or a virtual one called own_name. PortError."""
        if self._host is not None:
            return self._host.output(own_name, existing)
        return self._opened(OutputPort(self._system, own_name, existing))

    def input(
        self,
        own_name: str,
        existing: str | None,
        on_message: Callable[[bytes], None],
        *,
        sysex: bool = False,
        clock: bool = False,
    ) -> LiveInput:
        """Opens an input port likewise: see InputPort. PortError."""
        if self._host is not None:
            return self._host.input(own_name, existing, on_message, sysex=sysex, clock=clock)
        return self._opened(InputPort(self._system, own_name, existing, on_message, sysex=sysex, clock=clock))

    def restart(self) -> None:
        """Looks after the ports again, once the thread that did has died."""
        self._looker.join()
        self._looker = self._started()

    def close(self) -> None:
        """Closes all ports, the last one first."""
        self._closing.set()
        for port in self._ports:
            if isinstance(port, InputPort):
                port.hush()
        self._exits.close()

    def _opened(self, port: _Some) -> _Some:
        self._exits.callback(port.close)
        self._ports.append(port)
        return port

    def _started(self) -> threading.Thread:
        looker = threading.Thread(target=self._look, name="sideman-ports", daemon=True)
        looker.start()
        return looker

    def _look(self) -> None:
        while not self._closing.wait(LOOK_S):
            for port in tuple(self._ports):
                state = port.look()
                if state is not None:
                    self._report("note", GONE_OR_BACK[state].format(port.name))
