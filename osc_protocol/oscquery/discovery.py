"""Zeroconf: tells the local network, or this machine alone, that OSC and OSCQuery are spoken here."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable

from osc_protocol.oscquery.callers import ANNOUNCED

__all__ = ["Announcement", "DiscoveryError", "advertise"]


class DiscoveryError(Exception):
    """Raised if the announcement fails. One line with the reason and the remedy; everything but discovery works."""


class Announcement:
    """Advertises on a thread of its own, since asking the network whether the name is free takes seconds.

    say(text): hears in one line why nobody is told, if so; on that thread.
    """

    def __init__(self, osc_port: int, http_port: int, say: Callable[[str], None], host: str = "127.0.0.1") -> None:
        self._end: Callable[[], None] | None = None
        self._thread = threading.Thread(
            target=self._run, args=(osc_port, http_port, say, host), name="sideman-zeroconf", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Takes the announcement back. Hosts forget it by themselves if it was still being made."""
        self._thread.join(0.5)
        if self._end is not None:
            self._end()

    def _run(self, osc_port: int, http_port: int, say: Callable[[str], None], host: str) -> None:
        try:
            self._end = advertise(osc_port, http_port, host)
        except DiscoveryError as error:
            say(str(error))


def advertise(osc_port: int, http_port: int, host: str) -> Callable[[], None]:
    """Announces `_oscjson._tcp` and `_osc._udp` on the interface of `host`, an IPv4 address or its name.

    Returns what ends it. DiscoveryError.
    """
    try:
        from zeroconf import Error, ServiceInfo, Zeroconf
    except ImportError as error:
        raise DiscoveryError(
            "OSCQuery hosts must be told the port: `pip install 'sideman[discovery]'` lets them find it"
        ) from error
    everywhere = host == "0.0.0.0"
    zeroconf = None
    try:
        own = _own_address() if everywhere else socket.gethostbyname(host)
        zeroconf = Zeroconf() if everywhere else Zeroconf(interfaces=[own])
        for kind, port in (("_oscjson._tcp.local.", http_port), ("_osc._udp.local.", osc_port)):
            address = [ipaddress.ip_address(own).packed]
            info = ServiceInfo(kind, f"Sideman {osc_port}.{kind}", port=port, addresses=address, server=f"{ANNOUNCED}.")
            zeroconf.register_service(info, allow_name_change=True)
    except (OSError, ValueError, Error, AssertionError) as error:
        if zeroconf is not None:
            with contextlib.suppress(Exception):
                zeroconf.close()
        raise DiscoveryError(
            f"OSCQuery hosts must be told the port: zeroconf failed ({error or type(error).__name__})"
        ) from error
    return zeroconf.close


def _own_address() -> str:
    """The address of this machine that leads out of it; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # reserved for documentation
        return str(probe.getsockname()[0])
