"""One bound UDP port with a thread that reads it, and the limit on how fast a sender may be."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import Final

from osc_protocol.errors import OscPortError
from osc_protocol.server.limits import SenderLimits
from osc_protocol.server.subscriptions import Address

__all__ = ["MAX_PACKETS_PER_S", "UdpPort", "bind_failure"]

MAX_PACKETS_PER_S: Final = 10_000  # of one sender
MOST_ERRORS: Final = 20  # of the socket in a row
ERROR_PAUSE_S: Final = 0.1  # after each
REMEDY: Final = "choose another one with --osc-port, or end the program that holds it"
_POLL_S: Final = 0.2  # how long close() may wait for the thread


class UdpPort:
    """on_packet(packet, sender), on_flood(packet, sender): on this object's thread, which they must not break.

    on_flood hears once a second of a sender whose packets are too many; `dropped` counts them. send(): any thread.
    A passing error of the socket is passed over. One that stays ends the thread with it, so that whoever watches
    threads opens the port anew.
    """

    def __init__(
        self,
        host: str,
        port: int,
        on_packet: Callable[[bytes, Address], None],
        on_flood: Callable[[bytes, Address], None] = lambda packet, sender: None,
    ) -> None:
        self.host = host
        self.port = port  # the one really bound once open, if 0 was asked for
        self.dropped = 0
        self._on_packet, self._on_flood = on_packet, on_flood
        self._senders = SenderLimits(MAX_PACKETS_PER_S)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    @property
    def is_open(self) -> bool:
        """Whether the port is bound."""
        return self._socket is not None

    def open(self) -> None:
        """Binds the port; nothing is read before listen(). OscPortError if it is in use or not permitted."""
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((self.host, self.port))
        except (OSError, OverflowError) as error:
            udp.close()
            raise OscPortError(bind_failure("OSC", self.host, self.port, error, REMEDY)) from error
        udp.settimeout(_POLL_S)
        self.port = udp.getsockname()[1]
        self._socket = udp

    def listen(self) -> None:
        """Starts the thread."""
        self._closing.clear()
        self._thread = threading.Thread(target=self._serve, name="sideman-osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and frees the port. May be called twice."""
        self._closing.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def send(self, packet: bytes, target: Address) -> None:
        """Sends one packet; without an open port, or to one that cannot be reached, nothing happens."""
        udp = self._socket
        if udp is None:
            return
        try:
            udp.sendto(packet, target)
        except OSError:  # an unreachable subscriber harms nobody else
            return

    def admit(self, packet: bytes, sender: Address) -> bool:
        """Whether one more packet of this sender may pass now."""
        if self._senders.allow(sender):
            return True
        self.dropped += 1
        if self._senders.should_tell(sender):
            self._on_flood(packet, sender)
        return False

    def _serve(self) -> None:
        udp = self._socket
        assert udp is not None
        errors = 0  # in a row
        while not self._closing.is_set():
            try:
                packet, sender = udp.recvfrom(65536)
            except TimeoutError:
                continue
            except ConnectionError:  # Windows reports here that an earlier reply found nobody listening
                continue
            except OSError:  # too little memory, a network that goes to sleep, a datagram that is too long
                errors += 1
                if udp.fileno() < 0 or errors > MOST_ERRORS:
                    raise
                self._closing.wait(ERROR_PAUSE_S)
                continue
            errors = 0
            if self.admit(packet, sender):
                self._on_packet(packet, sender)


def bind_failure(what: str, host: str, port: int, error: Exception, remedy: str) -> str:
    """Why a port of a protocol cannot be bound, and the remedy: the one given where it is the port's own fault."""
    code = getattr(error, "errno", None)
    if isinstance(error, socket.gaierror) or code in (errno.EADDRNOTAVAIL, 10049):
        # 10049, 10048, 10013: what Windows' own codes look like
        return (
            f"{what} at {host}: that is no IPv4 address of this machine: give one with --osc-host, or 0.0.0.0 for all"
        )
    if code in (errno.EADDRINUSE, 10048):
        reason = "is in use"
    elif code in (errno.EACCES, 10013):
        reason = "is not permitted"
    else:
        reason = f"cannot be opened ({error})"
    return f"{what} port {port} on {host} {reason}: {remedy}"
