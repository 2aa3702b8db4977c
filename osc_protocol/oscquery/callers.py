"""Who may ask a server on this machine, by the Host and Origin headers of a request.

Only a caller that names a loopback address or the address that the server is bound to is served: a web page whose name
was bent to 127.0.0.1 (DNS rebinding) is refused. So is any web page from elsewhere that asks for a websocket: browsers
name it in Origin.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

__all__ = ["is_our_page", "names_us"]

_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


def names_us(host_header: str, bound_to: str) -> bool:
    """Whether a Host header, port or no port, names a server that is bound to that address."""
    name = _host(host_header)
    if name in (*_LOOPBACK_NAMES, bound_to):
        return True
    if bound_to not in ("0.0.0.0", "::"):
        return False
    try:  # bound to all addresses: any address is ours, while a name may be anybody's
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_our_page(origin: str, host_header: str) -> bool:
    """Whether the page that asks came from this machine, or from where it now asks."""
    try:
        host = _host(urlsplit(origin).netloc)
    except ValueError:
        return False
    return host in (*_LOOPBACK_NAMES, _host(host_header)) and host != ""


def _host(text: str) -> str:
    """Returns the host of `host:port` in lower case."""
    name = text.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if name.count(":") == 1 else name
