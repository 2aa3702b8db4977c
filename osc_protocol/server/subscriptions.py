"""Tells subscribers of changed values over UDP: the newest value of a name, at most RATE_HZ times a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, TypeAlias

from osc_protocol.errors import ParameterError
from osc_protocol.server.later import Later

__all__ = ["MAX_SUBSCRIBERS", "RATE_HZ", "Address", "Peer", "Subscriptions"]

MAX_SUBSCRIBERS: Final = 32
RATE_HZ: Final = 50.0  # per name and peer; a knob swept by a script sends thousands

Address: TypeAlias = "tuple[str, int]"


class Peer(NamedTuple):
    """One subscriber. feedback: it gets values at their own addresses, for faders that show them."""

    host: str
    port: int
    feedback: bool = False

    @property
    def address(self) -> Address:
        """The host and port to send to."""
        return self.host, self.port


class Subscriptions:
    """Thread-safe. The first change of a name goes out at once, further ones in their turn, the last one always.

    packets(name, feedback): the packets that tell the value now in force. send(packet, address): must not block.
    """

    def __init__(
        self,
        packets: Callable[[str, bool], Iterable[bytes]],
        send: Callable[[bytes, Address], None],
        later: Later,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packets, self._send, self._later, self._clock = packets, send, later, clock
        self._lock = threading.Lock()  # held for moments only: publish() never waits for a handler
        self._peers: dict[Peer, Address | None] = {}  # with who asked for it; None: nobody, it stands
        self._sent_s: dict[tuple[Peer, str], float] = {}
        self._waiting: set[tuple[Peer, str]] = set()

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Returns the addresses of all that read messages other than values, so not those that asked for feedback."""
        with self._lock:
            return tuple(peer.address for peer in self._peers if not peer.feedback)

    def add(self, peer: Peer, sender: Address | None = None) -> None:
        """Adds a subscriber; a second time changes nothing. ParameterError if MAX_SUBSCRIBERS are served.

        sender: who asks for it, and alone can end it by asking from the same port; None: nobody can.
        """
        with self._lock:
            if peer in self._peers:
                return
            if len(self._peers) >= MAX_SUBSCRIBERS:
                raise ParameterError(f"{MAX_SUBSCRIBERS} subscribers are served already: send 0 from one to make room")
            self._peers[peer] = sender

    def remove(self, sender: Address, *, feedback: bool) -> None:
        """Removes what a sender asked for from the same port; else the one subscription from its host.

        ParameterError: several of that host's are served, and none was asked for from that port.
        """
        with self._lock:
            of_host = [
                peer for peer, asked_by in self._peers.items()
                if asked_by is not None and asked_by[0] == sender[0] and peer.feedback == feedback
            ]  # fmt: skip
            own = [peer for peer in of_host if self._peers[peer] == sender]
            if not own and len(of_host) > 1:
                ports = ", ".join(str(peer.port) for peer in of_host)
                raise ParameterError(f"ports {ports} are served on your machine: send 0 from where one was asked for")
            gone = own or of_host
            for peer in gone:
                del self._peers[peer]
            self._sent_s = {key: sent_s for key, sent_s in self._sent_s.items() if key[0] not in gone}

    def publish(self, name: str) -> None:
        """Tells everyone the value now in force, now or when their turn comes."""
        now_s = self._clock()
        with self._lock:
            free: list[Peer] = []
            for peer in self._peers:
                key = (peer, name)
                due_s = self._sent_s.get(key, -1e9) + 1 / RATE_HZ
                if key in self._waiting:
                    continue
                if due_s <= now_s:
                    self._sent_s[key] = now_s
                    free.append(peer)
                else:
                    self._waiting.add(key)
                    self._later.at(due_s, lambda key=key: self._flush(key))  # type: ignore[misc]
        for peer in free:
            self.tell(peer, name)

    def forget_waiting(self) -> None:
        """Hears that nobody's turn comes any more: what waits for one is never run. The next change starts anew."""
        with self._lock:
            self._waiting.clear()

    def tell(self, peer: Peer, name: str) -> None:
        """Tells one peer, whatever the rate."""
        for packet in self._packets(name, peer.feedback):
            self._send(packet, peer.address)

    def _flush(self, key: tuple[Peer, str]) -> None:
        with self._lock:
            self._waiting.discard(key)
            if key[0] not in self._peers:
                return
            self._sent_s[key] = self._clock()
        self.tell(*key)
