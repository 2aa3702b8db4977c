"""OSCQuery over HTTP: what can be set, its types, ranges and values, for hosts that discover instead of being told.

    GET /                              the whole tree
    GET /sideman/param/temperature     one node
    GET /sideman/mode?VALUE            one attribute of it
    GET /?HOST_INFO                    where OSC itself is spoken
    Upgrade: websocket                 to hear changes and to send OSC (talk.py)

Pages may be served beside it (site.py), each at a path of its own, from memory. callers.py says whom it serves; a
page's own websocket takes the pages of this port alone.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from osc_protocol.errors import OscPortError
from osc_protocol.oscquery.callers import is_our_page, names_us
from osc_protocol.oscquery.site import Page, Site
from osc_protocol.oscquery.socket import WebSocket
from osc_protocol.oscquery.talk import Talk
from osc_protocol.oscquery.tree import ATTRIBUTES, describe, host_info
from osc_protocol.server.server import OscServer
from osc_protocol.server.udp import bind_failure

__all__ = ["OscQueryServer"]

MAX_TARGET: Final = 1024  # characters of path and query
MAX_CONNECTIONS: Final = 48
MAX_SOCKETS: Final = 16  # of them, that stay: a host keeps its websocket for as long as it runs
TIMEOUT_S: Final = 5.0  # of a silent connection
ERROR_PAUSE_S: Final = 0.1  # after each connection that the system would not let in
PAGE_HEADERS: Final = {
    # A page loads nothing from anywhere else, stands in nobody's frame, and is asked for anew by a newer engine.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class OscQueryServer:
    """Serves the table on a thread of its own. start() binds; close() may be called twice."""

    def __init__(self, osc: OscServer, host: str = "127.0.0.1", port: int = 0, *, site: Site | None = None) -> None:
        """osc: whose values are told, started before. port: TCP, 0 for a free one.

        site: pages beside the tree.
        """
        self.host, self.port, self.osc, self.site = host, port, osc, site
        self._sockets: set[WebSocket] = set()
        self._lock = threading.Lock()
        self._http: _Http | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> OscQueryServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Binds the port and starts the thread. OscPortError if the port is in use or not permitted."""
        try:
            self._http = _Http((self.host, self.port), self)
        except (OSError, OverflowError) as error:
            remedy = "choose another one with --oscquery-port, or 0 for none"
            raise OscPortError(bind_failure("OSCQuery", self.host, self.port, error, remedy)) from error
        self.port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.2,), name="sideman-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and every websocket, and frees the port."""
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()
        with self._lock:
            for socket in self._sockets:
                socket.end()
        self._http = self._thread = None

    def answer(self, target: str) -> tuple[HTTPStatus, dict[str, Any] | None]:
        """Answers a GET of a request target such as `/sideman/mode?VALUE`. Never raises."""
        if len(target) > MAX_TARGET:
            return HTTPStatus.REQUEST_URI_TOO_LONG, None
        try:
            parts = urlsplit(target)
        except ValueError:  # brackets that hold no address
            return HTTPStatus.BAD_REQUEST, None
        if parts.query == "HOST_INFO":
            return HTTPStatus.OK, host_info(self.host, self.osc.port)
        node = describe(unquote(parts.path), self.osc.value, self.osc.asked)
        if node is None:
            return HTTPStatus.NOT_FOUND, None
        if not parts.query:
            return HTTPStatus.OK, node
        if parts.query not in ATTRIBUTES:
            return HTTPStatus.BAD_REQUEST, None
        if parts.query not in node:
            return HTTPStatus.NO_CONTENT, None
        return HTTPStatus.OK, {parts.query: node[parts.query]}

    def talk(self, connection: Any, path: str, request: bytes) -> bool:
        """Serves one websocket until it ends, on the caller's thread; False where there are too many already."""
        site = self.site if self.is_of_a_page(path) else None
        with self._lock:
            if len(self._sockets) >= MAX_SOCKETS:
                return False
            if site is not None:
                socket = WebSocket(connection, lambda wake: site.talker(request, wake))
            else:
                socket = WebSocket(connection, lambda wake: Talk(self.osc, request, wake))
            self._sockets.add(socket)
        try:
            socket.run()
        finally:
            with self._lock:
                self._sockets.discard(socket)
        return True

    def page(self, target: str) -> Page | None:
        """Returns the page at a request target, None if there is none."""
        return None if self.site is None or len(target) > MAX_TARGET else self.site.page(target.partition("?")[0])

    def is_of_a_page(self, path: str) -> bool:
        """Whether a websocket at this path is a page's own."""
        return self.site is not None and self.site.talks_at(path)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # Connections of an engine that has just ended must not keep the port; on Windows, which has
    # an option of its own against that, it would let two engines share it.
    allow_reuse_address = not hasattr(socket, "SO_EXCLUSIVEADDRUSE")

    def __init__(self, address: tuple[str, int], query: OscQueryServer) -> None:
        self.query = query
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[Any, Any]:
        try:
            return super().get_request()
        except OSError:  # a file too many: the server's loop asks again at once, and would take a core for it
            time.sleep(ERROR_PAUSE_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # a thread too many: its place is free again
            self._free.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores a client that went away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    protocol_version = "HTTP/1.1"  # hosts that ask for a websocket insist on it; we close each connection all the same
    timeout = TIMEOUT_S
    server_version, sys_version = "Sideman", ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def parse_request(self) -> bool:
        """Refuses all methods but GET, and a Host header that does not name us."""
        if not super().parse_request():
            return False
        if self.command != "GET":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is served")
            return False
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not names_us(hosts[0], self.server.query.host):
            self.send_error(HTTPStatus.FORBIDDEN, "the Host header does not name this engine")
            return False
        return True

    def do_GET(self) -> None:
        """Answers one request and closes the connection, or serves a websocket for as long as the host wants it."""
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._upgrade()
            return
        page = self.server.query.page(self.path)
        if page is not None:
            self._send(HTTPStatus.OK, page.content_type, page.body, PAGE_HEADERS)
            return
        status, content = self.server.query.answer(self.path)
        if status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            self.send_error(status)
            return
        body = b"" if content is None else json.dumps(content, allow_nan=False).encode()
        self._send(status, "application/json" if status == HTTPStatus.OK else "", body, {})

    def _send(self, status: HTTPStatus, content_type: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _upgrade(self) -> None:
        query = self.server.query
        if not all(self._may_listen(origin) for origin in self.headers.get_all("Origin") or []):
            self.send_error(HTTPStatus.FORBIDDEN, "web pages may not listen in")
        else:
            lines = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
            if not query.talk(self.connection, self.path, "\r\n".join(lines).encode("latin-1")):
                self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_SOCKETS} websockets are open already")
            self.close_connection = True

    def _may_listen(self, origin: str) -> bool:
        host = self.headers["Host"]
        if self.server.query.is_of_a_page(self.path):
            return origin.lower() == f"http://{host.strip().lower()}"
        return is_our_page(origin, host)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the terminal belongs to the session's own lines."""
