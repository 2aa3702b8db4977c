"""OSCQuery over HTTP: what can be set, its types, ranges and values, for hosts that discover instead of being told.

    GET /                              the whole tree
    GET /sideman/param/temperature     one node
    GET /sideman/mode?VALUE            one attribute of it
    GET /?HOST_INFO                    where OSC itself is spoken

It only reads, and only for those who call it by a loopback name or by the address that it is bound to: a web page whose
name was bent to 127.0.0.1 (DNS rebinding) is refused.
"""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from osc_protocol.errors import OscPortError
from osc_protocol.osc_tree import ATTRIBUTES, host_info, tree
from osc_protocol.parameters import Value

__all__ = ["OscQueryServer"]

MAX_TARGET: Final = 1024  # characters of path and query
MAX_CONNECTIONS: Final = 16
TIMEOUT_S: Final = 5.0  # of a silent connection
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "::1")


class OscQueryServer:
    """Serves the table on a thread of its own. start() binds; close() may be called twice."""

    def __init__(
        self,
        get_value: Callable[[str], Value],
        osc_port: int,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "Sideman",
    ) -> None:
        """get_value(name): the value in force; any thread. osc_port: of the OSC server. port: TCP, 0 for a free one."""
        self.host, self.port = host, port
        self._get_value, self._info = get_value, host_info(name, host, osc_port)
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
            raise OscPortError(
                f"OSCQuery port {self.port} on {self.host} cannot be opened ({getattr(error, 'strerror', error)}): "
                "choose another one with --oscquery-port, or 0 for none"
            ) from error
        self.port = int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.2,), name="sideman-http", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread and frees the port."""
        if self._http is not None and self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._http.server_close()
        self._http = self._thread = None

    def answer(self, target: str) -> tuple[HTTPStatus, dict[str, Any] | None]:
        """What GET answers to a request target such as `/sideman/mode?VALUE`. Never raises."""
        if len(target) > MAX_TARGET:
            return HTTPStatus.REQUEST_URI_TOO_LONG, None
        try:
            parts = urlsplit(target)
        except ValueError:  # brackets that hold no address
            return HTTPStatus.BAD_REQUEST, None
        if parts.query == "HOST_INFO":
            return HTTPStatus.OK, self._info
        node = tree(self._get_value)
        for part in unquote(parts.path).strip("/").split("/"):
            if part:
                found = node.get("CONTENTS", {}).get(part)
                if found is None:
                    return HTTPStatus.NOT_FOUND, None
                node = found
        if not parts.query:
            return HTTPStatus.OK, node
        if parts.query not in ATTRIBUTES:
            return HTTPStatus.BAD_REQUEST, None
        if parts.query not in node:
            return HTTPStatus.NO_CONTENT, None
        return HTTPStatus.OK, {parts.query: node[parts.query]}

    def may_call_us(self, host_header: str) -> bool:
        """Whether a Host header names us, port or no port."""
        name = host_header.strip().lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        if name in (*_LOOPBACK_NAMES, self.host):
            return True
        if self.host not in ("0.0.0.0", "::"):
            return False
        try:  # bound to all addresses: any address is ours, while a name may be anybody's
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = False  # on Windows it would let two engines share the port

    def __init__(self, address: tuple[str, int], query: OscQueryServer) -> None:
        self.query = query
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    server: _Http
    timeout = TIMEOUT_S
    server_version, sys_version = "Sideman", ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def parse_request(self) -> bool:
        """Refuses whatever is no GET, and whoever does not call us by our name."""
        if not super().parse_request():
            return False
        if self.command != "GET":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED, "only GET is served")
            return False
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not self.server.query.may_call_us(hosts[0]):
            self.send_error(HTTPStatus.FORBIDDEN, "the Host header does not name this engine")
            return False
        return True

    def do_GET(self) -> None:
        """One request, one answer, and the connection is closed."""
        status, content = self.server.query.answer(self.path)
        if status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            self.send_error(status)
            return
        body = b"" if content is None else json.dumps(content, allow_nan=False).encode()
        self.send_response(status)
        if status == HTTPStatus.OK:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal belongs to the session's own lines."""
