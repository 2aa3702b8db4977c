"""The file by which plug-ins find `sideman serve`: its port, and a token that only this user can read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.plugin.finding.own_file import write_own_file
from bridge.plugin.wire import TOKEN_SIZE
from engine.user_folders import user_place

__all__ = ["Address", "address_path", "read_address", "remove_address", "write_address"]

_HEAD = "sideman serve 1"


@dataclass(frozen=True)
class Address:
    """Where to connect, and what to say there."""

    port: int
    token: bytes


def address_path() -> Path:
    """Returns the file's place; native/plugin/address.cpp has the same rule."""
    return user_place("SIDEMAN_SERVE", "serve", "data")


def write_address(address: Address) -> Path:
    """Writes the file anew, for this user alone, and returns its place. BridgeError: it cannot be written."""
    return write_own_file(address_path(), f"{_HEAD}\n{address.port}\n{address.token.hex()}\n", "find")


def read_address() -> Address | None:
    """Reads the file; None where there is none, or it is broken."""
    try:
        head, port, token = address_path().read_text(encoding="ascii").split("\n")[:3]
        address = Address(int(port), bytes.fromhex(token))
    except (OSError, ValueError):
        return None
    known = head == _HEAD and 0 < address.port < 65536 and len(address.token) == TOKEN_SIZE
    return address if known else None


def remove_address(address: Address) -> None:
    """Removes the file if it is still this server's."""
    if read_address() == address:
        address_path().unlink(missing_ok=True)
