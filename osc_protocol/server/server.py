"""The OSC server: what arrives is checked against the parameter table, and nothing is dropped without a word.

    client --packet--> handle_packet --(time tag)--> dispatch --> on_parameter / on_command      (the engine's side)
                            |
                            +--> /sideman/pong, /sideman/value, /sideman/asked, /sideman/error, /sideman/status

Replies go to the sender and to every subscriber; an accepted parameter is told to the subscribers. A refused message is
answered with `/sideman/error address reason`. A bundle waits for its time tag. Replies that come back to us (two
servers facing each other) are only counted, else they would answer each other for ever.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import groupby
from typing import Final, TypeAlias

from osc_protocol.errors import PacketError, ParameterError
from osc_protocol.server.dispatch import Dispatcher
from osc_protocol.server.later import Later
from osc_protocol.server.limits import RateLimit
from osc_protocol.server.subscriptions import Address, Peer, Subscriptions
from osc_protocol.server.udp import MAX_PACKETS_PER_S, UdpPort
from osc_protocol.server.waiting import WaitingBundles
from osc_protocol.table.parameters import AUTO, BY_NAME, DEFAULT_OUT_PORT, DEFAULT_PORT, Setting, Value
from osc_protocol.wire.codec import Message, address_of, decode_timed, encode
from osc_protocol.wire.replies import asked_packet, feedback_packets, refusal, typed, value_packet

__all__ = ["OscServer"]

_BYSTANDER_HZ: Final = 100.0  # replies to others that the subscribers hear

Listener: TypeAlias = Callable[[bytes], None]


class OscServer:
    """Serves the parameter table over UDP, and over any other road through `handle_packet`.

    on_parameter(setting): what is to hold. on_command(address, arguments): checked arguments of every command that
    the server does not answer itself (get, ping, subscribe). get_value(name): the value in force. All three are called
    by one thread at a time; what they raise is told to the client as an error and ends nothing.

    get_asked(name): what applies now of a row that can be left to the sideman, AUTO where nothing is asked; None where
    nobody can say. Called as get_value is.

    out_port: a standing subscriber on the host's own machine, for peers that listen on one fixed port; None for none.
    wall_clock: Unix seconds, which time tags are held against as they arrive; from then on a monotonic clock counts.
    Nothing is bound before `start()` or `with`. handle_packet, publish, send: safe from any thread.
    """

    def __init__(
        self,
        on_parameter: Callable[[Setting], None],
        on_command: Callable[[str, tuple[Value, ...]], None],
        get_value: Callable[[str], Value],
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        out_port: int | None = DEFAULT_OUT_PORT,
        wall_clock: Callable[[], float] = time.time,
        get_asked: Callable[[str], Value] | None = None,
    ) -> None:
        self.host = host
        self._get_value = get_value
        self._get_asked = get_asked
        self._dispatcher = Dispatcher(on_parameter, on_command, get_value, self.publish, self._subscribe, get_asked)
        self._udp = UdpPort(host, port, self._on_packet, self._on_flood)
        self._lock = threading.RLock()  # one message at a time, whichever road it came by
        self._later = Later()
        self._waiting = WaitingBundles(self._later, wall_clock)
        self._subscriptions = Subscriptions(self._value_packets, self._udp.send, self._later)
        if out_port is not None:
            self._subscriptions.add(Peer("127.0.0.1", out_port))
        self._listeners_lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._bystander_rate = RateLimit(_BYSTANDER_HZ)

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The UDP port; once started the one really bound, if 0 was asked for."""
        return self._udp.port

    @property
    def run(self) -> int:
        """A number that this run of the engine drew; every pong tells it."""
        return self._dispatcher.run

    @property
    def rejected(self) -> int:
        """Messages answered with an error, and packets that came too fast."""
        return self._dispatcher.rejected + self._udp.dropped

    @property
    def reflected(self) -> int:
        """Replies of ours, or of another server, that came back."""
        return self._dispatcher.reflected

    def start(self) -> None:
        """Binds the port and starts the threads. OscPortError if the port is in use or not permitted."""
        if self._udp.is_open:
            return
        self._udp.open()
        self._later.start()
        self._udp.listen()

    def close(self) -> None:
        """Ends the threads and frees the port; bundles that still wait are forgotten. May be called twice."""
        self._later.close()
        self._waiting.forget()
        self._subscriptions.forget_waiting()
        self._udp.close()

    def handle_packet(self, packet: bytes) -> list[bytes]:
        """One OSC packet from any road -> the reply packets for its sender. Never raises."""
        return self._handle(packet, None)

    def value(self, name: str) -> Value:
        """The value in force, of the table's type."""
        return typed(name, self._get_value(name))

    def asked(self, name: str) -> Value:
        """What applies now of a row that can be left to the sideman; AUTO where nothing is asked, or nobody can say."""
        return AUTO if self._get_asked is None else typed(name, self._get_asked(name))

    def publish_asked(self, name: str) -> None:
        """Tells every subscriber and listener what applies now, as after the sideman has made up its mind."""
        self.forward(asked_packet(name, self.asked(name)))

    def publish(self, name: str) -> None:
        """Tells every subscriber and listener the value now in force, as after a change by the panel."""
        self._subscriptions.publish(name)
        self._tell_listeners(value_packet(name, self._get_value(name)))

    def send(self, address: str, *values: Value) -> None:
        """Sends one message to every subscriber and listener, such as a STATUS."""
        self.forward(encode(address, *values))

    def forward(self, packet: bytes) -> None:
        """Sends one packet to every subscriber and listener, such as a refusal on a road that cannot answer."""
        for address in self._subscriptions.addresses:
            self._udp.send(packet, address)
        self._tell_listeners(packet)

    def add_listener(self, listener: Listener) -> None:
        """From now on listener(packet) gets what subscribers get. It must not block."""
        with self._listeners_lock:
            self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Ends what add_listener began."""
        with self._listeners_lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _on_packet(self, packet: bytes, sender: Address) -> None:
        self._answer(self._handle(packet, sender), sender)

    def _on_flood(self, packet: bytes, sender: Address) -> None:
        text = f"packets beyond {MAX_PACKETS_PER_S} a second are dropped: send slower"
        self._udp.send(refusal(address_of(packet), ParameterError(text)), sender)

    def _answer(self, replies: list[bytes], sender: Address) -> None:
        """To the sender all of them; to the subscribers as many as they can bear."""
        for reply in replies:
            self._udp.send(reply, sender)
            if self._bystander_rate.allow():
                for subscriber in self._subscriptions.addresses:
                    if subscriber != sender:
                        self._udp.send(reply, subscriber)

    def _handle(self, packet: bytes, sender: Address | None) -> list[bytes]:
        with self._lock:
            try:
                timed = decode_timed(packet)
            except PacketError as error:
                return [self._dispatcher.refuse(error.address, error)]
            replies: list[bytes] = []
            for due_s, group in groupby(timed, lambda item: item.due_s):
                replies += self._in_time(due_s, [item.message for item in group], sender)
            return replies

    def _in_time(self, due_s: float | None, messages: list[Message], sender: Address | None) -> list[bytes]:
        """Messages of one time tag: acts now, or lets them wait together."""
        try:
            if self._waiting.put(due_s, len(messages), lambda: self._act_late(messages, sender)):
                return []
        except ParameterError as error:
            return [self._dispatcher.refuse(message.address, error) for message in messages]
        return self._dispatcher.act(messages, sender)

    def _act_late(self, messages: list[Message], sender: Address | None) -> None:
        with self._lock:
            self._waiting.done(len(messages))
            replies = self._dispatcher.act(messages, sender)
        if sender is not None:
            self._answer(replies, sender)
        else:  # the road that it came by is one of the listeners
            for reply in replies:
                self._tell_listeners(reply)

    def _subscribe(self, port: int, sender: Address | None, feedback: bool) -> None:
        if sender is None:
            raise ParameterError("only UDP clients subscribe: this connection already hears every change")
        if port == 0:
            self._subscriptions.remove(sender, feedback=feedback)
            return
        if port == self.port and (sender[0] == self.host or self.host == "0.0.0.0"):
            raise ParameterError(f"port {port} is the engine's own: give the one that you listen on")
        peer = Peer(sender[0], port, feedback)
        self._subscriptions.add(peer, sender)
        if feedback:  # the faders move to where the values are
            for name in BY_NAME:
                self._subscriptions.tell(peer, name)

    def _value_packets(self, name: str, feedback: bool) -> list[bytes]:
        """What tells a subscriber the value now in force."""
        value = self._get_value(name)
        return feedback_packets(name, value) if feedback else [value_packet(name, value)]

    def _tell_listeners(self, packet: bytes) -> None:
        with self._listeners_lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(packet)
