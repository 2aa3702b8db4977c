"""Laws of OSCQuery: the whole table is told, as it is now; nothing can be set, and only we ourselves may ask."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.errors import OscPortError
from osc_protocol.oscquery.callers import names_us
from osc_protocol.oscquery.server import MAX_CONNECTIONS, MAX_TARGET, OscQueryServer
from osc_protocol.oscquery.tree import ATTRIBUTES, ENGINE_COMMANDS
from osc_protocol.table.parameters import AUTO, BY_NAME, CONTROL_NAMES, PARAMETERS, Parameter, in_type
from osc_protocol.table.twins import MIDI, NORM, has_position, to_norm
from osc_protocol.wire.codec import encode
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import playing
from tests.support.osc.fake_engine import FakeEngine
from tests.support.osc.node_modules import node_environment

PEER = Path(__file__).parents[2] / "support" / "osc" / "oscquery_peer.js"
rows = pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(scope="module")
def server(engine: FakeEngine) -> Iterator[OscQueryServer]:
    with OscQueryServer(engine.server(port=9123)) as running:
        yield running


def get(server: OscQueryServer, target: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, target, headers=headers)
        response = connection.getresponse()
        body = response.read()
        return response.status, json.loads(body) if response.status == 200 else body.decode()


def raw(server: OscQueryServer, request: bytes) -> bytes:
    with contextlib.closing(socket.create_connection(("127.0.0.1", server.port), timeout=60)) as peer:
        peer.sendall(request)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while more := peer.recv(65536):
                answer += more
        return answer


def leaves(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Full path -> node of all that has a type."""
    own = {node["FULL_PATH"]: node} if "TYPE" in node else {}
    return own | {path: leaf for child in node.get("CONTENTS", {}).values() for path, leaf in leaves(child).items()}


def test_the_tree_holds_the_table_its_twins_and_the_commands_and_no_more(server: OscQueryServer) -> None:
    status, root = get(server, "/")
    ordered = [row.name for row in PARAMETERS if has_position(row)]
    assert status == 200
    assert set(leaves(root)) == (
        {row.address for row in PARAMETERS}
        | {row.address for row in ENGINE_COMMANDS}
        | {prefix + name for prefix in (NORM, MIDI) for name in ordered}
        | {f"/sideman/asked/{name}" for name in CONTROL_NAMES}
    )


@rows
def test_every_row_is_described_with_the_value_in_force(row: Parameter, server: OscQueryServer) -> None:
    status, node = get(server, row.address)
    assert status == 200
    assert (node["FULL_PATH"], node["TYPE"], node["ACCESS"]) == (row.address, row.type, 3)
    assert node["VALUE"] == [in_type(row, row.default)]
    assert node["DESCRIPTION"] == row.help + (" Below 0: auto." if row.auto else "")
    if row.choices:
        assert node["RANGE"] == [{"VALS": list(row.choices)}]
    elif row.low is None:
        assert "RANGE" not in node
    else:
        low = -1.0 if row.auto else row.low
        assert (node["RANGE"], node["CLIPMODE"]) == ([{"MIN": low, "MAX": row.high}], ["both"])
        _, norm = get(server, NORM + row.name)
        assert norm["RANGE"] == [{"MIN": -1 if row.auto else 0, "MAX": 1}]
        assert norm["VALUE"] == [to_norm(row, row.default)]


@rows
def test_what_the_tree_tells_can_be_sent(row: Parameter) -> None:
    engine = FakeEngine()
    osc = engine.server()
    query = OscQueryServer(osc)
    _, root = query.answer("/")
    for path, node in leaves(root or {}).items():
        if path == row.address or path in (NORM + row.name, MIDI + row.name):
            choices = node.get("RANGE", [{}])[0]
            for value in (node["VALUE"][0], choices.get("MIN"), choices.get("MAX"), *choices.get("VALS", ())):
                if value is not None:
                    assert osc.handle_packet(encode(path, value)) == []


@pytest.mark.parametrize("command", ENGINE_COMMANDS, ids=lambda row: row.address)
def test_a_command_can_be_sent_as_its_type_says(command: Any, server: OscQueryServer) -> None:
    _, node = get(server, command.address)
    assert node["ACCESS"] == 2
    assert "VALUE" not in node
    if node["TYPE"] == "I":
        engine = FakeEngine()
        address = command.address.encode() + bytes(4 - len(command.address) % 4)
        assert engine.server().handle_packet(address + b",I\x00\x00") == []
        assert engine.commands == [(command.address, ())]


def test_values_are_those_of_now(server: OscQueryServer, engine: FakeEngine) -> None:
    engine.values["density"] = 0.25
    assert get(server, "/sideman/param/density?VALUE") == (200, {"VALUE": [0.25]})
    assert get(server, "/sideman/midi/density?VALUE") == (200, {"VALUE": [33]})
    engine.values["density"] = AUTO
    assert get(server, "/sideman/param/density?VALUE") == (200, {"VALUE": [-1.0]})
    assert get(server, "/sideman/midi/density?VALUE") == (200, {"VALUE": [0]})


@pytest.mark.parametrize("name", CONTROL_NAMES)
def test_what_applies_of_a_row_that_may_be_auto_is_read_and_cannot_be_set(name: str) -> None:
    row = BY_NAME[name]
    value = row.choices[2] if row.choices else 0.25
    query = OscQueryServer(FakeEngine().server(get_asked=lambda name: value))
    _, node = query.answer(f"/sideman/asked/{name}")
    assert node is not None
    assert (node["TYPE"], node["ACCESS"], node["VALUE"]) == (row.type, 1, [value])
    assert query.answer(f"{row.address}?VALUE")[1] == {"VALUE": [in_type(row, AUTO)]}


def test_host_info_says_where_osc_is_spoken(server: OscQueryServer) -> None:
    status, info = get(server, "/?HOST_INFO")
    assert status == 200
    assert (info["NAME"], info["OSC_IP"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == (
        "Sideman",
        "127.0.0.1",
        9123,
        "UDP",
    )
    assert info["EXTENSIONS"]["RANGE"] is True


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_one_attribute_can_be_asked_for(attribute: str, server: OscQueryServer) -> None:
    node = get(server, "/sideman/param/top_k")[1]
    assert get(server, f"/sideman/param/top_k?{attribute}") == (
        (200, {attribute: node[attribute]}) if attribute in node else (204, "")
    )


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/nowhere", 404),
        ("/sideman/param/temperature/x", 404),
        ("/../../etc/passwd", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/sideman?COLOUR", 400),
        ("/sideman/seed?VALUE", 204),
        ("/" + "a" * MAX_TARGET, 414),
        ("/" + "a" * 70000, 414),
        ("http://[/", 400),
        ("/%73ideman/mode/", 200),
        ("/sideman//mode", 200),
    ],
)
def test_other_paths_are_answered_by_their_status(target: str, status: int, server: OscQueryServer) -> None:
    answer = raw(server, f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "X"])
def test_only_get_is_served(method: str, server: OscQueryServer) -> None:
    assert raw(server, f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    ("host", "taken"),
    [
        ("localhost", True), ("LOCALHOST:9123", True), ("127.0.0.1:80", True), ("[::1]:9123", True),
        ("evil.example", False), ("evil.example:9123", False), ("127.0.0.1.evil.example", False), ("", False),
        ("localhost.evil.example", False), ("192.168.1.5", False), ("[", False), ("a:b:c", False),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(host: str, taken: bool, server: OscQueryServer) -> None:
    answer = raw(server, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200 " if taken else b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("bound_to", "taken"),
    [
        ("0.0.0.0", True),
        ("::", True),
        ("192.168.1.5", True),
        ("127.0.0.1", False),
        ("127.0.0.2", False),
        ("::1", False),
    ],
)
def test_where_the_network_reaches_us_we_are_called_by_our_names_there(
    bound_to: str, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "MyPC.lan")
    for name in ("sideman.local", "mypc", "MyPC.lan:9123", "MYPC.local:9123"):
        assert names_us(name, bound_to) is taken, name
    for name in ("yourpc", "mypc.lan.evil.example", "sideman.local.evil.example", ".local", ""):
        assert not names_us(name, bound_to), name


def test_a_name_that_the_server_is_bound_to_is_ours_in_small_letters_too() -> None:
    assert names_us("studio:9123", "Studio")
    assert not names_us("stu", "Studio")


@pytest.mark.parametrize("headers", ["", "Host: localhost\r\nHost: evil.example\r\n"])
def test_no_host_and_two_hosts_are_refused(headers: str, server: OscQueryServer) -> None:
    assert raw(server, f"GET / HTTP/1.1\r\n{headers}\r\n".encode()).startswith(b"HTTP/1.1 403 ")


def test_bound_to_all_addresses_any_address_is_ours_and_no_foreign_name() -> None:
    everywhere = OscQueryServer(FakeEngine().server(port=9123), host="0.0.0.0")
    assert names_us("192.168.1.5:9123", everywhere.host)
    assert names_us("[2001:db8::1]:9123", everywhere.host)
    assert not names_us("evil.example", everywhere.host)
    info = everywhere.answer("/?HOST_INFO")[1] or {}
    assert "OSC_IP" not in info
    assert info["OSC_PORT"] == 9123


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=60).map("/{}".format) | st.text("/sidemanpr%2e.?&=VALUE[]:@\\", max_size=60))
def test_any_target_is_answered(target: str) -> None:
    status, content = OscQueryServer(FakeEngine().server()).answer(target)
    assert status in (200, 204, 400, 404, 414)
    assert (content is not None) == (status == 200)
    json.dumps(content, allow_nan=False)


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=200) | st.binary(max_size=80).map(lambda tail: b"GET /" + tail + b"\r\nHost: localhost\r\n\r\n")
)
def test_any_bytes_are_survived(server: OscQueryServer, request_bytes: bytes) -> None:
    raw(server, request_bytes)
    assert get(server, "/?HOST_INFO")[0] == 200


def test_headers_are_bounded(server: OscQueryServer) -> None:
    for headers in (b"X: y\r\n" * 200, b"X: " + b"y" * 70000 + b"\r\n"):
        assert raw(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n").startswith(b"HTTP/1.1 431 ")


def test_silent_connections_are_bounded_and_others_are_served_once_they_left(server: OscQueryServer) -> None:
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(MAX_CONNECTIONS + 5)]
    closed = [peer for peer in silent[MAX_CONNECTIONS:] if peer.recv(1) == b""]
    assert len(closed) == 5
    for peer in silent:
        peer.close()
    status = 0
    for _ in range(100):
        with contextlib.suppress(OSError, http.client.HTTPException):
            status = get(server, "/?HOST_INFO")[0]
            break
    assert status == 200


def test_a_passing_error_at_the_door_takes_no_place_and_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = 0

    def accept(listening: socket.socket) -> Any:
        nonlocal tried
        tried += 1
        raise OSError(errno.EMFILE, "too many open files")

    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    with OscQueryServer(FakeEngine().server()) as server:
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "accept", accept)
            with socket.create_connection(("127.0.0.1", server.port), timeout=60):
                time.sleep(1)
        assert 1 <= tried <= 20
        for _ in range(MAX_CONNECTIONS + 5):
            with monkeypatch.context() as patch, contextlib.suppress(ConnectionError):
                patch.setattr(threading, "Thread", NoThread)
                with socket.create_connection(("127.0.0.1", server.port), timeout=60) as peer:
                    assert peer.recv(1) == b""
        assert get(server, "/?HOST_INFO")[0] == 200


def test_a_port_in_use_names_itself_and_the_option(server: OscQueryServer) -> None:
    second = OscQueryServer(FakeEngine().server(), port=server.port)
    with pytest.raises(OscPortError, match=f"OSCQuery port {server.port} .*--oscquery-port") as caught:
        second.start()
    assert len(str(caught.value).splitlines()) == 1
    second.close()
    second.close()


@pytest.mark.parametrize("host", ["::1", "192.0.2.1"])
def test_an_address_that_is_none_names_the_option_that_gives_addresses(host: str) -> None:
    with pytest.raises(OscPortError, match=r"^OSCQuery at .* no IPv4 address of this machine: .* --osc-host"):
        OscQueryServer(FakeEngine().server(), host).start()


@pytest.mark.real
def test_npms_oscquery_reads_the_tree(server: OscQueryServer) -> None:
    environment = node_environment("oscquery")
    command = ["node", str(PEER), str(server.port)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    told = json.loads(done.stdout)
    assert told["host"]["oscPort"] == 9123
    for row in PARAMETERS:
        method = told["methods"][row.address]
        assert method["type"] == row.type
        assert method["value"] == in_type(row, row.default)
        if row.low is not None:
            assert method["range"] == {"min": -1 if row.auto else row.low, "max": row.high}


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed")
@pytest.mark.parametrize("options", [[], ["--oscquery-port", "0"]])
def test_a_running_sideman_is_discovered_at_its_osc_port(options: list[str]) -> None:
    with running_jack() as jack, playing(jack, options=options) as (play, _):
        line = play.wait_for("OSCQuery: ")
        if options:
            assert line == "OSCQuery: off"
        else:
            assert line == f"OSCQuery: http://127.0.0.1:{play.osc_port}"
            with urllib.request.urlopen(f"http://127.0.0.1:{play.osc_port}/?HOST_INFO", timeout=60) as answer:
                assert json.load(answer)["OSC_PORT"] == play.osc_port
            play.osc("/sideman/norm/density", "f", "1")
            told, give_up_s = None, time.monotonic() + 60  # OSC takes its time beside other work
            while told != [1.0] and time.monotonic() < give_up_s:
                with urllib.request.urlopen(
                    f"http://localhost:{play.osc_port}/sideman/param/density", timeout=60
                ) as answer:
                    told = json.load(answer)["VALUE"]
            assert told == [1.0]
        assert play.end() == 130
    assert play.errors == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_zeroconf_finds_us_or_says_why_not(host: str) -> None:
    from osc_protocol.oscquery.discovery import DiscoveryError, advertise

    zeroconf = pytest.importorskip("zeroconf")
    try:
        end = advertise(9199, 9198, host)
    except DiscoveryError as error:
        pytest.skip(str(error))
    finder = zeroconf.Zeroconf(interfaces=["127.0.0.1"])
    try:
        info = finder.get_service_info("_oscjson._tcp.local.", "Sideman 9199._oscjson._tcp.local.", 5000)
    finally:
        finder.close()
        end()
    assert info is not None
    assert (info.port, info.parsed_addresses()) == (9198, ["127.0.0.1"])


def test_without_zeroconf_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from osc_protocol.oscquery.discovery import Announcement

    monkeypatch.setitem(sys.modules, "zeroconf", None)
    said: list[str] = []
    announcement = Announcement(9123, 9123, said.append)
    announcement.close()
    assert len(said) == 1
    assert "pip install 'sideman[discovery]'" in said[0]
