"""The server that plug-ins connect to, on this machine alone."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from bridge.errors import BridgeError
from bridge.live.playing.improviser import Improviser
from bridge.plugin.connection import Connection
from bridge.plugin.finding.address_file import Address, remove_address, write_address
from bridge.plugin.instance import MODE_ID, Instance
from bridge.plugin.logs import SessionLogs
from bridge.plugin.wire import EVERY_INSTANCE, NOBODY, TOKEN_SIZE, Tell, parameter, status, text
from osc_protocol.table.host_rows import CHORDS
from osc_protocol.table.parameters import BY_NAME

__all__ = ["PluginServer"]

HOST: Final = "127.0.0.1"
ERROR_PAUSE_S: Final = 0.5  # after each plug-in that the system would not let in
CHANGES: Final = float(BY_NAME["mode"].choices.index("changes"))


class PluginServer:
    """open() and close() belong to one thread."""

    def __init__(
        self,
        make: Callable[[int], Improviser],
        report: Callable[[str, str], None],
        *,
        port: int = 0,
        logs: SessionLogs | None = None,
    ) -> None:
        """make: a fresh stream for a seed. report(what, text): any thread may call it. port: 0 for any that is free.
        logs: where sessions are written down.
        """
        self._make, self._report, self._port, self._logs = make, report, port, logs
        self._socket: socket.socket | None = None
        self._address: Address | None = None
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self._plugins: list[Connection] = []  # those that are plug-ins, in the order of their coming
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    @property
    def port(self) -> int:
        """The port that is listened at; 0 before open()."""
        return 0 if self._address is None else self._address.port

    @property
    def is_used(self) -> bool:
        """Whether anyone is connected."""
        with self._lock:
            return bool(self._connections)

    def open(self) -> None:
        """Listens, and writes the file by which plug-ins find it. BridgeError: the port is taken. That no other one
        serves is for claim_engine() to say: an address that is left over may lead to any program.
        """
        try:
            self._socket = socket.create_server((HOST, self._port))
        except OSError as error:
            raise BridgeError(f"port {self._port}: {error.strerror}: give another --port, or none") from error
        self._address = Address(self._socket.getsockname()[1], secrets.token_bytes(TOKEN_SIZE))
        write_address(self._address)
        self._start(self._accept, self._socket)

    def close(self) -> None:
        """Ends every session, and the server."""
        self._closing.set()
        if self._address is not None:
            remove_address(self._address)
        if self._socket is not None:
            with suppress(OSError):  # not every system lets it
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for the next one
            self._socket.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            connection.close()
        for thread in threads:
            thread.join(5.0)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="sideman-plugin", daemon=True)
        with self._lock:
            thread.start()
            self._threads = [*(old for old in self._threads if old.is_alive()), thread]

    def _accept(self, listening: socket.socket) -> None:
        """Lets plug-ins in until close(). What the system refuses now, such as a file too many, it may allow later."""
        failing = False
        while not self._closing.is_set():
            try:
                peer, _ = listening.accept()
                self._let_in(peer)
            except (OSError, RuntimeError) as error:
                if self._closing.is_set():
                    return
                if not failing:
                    self._report("error", f"no plug-in gets in now ({error}): those that play go on; close programs")
                failing = True
                self._closing.wait(ERROR_PAUSE_S)
            else:
                failing = False

    def _let_in(self, peer: socket.socket) -> None:
        try:
            self._start(self._serve, peer)
        except RuntimeError:  # a thread too many
            peer.close()
            raise

    def _serve(self, peer: socket.socket) -> None:
        assert self._address is not None
        connection = Connection(peer, self._address.token)
        with self._lock:
            self._connections.add(connection)
            is_late = self._closing.is_set()  # close() does not know of it
        instance = Instance(self._make, connection.send, self._report, self._logs)
        try:
            if not is_late and connection.greet():
                self._talk(connection, instance)
        except BridgeError as error:
            self._report("error", str(error))
        finally:
            connection.close()
            instance.close()
            with self._lock:
                self._connections.discard(connection)
                if connection in self._plugins:
                    self._plugins.remove(connection)
                    self._report("plug-in", "gone")

    def _talk(self, connection: Connection, instance: Instance) -> None:
        is_plugin = False
        for message in connection.messages():
            if isinstance(message, Tell):
                connection.send(status(self._pass_on(message)))
                continue
            if not is_plugin:
                is_plugin = True
                with self._lock:
                    self._plugins.append(connection)
                    number = len(self._plugins)
                self._report("plug-in", f"{number} connected")
            instance.take(message)

    def _pass_on(self, message: Tell) -> str:
        """Has the plug-ins that are meant keep a text, and tell it us as their own; returns what there is to say."""
        with self._lock:
            plugins = list(self._plugins)
        loaded = len(plugins)
        if message.instance != EVERY_INSTANCE:
            plugins = plugins[message.instance - 1 : message.instance]
        for plugin in plugins:
            plugin.send(text(message.name, message.text))
            if message.name == CHORDS:
                plugin.send(parameter(MODE_ID, CHANGES))
        if not plugins:
            return f"{NOBODY}: {loaded} loaded"
        return "1 instance was told" if len(plugins) == 1 else f"{len(plugins)} instances were told"
