"""rtmidi over a MIDI system of our own: winmm with loopMIDI or with pairs of Windows MIDI Services, or CoreMIDI.

A cable joins an output to the input of the same name; a pair joins each end's output to the other end's input. Ports
come and go while clients hold them, as plugs do, and winmm numbers them anew each time.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import pytest


class RtMidiError(Exception):
    """As rtmidi's."""


class MidiWorld:
    """One MIDI system.

    numbered: names end in the port's number, as rtmidi shows winmm's. virtual: programs make ports.
    """

    def __init__(self, *, numbered: bool, virtual: bool) -> None:
        self.numbered, self.virtual = numbered, virtual
        self.joined: dict[str, str] = {}  # output -> input, by name
        self.sources: list[str] = []  # what inputs can be opened on, in the system's order
        self.sinks: list[str] = []
        self.clients: list[_Client] = []
        self.opened: list[int] = []  # the place of each port that was opened, in the system's order

    def add_cable(self, name: str) -> None:
        """loopMIDI: one name at both ends."""
        self._add(name, name)

    def add_pair(self, root: str) -> None:
        """`midi loopback create --root-name root`."""
        for here, there in (("A", "B"), ("B", "A")):
            self._add(f"{root} ({here})", f"{root} ({there})")

    def remove(self, name: str) -> None:
        """Unplugs a port, both directions."""
        self.sources.remove(name)
        self.sinks.remove(name)

    def put_back(self, name: str, place: int = 0) -> None:
        self.sources.insert(place, name)
        self.sinks.insert(place, name)

    def _add(self, sink: str, source: str) -> None:
        self.joined[sink] = source
        self.sinks.append(sink)
        if source not in self.sources:
            self.sources.append(source)

    def shown(self, names: list[str]) -> list[str]:
        return [f"{name} {number}" for number, name in enumerate(names)] if self.numbered else list(names)

    def carry(self, sink: str, message: list[int]) -> None:
        source = self.joined.get(sink)
        for client in list(self.clients):
            if isinstance(client, MidiIn) and client.port == source and (client.own or source in self.sources):
                client.deliver(message)

    def install(self, monkeypatch: pytest.MonkeyPatch, api: str) -> None:
        """Has our ports find this world for the rest of the test."""
        module = self.module(api)
        for user in ("ports", "system"):
            monkeypatch.setattr(f"bridge.midi.{user}.rtmidi", module)

    def module(self, api: str) -> types.ModuleType:
        """To stand in sys.modules as rtmidi. api: API_WINDOWS_MM or API_MACOSX_CORE."""
        module = types.ModuleType("rtmidi")
        numbers = {"API_MACOSX_CORE": 1, "API_LINUX_ALSA": 2, "API_UNIX_JACK": 3, "API_WINDOWS_MM": 4}
        module.__dict__.update(
            numbers, RtMidiError=RtMidiError, get_compiled_api=lambda: [numbers[api]],
            MidiIn=lambda rtapi, name: MidiIn(self), MidiOut=lambda rtapi, name: MidiOut(self),
        )  # fmt: skip
        return module


class _Client:
    def __init__(self, world: MidiWorld) -> None:
        self.world, self.is_deleted = world, False
        self.port: str | None = None
        self.own: str | None = None  # its name where it is a port of the program's own
        world.clients.append(self)

    @property
    def _names(self) -> list[str]:
        return self.world.sources if isinstance(self, MidiIn) else self.world.sinks

    def get_ports(self) -> list[str]:
        return self.world.shown(self._names)

    def open_port(self, index: int, name: str) -> None:
        self.port = self._names[index]
        self.world.opened.append(index)

    def open_virtual_port(self, name: str) -> None:
        if not self.world.virtual:
            raise RtMidiError("MidiOutWinMM::openVirtualPort: cannot be implemented in Windows MM MIDI API!")
        self.port = self.own = name
        self.world.joined[name] = name
        (self.world.sinks if isinstance(self, MidiIn) else self.world.sources).append(name)  # others find it there

    def close_port(self) -> None:
        if self.own is not None:
            (self.world.sinks if isinstance(self, MidiIn) else self.world.sources).remove(self.own)
        self.port = self.own = None

    def delete(self) -> None:
        self.close_port()
        self.is_deleted = True
        self.world.clients.remove(self)


class MidiIn(_Client):
    def __init__(self, world: MidiWorld) -> None:
        super().__init__(world)
        self._callback: Callable[[tuple[list[int], float], object], None] | None = None

    def ignore_types(self, **_: bool) -> None:
        return None

    def set_callback(self, callback: Any) -> None:
        self._callback = callback

    def cancel_callback(self) -> None:
        self._callback = None

    def deliver(self, message: list[int]) -> None:
        if self._callback is not None:
            self._callback((list(message), 0.0), None)


class MidiOut(_Client):
    def send_message(self, message: Any) -> None:
        if self.own is None and self.port not in self.world.sinks:
            raise RtMidiError("MidiOutWinMM::sendMessage: error sending MIDI message.")
        self.world.carry(self.port, list(message))
