"""The OSC server: what arrives is checked against the parameter table, and nothing is dropped without a word.

    client --packet--> handle_packet --(time tag)--> on_parameter / on_command      (the engine's side)
                            |
                            +--> /sideman/pong, /sideman/value, /sideman/error, /sideman/status

Replies go to the sender and to every subscriber; an accepted parameter is told to the subscribers. A refused message is
answered with `/sideman/error address reason`. A bundle waits for its time tag. Replies that come back to us (two
servers facing each other) are only counted, else they would answer each other for ever.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Callable
from itertools import groupby
from typing import Final, TypeAlias

from osc_protocol.codec import Message, decode_timed, encode
from osc_protocol.errors import OscPortError, PacketError, ParameterError
from osc_protocol.later import Later
from osc_protocol.limits import RateLimit, SenderLimits
from osc_protocol.parameters import (
    BY_ADDRESS,
    BY_NAME,
    COMMAND_BY_ADDRESS,
    DEFAULT_OUT_PORT,
    DEFAULT_PORT,
    Value,
    check,
    check_arguments,
    nearest,
)
from osc_protocol.subscriptions import Address, Peer, Subscriptions
from osc_protocol.twins import BY_TWIN, MIDI, NORM, check_twin, has_position, to_norm

__all__ = ["ERROR", "MAX_AHEAD_S", "MAX_PACKETS_PER_S", "PONG", "REPLIES", "STATUS", "VALUE", "OscServer"]

PONG: Final = "/sideman/pong"
VALUE: Final = "/sideman/value"
STATUS: Final = "/sideman/status"
ERROR: Final = "/sideman/error"
REPLIES: Final = (PONG, VALUE, STATUS, ERROR)

MAX_AHEAD_S: Final = 60.0  # of a bundle's time tag
MAX_WAITING: Final = 1024  # messages of bundles that are not due yet
MAX_PACKETS_PER_S: Final = 10_000  # of one sender
_BYSTANDER_HZ: Final = 100.0  # replies to others that the subscribers hear
_HINT_HZ: Final = 50.0  # unknown addresses that are compared with the known ones
_POLL_S: Final = 0.2  # how long close() may wait for the thread

Listener: TypeAlias = Callable[[bytes], None]


class OscServer:
    """Serves the parameter table over UDP, and over any other road through `handle_packet`.

    on_parameter(name, value): a checked value. on_command(address, arguments): checked arguments of every command that
    the server does not answer itself (get, ping, subscribe). get_value(name): the value in force. All three are called
    by one thread at a time; what they raise is told to the client as an error and ends nothing.

    out_port: a standing subscriber on the host's own machine, for peers that listen on one fixed port; None for none.
    wall_clock: Unix seconds, which time tags are held against as they arrive; from then on a monotonic clock counts.
    Nothing is bound before `start()` or `with`. handle_packet, publish, send: safe from any thread.
    """

    def __init__(
        self,
        on_parameter: Callable[[str, Value], None],
        on_command: Callable[[str, tuple[Value, ...]], None],
        get_value: Callable[[str], Value],
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        out_port: int | None = DEFAULT_OUT_PORT,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = host
        self.port = port  # the one really bound once started, if 0 was asked for
        self.rejected = 0  # messages answered with an error
        self.reflected = 0  # replies of ours, or of another server, that came back
        self._on_parameter = on_parameter
        self._on_command = on_command
        self._get_value = get_value
        self._wall_clock = wall_clock
        self._lock = threading.RLock()  # one message at a time, whichever road it came by
        self._later = Later()
        self._waiting = 0  # messages in _later
        self._subscriptions = Subscriptions(self._value_packets, self._send_udp, self._later)
        if out_port is not None:
            self._subscriptions.add(Peer("127.0.0.1", out_port))
        self._listeners_lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._senders = SenderLimits(MAX_PACKETS_PER_S)
        self._bystander_rate = RateLimit(_BYSTANDER_HZ)
        self._hint_rate = RateLimit(_HINT_HZ)
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Binds the port and starts the thread. OscPortError if the port is in use or not permitted."""
        if self._thread is not None:
            return
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind((self.host, self.port))
        except (OSError, OverflowError) as error:
            udp.close()
            raise OscPortError(_bind_failure(self.host, self.port, error)) from error
        udp.settimeout(_POLL_S)
        self.port = udp.getsockname()[1]
        self._socket = udp
        self._closing.clear()
        self._later.start()
        self._thread = threading.Thread(target=self._serve, name="sideman-osc", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the threads and frees the port; bundles that still wait are forgotten. May be called twice."""
        self._closing.set()
        self._later.close()
        self._waiting = 0
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def handle_packet(self, packet: bytes) -> list[bytes]:
        """One OSC packet from any road -> the reply packets for its sender. Never raises."""
        return self._handle(packet, None)

    def value(self, name: str) -> Value:
        """The value in force, of the table's type."""
        return _typed(name, self._get_value(name))

    def publish(self, name: str) -> None:
        """Tells every subscriber and listener the value now in force, as after a change by the panel."""
        self._subscriptions.publish(name)
        self._tell_listeners(self._value_packet(name))

    def send(self, address: str, *values: Value) -> None:
        """Sends one message to every subscriber and listener, such as a STATUS."""
        self.forward(encode(address, *values))

    def forward(self, packet: bytes) -> None:
        """Sends one packet to every subscriber and listener, such as a refusal on a road that cannot answer."""
        for address in self._subscriptions.addresses:
            self._send_udp(packet, address)
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

    def _serve(self) -> None:
        udp = self._socket
        assert udp is not None
        while not self._closing.is_set():
            try:
                packet, sender = udp.recvfrom(65536)
            except TimeoutError:
                continue
            except ConnectionError:  # Windows reports here that an earlier reply found nobody listening
                continue
            except OSError:
                return  # the socket was closed under us
            if self._too_fast(sender):
                continue
            self._answer(self._handle(packet, sender), sender)

    def _too_fast(self, sender: Address) -> bool:
        """Whether a packet is one too many; the sender hears of it once a second."""
        if self._senders.allow(sender):
            return False
        self.rejected += 1
        if self._senders.should_tell(sender):
            text = f"packets beyond {MAX_PACKETS_PER_S} a second are dropped: send slower"
            self._send_udp(encode(ERROR, "", text), sender)
        return True

    def _answer(self, replies: list[bytes], sender: Address) -> None:
        """To the sender all of them; to the subscribers as many as they can bear."""
        for reply in replies:
            self._send_udp(reply, sender)
            if self._bystander_rate.allow():
                for subscriber in self._subscriptions.addresses:
                    if subscriber != sender:
                        self._send_udp(reply, subscriber)

    def _handle(self, packet: bytes, sender: Address | None) -> list[bytes]:
        with self._lock:
            try:
                timed = decode_timed(packet)
            except PacketError as error:
                return [self._refusal("", error)]
            replies: list[bytes] = []
            for due_s, group in groupby(timed, lambda item: item.due_s):
                replies += self._in_time(due_s, [item.message for item in group], sender)
            return replies

    def _in_time(self, due_s: float | None, messages: list[Message], sender: Address | None) -> list[bytes]:
        """Messages of one time tag: acts now, or lets them wait together."""
        wait_s = 0.0 if due_s is None else due_s - self._wall_clock()
        if wait_s <= 0:
            return self._act(messages, sender)
        reason = ""
        if wait_s > MAX_AHEAD_S:
            reason = f"the bundle is due in {wait_s:.0f} s, legal is 0..{MAX_AHEAD_S:.0f}: is the sender's clock right?"
        elif self._waiting + len(messages) > MAX_WAITING:
            reason = f"{self._waiting} messages wait for their time already, legal is 0..{MAX_WAITING}: send them later"
        if reason:
            return [self._refusal(message.address, ParameterError(reason)) for message in messages]
        self._waiting += len(messages)
        self._later.at(time.monotonic() + wait_s, lambda: self._act_late(messages, sender))
        return []

    def _act_late(self, messages: list[Message], sender: Address | None) -> None:
        with self._lock:
            self._waiting -= len(messages)
            replies = self._act(messages, sender)
        if sender is not None:
            self._answer(replies, sender)
        else:  # the road that it came by is one of the listeners
            for reply in replies:
                self._tell_listeners(reply)

    def _act(self, messages: list[Message], sender: Address | None) -> list[bytes]:
        replies: list[bytes] = []
        for message in messages:
            try:
                replies += self._dispatch(message, sender)
            except Exception as error:  # the engine's own refusals too: the client hears of each, the server lives
                replies.append(self._refusal(message.address, error))
        return replies

    def _dispatch(self, message: Message, sender: Address | None) -> list[bytes]:
        address, arguments = message
        if address in REPLIES:
            self.reflected += 1
            return []
        row = BY_ADDRESS.get(address)
        if row is not None:
            if len(arguments) != 1:
                raise ParameterError(f"{row.name} takes one value, not {len(arguments)}; /sideman/get asks for it")
            self._on_parameter(row.name, check(row.name, arguments[0]))
            self.publish(row.name)
            return []
        if address in BY_TWIN:
            name, value = check_twin(address, arguments)
            self._on_parameter(name, value)
            self.publish(name)
            return []
        if address not in COMMAND_BY_ADDRESS:
            raise ParameterError(f"unknown address{self._hint(address) or '; docs/osc.md lists them all'}")
        if not COMMAND_BY_ADDRESS[address].types and len(arguments) == 1 and isinstance(arguments[0], int | float):
            if arguments[0] == 0:
                return []  # a button that is let go
            arguments = ()
        values = check_arguments(address, arguments)
        if address == "/sideman/ping":
            return [encode(PONG)]
        if address == "/sideman/get":
            return [self._value_packet(name) for name in _asked(str(values[0]))]
        if address in ("/sideman/subscribe", "/sideman/feedback"):
            self._subscribe(int(values[0]), sender, feedback=address == "/sideman/feedback")
            return []
        self._on_command(address, values)
        return []

    def _hint(self, address: str) -> str:
        """What may have been meant. Looking for it takes milliseconds, which a flood of slips must not cost."""
        if not self._hint_rate.allow():
            return ""
        return nearest(address, BY_TWIN if address.startswith((NORM, MIDI)) else (*BY_ADDRESS, *COMMAND_BY_ADDRESS))

    def _subscribe(self, port: int, sender: Address | None, *, feedback: bool) -> None:
        if sender is None:
            raise ParameterError("only UDP clients subscribe: this connection already hears every change")
        if port == 0:
            self._subscriptions.remove(sender[0], feedback=feedback)
            return
        if port == self.port and (sender[0] == self.host or self.host == "0.0.0.0"):
            raise ParameterError(f"port {port} is the engine's own: give the one that you listen on")
        peer = Peer(sender[0], port, feedback)
        self._subscriptions.add(peer)
        if feedback:  # the faders move to where the values are
            for name in BY_NAME:
                self._subscriptions.tell(peer, name)

    def _value_packets(self, name: str, feedback: bool) -> list[bytes]:
        """What tells a subscriber the value now in force."""
        if not feedback:
            return [self._value_packet(name)]
        row, value = BY_NAME[name], self.value(name)
        packets = [encode(row.address, value)]
        return [*packets, encode(NORM + name, to_norm(row, value))] if has_position(row) else packets

    def _value_packet(self, name: str) -> bytes:
        return encode(VALUE, name, self.value(name))

    def _refusal(self, address: str, error: Exception) -> bytes:
        self.rejected += 1
        text = " ".join(str(error).split())
        if not text or isinstance(error, LookupError | TypeError | AttributeError | AssertionError):
            text = f"the engine failed on this message ({type(error).__name__}: {text})"
        return encode(ERROR, address[:200], text[:500])

    def _tell_listeners(self, packet: bytes) -> None:
        with self._listeners_lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(packet)

    def _send_udp(self, packet: bytes, target: Address) -> None:
        udp = self._socket
        if udp is None:
            return
        try:
            udp.sendto(packet, target)
        except OSError:  # an unreachable subscriber harms nobody else
            return


def _typed(name: str, value: Value) -> Value:
    """An engine that keeps 1 for 1.0 must not change the type on the wire."""
    tag = BY_NAME[name].type
    return float(value) if tag == "f" else int(value) if tag == "i" else str(value)


def _asked(name: str) -> tuple[str, ...]:
    """Names that `/sideman/get` asks for: one by name or address, or all with `*`."""
    if name == "*":
        return tuple(BY_NAME)
    if name in BY_ADDRESS:
        return (BY_ADDRESS[name].name,)
    if name not in BY_NAME:
        raise ParameterError(f"there is no parameter {name[:60]!r}{nearest(name, BY_NAME)}")
    return (name,)


def _bind_failure(host: str, port: int, error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code in (errno.EADDRINUSE, 10048):  # 10048, 10013: what Windows' own codes look like
        reason = "is in use"
    elif code in (errno.EACCES, 10013):
        reason = "is not permitted"
    else:
        reason = f"cannot be opened ({error})"
    return f"OSC port {port} on {host} {reason}: choose another one with --osc-port, or end the program that holds it"
