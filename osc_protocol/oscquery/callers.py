"""Who may ask a server on this machine, by the Host and Origin headers of a request.

Only a caller that names a loopback address or the address that the server is bound to is served, and where that leads
out of this machine, one that calls the machine by its name: a web page whose name was bent to 127.0.0.1 (DNS rebinding)
is refused. So is any web page from elsewhere that asks for a websocket: browsers
name it in Origin.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

__all__ = ["ANNOUNCED", "is_our_page", "names_us"]

ANNOUNCED: Final = "sideman.local"  # what zeroconf calls this machine
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


def names_us(host_header: str, bound_to: str) -> bool:
    """Whether a Host header, port or no port, names a server that is bound to that address."""
    name, bound_to = _host(host_header), bound_to.lower()
    if name in (*_LOOPBACK_NAMES, bound_to):
        return True
    if bound_to in _LOOPBACK_NAMES or bound_to.startswith("127."):
        return False  # whoever answers for a name in the network could bend it to here
    if name in _own_names():
        return True
    # Bound to all addresses, any address is ours, while a name may be anybody's.
    return bound_to in ("0.0.0.0", "::") and _is_address(name)


def is_our_page(origin: str, host_header: str) -> bool:
    """Whether the page that asks came from this machine, or from where it now asks."""
    try:
        host = _host(urlsplit(origin).netloc)
    except ValueError:
        return False
    return host in (*_LOOPBACK_NAMES, _host(host_header)) and host != ""


def _own_names() -> frozenset[str]:
    """What this machine is called in its network, in lower case."""
    full = socket.gethostname().lower()
    short = full.partition(".")[0]
    return frozenset((ANNOUNCED, full, short, f"{short}.local")) - {""}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host(text: str) -> str:
    """Returns the host of `host:port` in lower case."""
    name = text.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name
