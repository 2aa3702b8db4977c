"""Tells the plug-ins of a running `sideman serve` a text that their projects keep."""

from __future__ import annotations

import socket
from typing import Final

from bridge.errors import BridgeError
from bridge.plugin import wire
from bridge.plugin.finding.address_file import read_address

__all__ = ["tell_plugins"]

PATIENCE_S: Final = 5.0


def tell_plugins(name: str, text: str, instance: int = wire.EVERY_INSTANCE) -> str:
    """Returns what the server says of it. instance: numbered from 1, in the order of their coming. BridgeError: no
    server runs, it does not answer, or no such plug-in is loaded.
    """
    address = read_address()
    try:
        if address is None:
            raise ConnectionRefusedError
        with socket.create_connection(("127.0.0.1", address.port), timeout=PATIENCE_S) as server:
            server.sendall(wire.hello(address.token) + wire.tell(instance, name, text))
            came = b""
            while (said := wire.read_status(came)) is None:
                more = server.recv(4096)
                if not more:
                    raise ConnectionRefusedError
                came += more
    except OSError as error:
        raise BridgeError("no engine answers: start `sideman serve`, and load the plug-in in your host") from error
    if said.startswith(wire.NOBODY):
        raise BridgeError(f"{said}: load the plug-in in your host, or give another --instance")
    return said
