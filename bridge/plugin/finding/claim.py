"""One engine serves a user: who holds the lock is it, from before it loads its model."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bridge.errors import BridgeError
from bridge.plugin import wire
from bridge.plugin.finding.address_file import address_path, read_address
from engine.platform.system import this_system

__all__ = ["claim_engine", "is_served"]

PATIENCE_S: Final = 120.0  # for another one that loads its model
LOOK_S: Final = 0.2


@contextmanager
def claim_engine(*, wait: bool) -> Iterator[bool]:
    """Yields whether this process is the engine now. wait: where another is about to be, waits until it is, or has
    given up. BridgeError, without wait: another one is.
    """
    path = address_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BridgeError(f"{path.parent}: {error.strerror}: plug-ins could not find the engine") from error
    try:
        give_up = time.monotonic() + PATIENCE_S
        while not (claimed := this_system().lock(file)):
            if not wait:
                raise BridgeError("`sideman serve` runs already: one plays for every plug-in")
            if is_served() or time.monotonic() > give_up:
                break
            time.sleep(LOOK_S)
        yield claimed
    finally:
        os.close(file)


def is_served() -> bool:
    """Tells whether an engine answers where its address says, not whoever has the port of one that has died."""
    address = read_address()
    if address is None:
        return False
    welcome, came = wire.welcome(), b""
    try:
        with socket.create_connection(("127.0.0.1", address.port), timeout=1.0) as engine:
            engine.sendall(wire.hello(address.token))
            while welcome.startswith(came) and came != welcome:
                more = engine.recv(len(welcome) - len(came))
                if not more:
                    return False
                came += more
    except OSError:
        return False
    return came == welcome
