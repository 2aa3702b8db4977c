"""An engine of one dict, for tests of everything that talks to the engine through the OSC server."""

from __future__ import annotations

from typing import Any

from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import DEFAULTS, Setting, Value


class FakeEngine:
    """Values in a dict, commands in a list."""

    def __init__(self) -> None:
        self.values = dict(DEFAULTS)
        self.commands: list[tuple[str, tuple[Value, ...]]] = []

    def set(self, setting: Setting) -> None:
        self.values[setting.name] = setting.value

    def command(self, address: str, arguments: tuple[Value, ...]) -> None:
        if arguments == ("H7",):
            raise ValueError("chord 'H7' at 1 is unknown:\n did you mean 'B7'?")
        if arguments == ("crash",):
            raise KeyError("crash")
        self.commands.append((address, arguments))

    def server(self, **options: Any) -> OscServer:
        """Makes a server on a free port, not started."""
        options = {"port": 0, "out_port": None} | options
        return OscServer(self.set, self.command, self.values.__getitem__, **options)
