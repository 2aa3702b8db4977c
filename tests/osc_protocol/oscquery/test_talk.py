"""Laws of OSCQuery's websockets: what is listened to is told, newest first, OSC is taken, and no page listens in."""

from __future__ import annotations

import contextlib
import http.client
import json
import select
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from osc_protocol.errors import ParameterError
from osc_protocol.oscquery import socket as oscquery_socket
from osc_protocol.oscquery.server import MAX_SOCKETS, OscQueryServer
from osc_protocol.oscquery.talk import Talk
from osc_protocol.oscquery.tree import PATHS_OF, value_at
from osc_protocol.table.parameters import AUTO, BY_NAME, CONTROL_NAMES, PARAMETERS, Parameter, Setting, Value, in_type
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import ERROR
from tests.support.osc.fake_engine import FakeEngine
from tests.support.osc.node_modules import node_environment

PEER = Path(__file__).parents[2] / "support" / "osc" / "oscquery_live_peer.js"
DENSITY = "/sideman/param/density"


def other_value(row: Parameter) -> Value:
    if row.choices:
        return row.choices[1]
    if row.low is None or row.high is None:
        return "something"
    return row.high if row.default != row.high else row.low


class Host:
    """A host in memory: its protocol joined to a talk."""

    def __init__(self, engine: FakeEngine, **options: Any) -> None:
        self.osc = engine.server(**options)
        self.protocol = ClientProtocol(parse_uri("ws://127.0.0.1:9123/"))
        self.protocol.send_request(self.protocol.connect())
        self.woken = 0
        self.talk = Talk(self.osc, b"".join(self.protocol.data_to_send()), self._wake)
        (response,) = self.exchange()
        assert isinstance(response, Response)
        assert self.protocol.handshake_exc is None

    def _wake(self) -> None:
        self.woken += 1

    def exchange(self) -> list[Any]:
        """What waits goes both ways; what the host received."""
        for data in self.protocol.data_to_send():
            self.talk.receive(data)
        events: list[Any] = []
        for data in self.talk.frames.outgoing():
            if data:
                self.protocol.receive_data(data)
        events += self.protocol.events_received()
        return events

    def heard(self) -> list[Message]:
        return [
            decode(bytes(event.data))[0]
            for event in self.exchange()
            if isinstance(event, Frame) and event.opcode is Opcode.BINARY
        ]

    def closed_with(self) -> int | None:
        """The code of the goodbye that the host received."""
        return self.protocol.close_rcvd and self.protocol.close_rcvd.code

    def command(self, command: str, path: object) -> list[Message]:
        self.protocol.send_text(json.dumps({"COMMAND": command, "DATA": path}).encode())
        return self.heard()

    def osc_packet(self, packet: bytes) -> list[Message]:
        self.protocol.send_binary(packet)
        return self.heard()

    def flushed(self) -> list[Message]:
        self.talk.flush()
        return self.heard()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def host(engine: FakeEngine) -> Host:
    return Host(engine)


@pytest.fixture
def server(engine: FakeEngine) -> Iterator[OscQueryServer]:
    with engine.server() as osc, OscQueryServer(osc) as running:
        yield running


def open_socket(server: OscQueryServer) -> AbstractContextManager[ClientConnection]:
    return connect(f"ws://127.0.0.1:{server.port}/", open_timeout=60, close_timeout=30)


# --- what is said --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_every_path_of_every_row_is_told_at_once_and_after_every_change(row: Parameter, host: Host) -> None:
    for path in PATHS_OF[row.name]:
        ((address, (value,)),) = host.command("LISTEN", path)
        wanted = value_at(path, host.osc.value, host.osc.asked)
        assert (address, value) == (path, wanted if isinstance(wanted, str) else pytest.approx(wanted, rel=1e-6))
    host.osc.handle_packet(encode(row.address, other_value(row)))
    told = host.flushed()
    assert {message.address for message in told} == set(PATHS_OF[row.name])
    assert told[0] == Message(row.address, (other_value(row),))
    assert host.flushed() == []


@pytest.mark.parametrize("name", CONTROL_NAMES)
def test_what_applies_of_a_row_that_may_be_auto_is_told_when_it_changes(name: str, engine: FakeEngine) -> None:
    asked: dict[str, Value] = {}
    row, path = BY_NAME[name], f"/sideman/asked/{name}"
    host = Host(engine, get_asked=lambda name: asked.get(name, AUTO))
    assert host.command("LISTEN", path) == [Message(path, (in_type(row, AUTO),))]
    asked[name] = other_value(row)
    host.osc.publish_asked(name)
    assert host.flushed() == [Message(path, (other_value(row),))]
    assert host.osc_packet(encode("/sideman/get", name)) == [
        Message("/sideman/value", (name, AUTO)), Message("/sideman/asked", (name, other_value(row))),
    ]  # fmt: skip


def test_only_what_is_listened_to_is_told_until_it_is_ignored(host: Host) -> None:
    host.command("LISTEN", DENSITY)
    host.osc.handle_packet(encode("/sideman/param/temperature", 1.0))
    assert host.flushed() == []
    host.command("IGNORE", DENSITY)
    host.osc.handle_packet(encode(DENSITY, 1.0))
    assert host.flushed() == []


def test_of_many_changes_the_newest_is_told(host: Host) -> None:
    host.command("LISTEN", DENSITY)
    for step in range(1000):
        host.osc.handle_packet(encode(DENSITY, step / 1000))
    assert host.flushed() == [Message(DENSITY, (0.999,))]
    assert host.woken == 1000


def test_osc_is_taken_refused_and_answered_as_over_udp(host: Host, engine: FakeEngine) -> None:
    assert host.osc_packet(encode(DENSITY, 0.25)) == []
    assert engine.values["density"] == 0.25
    ((address, arguments),) = host.osc_packet(encode(DENSITY, 7.0))
    assert (address, arguments[0]) == (ERROR, DENSITY)
    assert host.osc_packet(encode("/sideman/get", "density")) == [Message("/sideman/value", ("density", 0.25))]


@pytest.mark.parametrize("about", ["/sideman/density/bars", ""])
def test_what_goes_wrong_later_is_told_in_order_as_to_subscribers(about: str, host: Host) -> None:
    host.command("LISTEN", DENSITY)
    host.osc_packet(encode(DENSITY, 0.5))
    host.flushed()
    for number in range(100):
        host.osc.send(ERROR, about, f"reason {number}")
    told = host.flushed()
    assert told == [Message(ERROR, (about, f"reason {number}")) for number in range(100 - len(told), 100)]
    assert len(told) > 10
    assert host.woken >= 100
    host.osc.send("/sideman/status", "chord", "Dm7")
    assert host.flushed() == []


def test_what_the_host_said_is_not_said_back_but_told_at_the_twin(host: Host) -> None:
    host.command("LISTEN", DENSITY)
    host.command("LISTEN", "/sideman/midi/density")
    host.osc_packet(encode(DENSITY, 1.0))
    assert host.flushed() == [Message("/sideman/midi/density", (127,))]
    host.osc.handle_packet(encode(DENSITY, 0.5))
    host.osc.handle_packet(encode(DENSITY, 1.0))
    assert Message(DENSITY, (1.0,)) in host.flushed()


@pytest.mark.parametrize(
    ("command", "path", "reason"),
    [
        ("LISTEN", "/sideman/param/densty", "did you mean '/sideman/param/density'"),
        ("LISTEN", "/sideman/play", "nothing is told at that path"),
        ("LISTEN", ["/"], "nothing is told at that path"),
        ("SHOUT", DENSITY, "the command 'SHOUT' is not known: LISTEN and IGNORE are"),
    ],
)
def test_what_cannot_be_listened_to_is_refused_in_words(command: str, path: object, reason: str, host: Host) -> None:
    ((address, arguments),) = host.command(command, path)
    assert address == ERROR
    assert reason in str(arguments[1])
    assert host.talk.frames.is_open


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"COMMAND": "LISTEN"}', b"\xff\xfe", b"[" * 3000])
def test_text_that_is_no_command_ends_the_talk_with_its_reason(text: bytes, host: Host) -> None:
    host.protocol.send_text(text)
    host.exchange()
    assert not host.talk.frames.is_open
    assert host.closed_with() in (1003, 1007)


def test_fragments_make_one_message_and_too_long_ones_end_the_talk(host: Host, engine: FakeEngine) -> None:
    packet = encode(DENSITY, 0.125)
    host.protocol.send_binary(packet[:5], fin=False)
    host.protocol.send_continuation(packet[5:9], fin=False)
    host.protocol.send_ping(b"between")
    host.protocol.send_continuation(packet[9:], fin=True)
    host.exchange()
    assert engine.values["density"] == 0.125
    host.protocol.send_binary(bytes(3000), fin=False)
    host.protocol.send_continuation(bytes(3000), fin=True)
    host.exchange()
    assert host.closed_with() == 1009


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=60) | st.binary(max_size=30).map(lambda tail: b"\x82\x84\0\0\0\0" + tail)))
def test_any_bytes_are_survived(pieces: list[bytes]) -> None:
    host = Host(FakeEngine())
    for piece in pieces:
        if piece and host.talk.frames.is_open:
            host.talk.receive(piece)
            host.talk.frames.outgoing()
    host.talk.receive(b"")
    assert not host.talk.frames.is_open
    host.talk.close()


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=300), st.booleans())
def test_any_message_is_survived(message: bytes, is_text: bool) -> None:
    host = Host(FakeEngine())
    (host.protocol.send_text if is_text else host.protocol.send_binary)(message)
    host.exchange()
    host.talk.flush()
    host.talk.close()


# --- over the socket -----------------------------------------------------------------------------------------------


def test_a_host_hears_changes_and_sends_osc(server: OscQueryServer, engine: FakeEngine) -> None:
    with open_socket(server) as host:
        host.send(json.dumps({"COMMAND": "LISTEN", "DATA": DENSITY}))
        assert decode(host.recv(10))[0] == Message(DENSITY, (-1.0,))
        server.osc.handle_packet(encode(DENSITY, 0.75))
        assert decode(host.recv(10))[0] == Message(DENSITY, (0.75,))
        host.send(encode("/sideman/param/top_k", 5))
        host.send(encode("/sideman/get", "top_k"))
        assert decode(host.recv(10))[0].arguments == ("top_k", 5)
    assert engine.values["top_k"] == 5


def test_a_sweep_ends_at_the_last_value_and_is_thinned(server: OscQueryServer) -> None:
    with open_socket(server) as host:
        host.send(json.dumps({"COMMAND": "LISTEN", "DATA": DENSITY}))
        host.recv(10)
        begin_s = time.monotonic()
        for step in range(2000):
            server.osc.handle_packet(encode(DENSITY, step / 2000))
        heard = [0.0]
        while heard[-1] != 0.9995:
            heard.append(float(str(decode(host.recv(10))[0].arguments[0])))
        assert len(heard) <= 3 + 2 * (time.monotonic() - begin_s) * 50
        assert heard == sorted(heard)


def test_host_info_tells_of_the_websockets(server: OscQueryServer) -> None:
    _, info = server.answer("/?HOST_INFO")
    assert info is not None
    assert (info["EXTENSIONS"]["LISTEN"], info["EXTENSIONS"]["OSC_STREAMING"]) == (True, True)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403), ("http://evil.example:9123", 403), ("null", 403), ("http://[", 403),
        ("http://203.0.113.5", 403), ("http://localhost:3000", 101), ("http://127.0.0.1", 101),
    ],
)  # fmt: skip
def test_a_page_from_elsewhere_may_not_listen_in(origin: str, status: int, server: OscQueryServer) -> None:
    peer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(peer):
        peer.request("GET", "/", headers=UPGRADE | {"Origin": origin})
        assert peer.getresponse().status == status


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


@pytest.mark.parametrize(
    "change", [{"Sec-WebSocket-Version": "7"}, {"Sec-WebSocket-Key": "x"}, {"Connection": "close"}]
)
def test_a_handshake_that_is_none_is_refused(change: dict[str, str], server: OscQueryServer) -> None:
    peer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(peer):
        peer.request("GET", "/", headers=UPGRADE | change)
        assert peer.getresponse().status in (400, 426)


def test_websockets_are_bounded_and_their_places_come_free(server: OscQueryServer) -> None:
    with contextlib.ExitStack() as hosts:
        for _ in range(MAX_SOCKETS):
            hosts.enter_context(open_socket(server))
        with pytest.raises(InvalidStatus) as caught:
            hosts.enter_context(open_socket(server))
        assert caught.value.response.status_code == 503
    for _ in range(200):
        with contextlib.suppress(InvalidStatus), open_socket(server):
            return
        time.sleep(0.02)
    pytest.fail("no place came free")


def test_closing_the_server_says_goodbye(engine: FakeEngine) -> None:
    with engine.server() as osc, contextlib.ExitStack() as hosts:
        with OscQueryServer(osc) as server:
            host = hosts.enter_context(open_socket(server))
        with pytest.raises(ConnectionClosed) as caught:
            host.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1001


def test_a_host_that_died_without_a_word_is_let_go(server: OscQueryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oscquery_socket, "SILENCE_S", 0.3)
    monkeypatch.setattr(oscquery_socket, "PING_S", 0.1)
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=60)) as mute:
        lines = ["GET / HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in UPGRADE.items()), "", ""]
        mute.sendall("\r\n".join(lines).encode())
        heard = b""
        while select.select([mute], [], [], 10)[0] and (more := mute.recv(4096)):
            heard += more
    assert heard.startswith(b"HTTP/1.1 101")
    assert b"\x89\x00" in heard  # it was asked whether it is there


@pytest.mark.real
def test_npms_ws_hears_and_sends(server: OscQueryServer, engine: FakeEngine) -> None:
    environment = node_environment("ws")
    command = ["node", str(PEER), str(server.port)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(item["isBinary"] for item in told)
    heard = [decode(bytes.fromhex(item["hex"]))[0] for item in told]
    assert heard == [
        Message(DENSITY, (-1.0,)),
        Message("/sideman/norm/density", (-1.0,)),
        Message("/sideman/norm/density", (0.75,)),
    ]
    assert engine.values["density"] == 0.75


def test_a_refused_value_is_told_when_it_comes_true_later() -> None:
    def refuse(setting: Setting) -> None:
        raise ParameterError("not now")

    engine = FakeEngine()
    host = Host(engine)
    host.command("LISTEN", "/sideman/mode")
    accept, host.osc._dispatcher.on_parameter = host.osc._dispatcher.on_parameter, refuse
    host.protocol.send_binary(encode("/sideman/mode", "changes"))
    assert [message.address for message in host.heard()] == [ERROR]
    host.osc._dispatcher.on_parameter = accept
    engine.values["mode"] = "changes"
    host.osc.publish("mode")
    host.talk.flush()
    assert host.heard() == [("/sideman/mode", ("changes",))]
