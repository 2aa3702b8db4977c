"""The OSC server: what arrives is checked against the parameter table, and nothing is dropped without a word.

    client --packet--> handle_packet --> on_parameter / on_command      (the engine's side)
                            |
                            +--> /sideman/pong, /sideman/value, /sideman/error, /sideman/status

Replies go to the sender and to every subscriber; an accepted parameter is told to the subscribers. A refused message is
answered with `/sideman/error address reason`. Replies that come back to us (two servers facing each other) are only
counted, else they would answer each other for ever.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

from osc_protocol.codec import Message, decode, encode
from osc_protocol.errors import OscPortError, PacketError, ParameterError
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

__all__ = ["ERROR", "PONG", "REPLIES", "STATUS", "VALUE", "OscServer"]

PONG: Final = "/sideman/pong"
VALUE: Final = "/sideman/value"
STATUS: Final = "/sideman/status"
ERROR: Final = "/sideman/error"
REPLIES: Final = (PONG, VALUE, STATUS, ERROR)

MAX_SUBSCRIBERS: Final = 32
_POLL_S: Final = 0.2  # how long close() may wait for the thread

Address: TypeAlias = "tuple[str, int]"
Listener: TypeAlias = Callable[[bytes], None]


class OscServer:
    """Serves the parameter table over UDP, and over any other road through `handle_packet`.

    on_parameter(name, value): a checked value. on_command(address, arguments): checked arguments of every command that
    the server does not answer itself (get, ping, subscribe). get_value(name): the value in force. All three are called
    by one thread at a time; what they raise is told to the client as an error and ends nothing.

    out_port: a standing subscriber on the host's own machine, for peers that listen on one fixed port; None for none.
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
    ) -> None:
        self.host = host
        self.port = port  # the one really bound once started, if 0 was asked for
        self.rejected = 0  # messages answered with an error
        self.reflected = 0  # replies of ours, or of another server, that came back
        self._on_parameter = on_parameter
        self._on_command = on_command
        self._get_value = get_value
        self._lock = threading.RLock()  # one message at a time, whichever road it came by
        self._peers_lock = threading.Lock()  # held for moments only, so that publish() never waits for a handler
        self._subscribers: list[Address] = [] if out_port is None else [("127.0.0.1", out_port)]
        self._listeners: list[Listener] = []
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

    def handle_packet(self, packet: bytes) -> list[bytes]:
        """One OSC packet from any road -> the reply packets for its sender. Never raises."""
        return self._handle(packet, None)

    def publish(self, name: str) -> None:
        """Tells every subscriber and listener the value now in force, as after a change by the panel or a CC."""
        self._tell(self._value_packet(name))

    def send(self, address: str, *values: Value) -> None:
        """Sends one message to every subscriber and listener, such as a STATUS."""
        self._tell(encode(address, *values))

    def add_listener(self, listener: Listener) -> None:
        """From now on listener(packet) gets what subscribers get. It must not block."""
        with self._peers_lock:
            self._listeners.append(listener)

    def remove_listener(self, listener: Listener) -> None:
        """Ends what add_listener began."""
        with self._peers_lock:
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
            for reply in self._handle(packet, sender):
                self._send_udp(reply, sender)
                for subscriber in tuple(self._subscribers):
                    if subscriber != sender:
                        self._send_udp(reply, subscriber)

    def _handle(self, packet: bytes, sender: Address | None) -> list[bytes]:
        with self._lock:
            try:
                messages = decode(packet)
            except PacketError as error:
                return [self._refusal("", error)]
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
        if address not in COMMAND_BY_ADDRESS:
            known = (*BY_ADDRESS, *COMMAND_BY_ADDRESS)
            raise ParameterError(f"unknown address{nearest(address, known) or '; docs/osc.md lists them all'}")
        values = check_arguments(address, arguments)
        if address == "/sideman/ping":
            return [encode(PONG)]
        if address == "/sideman/get":
            return [self._value_packet(name) for name in _asked(str(values[0]))]
        if address == "/sideman/subscribe":
            self._subscribe(int(values[0]), sender)
            return []
        self._on_command(address, values)
        return []

    def _subscribe(self, port: int, sender: Address | None) -> None:
        if sender is None:
            raise ParameterError("only UDP clients subscribe: this connection already hears every change")
        entry = (sender[0], port)
        with self._peers_lock:
            if port == 0:
                self._subscribers = [other for other in self._subscribers if other[0] != sender[0]]
            elif entry not in self._subscribers:
                if len(self._subscribers) >= MAX_SUBSCRIBERS:
                    raise ParameterError(
                        f"{MAX_SUBSCRIBERS} subscribers are served already: send 0 from one to make room"
                    )
                self._subscribers.append(entry)

    def _value_packet(self, name: str) -> bytes:
        value = self._get_value(name)
        tag = BY_NAME[name].type  # an engine that keeps 1 for 1.0 must not change the type on the wire
        return encode(VALUE, name, float(value) if tag == "f" else int(value) if tag == "i" else str(value))

    def _refusal(self, address: str, error: Exception) -> bytes:
        self.rejected += 1
        text = " ".join(str(error).split())
        if not text or isinstance(error, LookupError | TypeError | AttributeError | AssertionError):
            text = f"the engine failed on this message ({type(error).__name__}: {text})"
        return encode(ERROR, address[:200], text[:500])

    def _tell(self, packet: bytes) -> None:
        with self._peers_lock:
            subscribers, listeners = tuple(self._subscribers), tuple(self._listeners)
        for subscriber in subscribers:
            self._send_udp(packet, subscriber)
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
