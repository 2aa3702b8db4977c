"""Laws of the OSC server, in memory, over UDP, and against liblo's own tools."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.errors import OscPortError
from osc_protocol.server.server import OscServer
from osc_protocol.server.subscriptions import RATE_HZ
from osc_protocol.table.parameters import BY_NAME, DEFAULTS, PARAMETERS, Parameter, Setting, Value
from osc_protocol.wire.codec import MAX_PACKET_BYTES, Message, decode, encode
from osc_protocol.wire.replies import ASKED, ERROR, PONG, STATUS, VALUE
from tests.support.osc.fake_engine import FakeEngine
from tests.support.osc.node_modules import node_environment


class Client:
    """A UDP peer with a port of its own."""

    def __init__(self, server: OscServer) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(30.0)
        self.port = self.socket.getsockname()[1]
        self.target = ("127.0.0.1", server.port)

    def send(self, address: str, *values: Value) -> None:
        self.socket.sendto(encode(address, *values), self.target)

    def receive(self) -> Message:
        return decode(self.socket.recv(65536))[0]

    def is_quiet(self) -> bool:
        """Whether nothing but the answer to this ping waits: the server takes packets in their order."""
        self.send("/sideman/ping")
        return self.receive().address == PONG


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def server(engine: FakeEngine) -> Iterator[OscServer]:
    with engine.server() as running:
        yield running


@pytest.fixture
def client(server: OscServer) -> Iterator[Client]:
    peer = Client(server)
    with contextlib.closing(peer.socket):
        yield peer


def replies(server: OscServer, packet: bytes) -> list[Message]:
    return [decode(reply)[0] for reply in server.handle_packet(packet)]


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_every_row_is_settable_and_readable(row: Parameter, engine: FakeEngine) -> None:
    server = engine.server()
    wanted: Value = row.high if row.high is not None else row.choices[-1] if row.choices else "anything"
    assert server.handle_packet(encode(row.address, wanted)) == []
    assert engine.values[row.name] == wanted
    for name in (row.name, row.address):
        assert replies(server, encode("/sideman/get", name)) == [Message(VALUE, (row.name, wanted))]


def test_get_star_reads_the_whole_table(engine: FakeEngine) -> None:
    assert replies(engine.server(), encode("/sideman/get", "*")) == [
        Message(VALUE, (row.name, row.default)) for row in PARAMETERS
    ]


def test_values_keep_the_tables_type_whatever_the_engine_keeps(engine: FakeEngine) -> None:
    engine.values["temperature"] = 1
    (message,) = replies(engine.server(), encode("/sideman/get", "temperature"))
    assert isinstance(message.arguments[1], float)


def test_what_applies_is_told_beside_auto_to_whoever_asks_and_when_it_changes(engine: FakeEngine) -> None:
    asked: dict[str, Value] = {"density": 0.25, "role": "comping"}
    server = engine.server(get_asked=lambda name: asked.get(name, "auto"))
    for name, value in (("density", 0.25), ("role", "comping"), ("bass", "auto")):
        assert replies(server, encode("/sideman/get", name)) == [
            Message(VALUE, (name, "auto")), Message(ASKED, (name, value)),
        ]  # fmt: skip
    assert replies(server, encode("/sideman/get", "top_p")) == [Message(VALUE, ("top_p", 0.9))]
    heard: list[Message] = []
    server.add_listener(lambda packet: heard.extend(decode(packet)))
    server.publish_asked("role")
    assert heard == [Message(ASKED, ("role", "comping"))]
    assert replies(server, encode(ASKED, "role", "solo")) == []  # of another engine: no command
    assert server.reflected == 1


def test_ping_is_answered_with_pong(engine: FakeEngine) -> None:
    server = engine.server()
    assert replies(server, encode("/sideman/ping")) == [Message(PONG, (server.run,))]
    assert server.run != engine.server().run


@pytest.mark.parametrize(("number", "brought"), [(5, [5]), (2**31 - 1, [2**31 - 1]), (-3, [-3]), (1.0, []), (True, [])])
def test_a_pings_own_number_comes_back(number: float, brought: list[int], engine: FakeEngine) -> None:
    server = engine.server()
    assert replies(server, encode("/sideman/ping", number)) == [Message(PONG, (server.run, *brought))]
    assert replies(server, encode("/sideman/ping", 0)) == []  # a button that is let go


def test_commands_reach_the_engine_with_their_arguments(engine: FakeEngine) -> None:
    server = engine.server()
    for address, values in (("/sideman/chords", ("Dm7 | G7",)), ("/sideman/play", ()), ("/sideman/seed", (7.0,))):
        assert server.handle_packet(encode(address, *values)) == []
    assert engine.commands == [("/sideman/chords", ("Dm7 | G7",)), ("/sideman/play", ()), ("/sideman/seed", (7,))]


def test_a_bundle_is_answered_message_by_message(engine: FakeEngine) -> None:
    server = engine.server()
    items = [encode("/sideman/ping"), encode("/nowhere"), encode("/sideman/param/top_k", 5)]
    packet = b"#bundle\x00" + bytes(8) + b"".join(len(item).to_bytes(4, "big") + item for item in items)
    assert [message.address for message in replies(server, packet)] == [PONG, ERROR]
    assert engine.values["top_k"] == 5


REFUSED = [
    (encode("/sideman/param/temperature", 9.0), "/sideman/param/temperature", "temperature 9.0 lies outside 0.05..2"),
    (encode("/sideman/param/temperature", "hot"), "/sideman/param/temperature", "takes a number 0.05..2, not 'hot'"),
    (encode("/sideman/param/temperature", True), "/sideman/param/temperature", "takes a number 0.05..2, not True"),
    (encode("/sideman/param/temperature", float("nan")), "/sideman/param/temperature", "0.05..2, not nan"),
    (encode("/sideman/param/temperature"), "/sideman/param/temperature", "takes one value, not 0"),
    (encode("/sideman/param/temperature", 1.0, 2.0), "/sideman/param/temperature", "takes one value, not 2"),
    (
        encode("/sideman/param/temprature", 1.0),
        "/sideman/param/temprature",
        "did you mean '/sideman/param/temperature'",
    ),
    (encode("/zzz"), "/zzz", "unknown address; docs/osc.md lists them all"),
    (encode("/sideman/mode", "solo"), "/sideman/mode", "follow, changes, trade, continue or comp"),
    (encode("/sideman/seed", "x"), "/sideman/seed", "whole number 0..2147483647"),
    (encode("/sideman/get", "tempo"), "/sideman/get", "there is no parameter 'tempo'"),
    (encode("/sideman/chords", "H7"), "/sideman/chords", "chord 'H7' at 1 is unknown: did you mean 'B7'?"),
    (encode("/sideman/chords", "crash"), "/sideman/chords", "the engine failed on this message (KeyError: 'crash')"),
    (encode("/sideman/subscribe", 9000), "/sideman/subscribe", "only UDP clients subscribe"),
    (b"junk", "/", "neither an OSC message nor a bundle"),
    (b"", "/", "neither an OSC message nor a bundle"),
    (b"/a\x00\x00,f\x00\x00", "/a", "malformed OSC"),
    (b"/\xff\x00\x00,i\x00\x00", "/", "malformed OSC"),
    (b"/" + bytes(MAX_PACKET_BYTES), "/", "at most 4096 are taken"),
    (b"/sideman/chords\x00,s\x00\x00" + b"C | " * 1200, "/sideman/chords", "has 4820 bytes"),
    (b"#bundle\x00" + bytes(8) + b"\x00\x00\x00\x08/a\x00\x00,x\x00\x00", "/a", "type 'x' is not taken"),
    (b"/a\x00\x00,[ff]\x00\x00\x00" + bytes(8), "/a", "an array of 2 values is not taken: send one value"),
    (b"/a\x00\x00,[]\x00", "/a", "an array of 0 values"),
    (b"/a\x00\x00,[f\x00" + bytes(4), "/a", "open and close their arrays unevenly"),
]


@pytest.mark.parametrize(("packet", "address", "reason"), REFUSED, ids=[row[2] for row in REFUSED])
def test_everything_refused_is_answered_and_the_server_lives(
    packet: bytes, address: str, reason: str, engine: FakeEngine
) -> None:
    server = engine.server()
    ((reply, arguments),) = replies(server, packet)
    assert (reply, arguments[0]) == (ERROR, address)
    assert reason in str(arguments[1])
    assert len(str(arguments[1]).splitlines()) == 1
    assert server.rejected == 1
    assert engine.values == DEFAULTS
    assert replies(server, encode("/sideman/ping")) == [Message(PONG, (server.run,))]


def test_replies_that_come_back_are_counted_and_not_answered(engine: FakeEngine) -> None:
    server = engine.server()
    for address in (ERROR, VALUE, PONG, STATUS):
        assert server.handle_packet(encode(address, "x", "y")) == []
    assert server.reflected == 4


@settings(deadline=None)
@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"/sideman/mode\x00\x00\x00," + tail))
def test_any_bytes_are_survived(packet: bytes) -> None:
    server = FakeEngine().server()
    for reply in server.handle_packet(packet):
        assert decode(reply)[0].address in (ERROR, VALUE, PONG)


def test_listeners_hear_accepted_values_and_status(engine: FakeEngine) -> None:
    server = engine.server()
    heard: list[Message] = []

    def listener(packet: bytes) -> None:
        heard.extend(decode(packet))

    server.add_listener(listener)
    server.handle_packet(encode("/sideman/param/density", 0.25))
    server.handle_packet(encode("/sideman/param/density", 7.0))
    server.send(STATUS, "playing", 1)
    server.remove_listener(listener)
    server.publish("density")
    assert heard == [Message(VALUE, ("density", 0.25)), Message(STATUS, ("playing", 1))]


def test_replies_go_to_the_port_that_asked(client: Client, engine: FakeEngine) -> None:
    client.send("/sideman/ping")
    assert client.receive().address == PONG
    client.send("/sideman/param/temperature", 5.0)
    address, (where, reason) = client.receive()
    assert (address, where) == (ERROR, "/sideman/param/temperature")
    assert "0.05..2" in str(reason)
    client.send("/sideman/param/temperature", 1.25)
    assert client.is_quiet()  # an accepted value is told to subscribers only
    assert engine.values["temperature"] == 1.25


def test_subscribers_hear_values_and_errors_of_all(server: OscServer, client: Client) -> None:
    listening = Client(server)
    with contextlib.closing(listening.socket):
        client.send("/sideman/subscribe", listening.port)
        client.send("/sideman/subscribe", listening.port)  # twice is once
        client.send("/sideman/param/top_p", 0.5)
        assert listening.receive() == Message(VALUE, ("top_p", 0.5))
        client.send("/nowhere")
        assert listening.receive().arguments[0] == "/nowhere"
        assert client.receive().arguments[0] == "/nowhere"
        client.send("/sideman/subscribe", 0)
        client.send("/sideman/param/top_p", 0.6)
        assert client.is_quiet()
        assert listening.is_quiet()


def test_a_subscriber_that_left_harms_nobody(server: OscServer, client: Client) -> None:
    with contextlib.closing(Client(server).socket) as gone:
        port = gone.getsockname()[1]
    client.send("/sideman/subscribe", port)
    for value in (0.1, 0.2, 0.3):
        client.send("/sideman/param/density", value)
    assert client.is_quiet()


def test_the_out_port_is_subscribed_from_the_start(engine: FakeEngine) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as fixed:
        fixed.bind(("127.0.0.1", 0))
        fixed.settimeout(30.0)
        with engine.server(out_port=fixed.getsockname()[1]) as server:
            server.publish("mode")
            assert decode(fixed.recv(4096)) == [Message(VALUE, ("mode", "follow"))]


def test_junk_over_udp_is_answered_and_survived(client: Client) -> None:
    for junk in (b"junk", b"#bundle\x00", bytes(5000)):
        client.socket.sendto(junk, client.target)
        assert client.receive().address == ERROR
    assert client.is_quiet()


def test_a_port_in_use_names_itself_and_the_remedy(server: OscServer, engine: FakeEngine) -> None:
    second = engine.server(port=server.port)
    with pytest.raises(OscPortError, match=f"^OSC port {server.port} on 127.0.0.1 is in use: .*--osc-port"):
        second.start()
    second.close()


NO_ADDRESS = "^OSC at .* no IPv4 address of .* --osc-host"


@pytest.mark.parametrize(
    ("host", "port", "remedy"),
    [("127.0.0.1", 70000, "--osc-port"), ("192.0.2.1", 0, NO_ADDRESS), ("::1", 0, NO_ADDRESS)],
)
def test_a_port_that_cannot_be_opened_is_refused_in_one_line(
    host: str, port: int, remedy: str, engine: FakeEngine
) -> None:
    with pytest.raises(OscPortError, match=remedy):
        engine.server(host=host, port=port).start()


def test_close_frees_the_port_and_the_thread(engine: FakeEngine) -> None:
    first = engine.server()
    first.start()
    port = first.port
    first.close()
    first.close()
    assert not any(thread.name == "sideman-osc" for thread in threading.enumerate())
    with engine.server(port=port) as again:
        assert again.port == port


def test_values_that_waited_for_their_turn_when_it_closed_are_told_again_after_a_new_start(
    engine: FakeEngine,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as subscriber:
        subscriber.bind(("127.0.0.1", 0))
        subscriber.settimeout(30.0)
        server = engine.server(out_port=subscriber.getsockname()[1])
        server.start()
        try:
            for _ in range(3):
                server.publish("temperature")
            server.close()
            server.start()
            assert decode(subscriber.recv(65536))[0].address == VALUE
            time.sleep(2 / RATE_HZ)  # its turn has come
            subscriber.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while subscriber.recv(65536):
                    pass
            subscriber.settimeout(30.0)
            server.publish("temperature")
            assert decode(subscriber.recv(65536))[0].address == VALUE
        finally:
            server.close()


def test_two_roads_at_once_never_meet_in_the_engine(engine: FakeEngine) -> None:
    inside, most = 0, 0

    def slow(setting: Setting) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        inside -= 1

    server = OscServer(slow, engine.command, engine.values.__getitem__, port=0, out_port=None)
    roads = [
        threading.Thread(target=lambda: [server.handle_packet(encode("/sideman/param/top_k", 1)) for _ in range(20)])
        for _ in range(3)
    ]
    for road in roads:
        road.start()
    for road in roads:
        road.join()
    assert most == 1


def test_publish_never_waits_for_a_handler(engine: FakeEngine) -> None:
    held, release = threading.Event(), threading.Event()

    def handler(setting: Setting) -> None:
        held.set()
        assert release.wait(60)

    server = OscServer(handler, engine.command, engine.values.__getitem__, port=0, out_port=None)
    road = threading.Thread(target=server.handle_packet, args=(encode("/sideman/param/top_k", 1),))
    road.start()
    assert held.wait(60)
    server.publish("density")  # would hang here
    release.set()
    road.join()


def test_subscribers_are_bounded(client: Client) -> None:
    for port in range(20000, 20032):
        client.send("/sideman/subscribe", port)
    assert client.is_quiet()
    client.send("/sideman/subscribe", 20099)
    assert "32 subscribers are served already" in str(client.receive().arguments[1])


@pytest.mark.real
@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools are not installed")
def test_liblo_sends_every_type_and_hears_the_values(server: OscServer, engine: FakeEngine) -> None:
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    dump = subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        assert dump.stdout is not None

        def send(*words: str) -> None:
            subprocess.run(["oscsend", "127.0.0.1", str(server.port), *words], check=True, timeout=60)

        deadline_s = time.monotonic() + 60
        send("/sideman/subscribe", "i", str(port))
        heard: list[str] = []
        reader = threading.Thread(target=lambda: heard.extend(iter(dump.stdout.readline, "")), daemon=True)  # type: ignore[union-attr]
        reader.start()
        while not heard and time.monotonic() < deadline_s:  # until oscdump listens
            send("/sideman/param/temperature", "f", "0.85")
            time.sleep(0.05)
        send("/sideman/param/top_k", "f", "40")
        send("/sideman/param/density", "i", "1")
        send("/sideman/mode", "s", "trade")
        send("/sideman/chords", "s", "Dm7 | G7 | Cmaj7")
        send("/sideman/param/temperature", "f", "9")
        send("/sideman/role", "S", "solo")
        send("/sideman/param/quan*", "f", "0.5")
        send("/sideman/nothing", "T")
        while not any("/sideman/nothing" in line for line in heard) and time.monotonic() < deadline_s:
            time.sleep(0.02)
    finally:
        dump.terminate()
        dump.wait(60)
        reader.join(60)
        dump.stdout.close()  # type: ignore[union-attr]
    text = "".join(heard)
    assert '/sideman/value sf "temperature" 0.85' in text
    assert '/sideman/value si "top_k" 40' in text
    assert '/sideman/value ss "mode" "trade"' in text
    assert '/sideman/error ss "/sideman/param/temperature" "temperature 9.0 lies outside 0.05..2"' in text
    assert '/sideman/error ss "/sideman/nothing" "unknown address' in text
    assert engine.values["density"] == 1.0
    assert (engine.values["role"], engine.values["quantise"]) == ("solo", 0.5)
    assert BY_NAME["top_k"].type == "i"
    assert engine.commands == [("/sideman/chords", ("Dm7 | G7 | Cmaj7",))]


@pytest.mark.real
def test_node_osc_sets_and_hears(server: OscServer, engine: FakeEngine) -> None:
    peer = Path(__file__).parents[2] / "support" / "osc" / "node_osc_peer.js"
    environment = node_environment("node-osc")
    command = ["node", str(peer), str(server.port)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    heard = [json.loads(line) for line in done.stdout.splitlines()]
    assert heard[:3] == [[VALUE, "temperature", 1], [VALUE, "density", 0.25], [VALUE, "top_k", 388]]
    assert heard[3][:2] == [ERROR, "/sideman/param/temperature"]
    assert [VALUE, "mode", "trade"] in heard
    assert (engine.values["temperature"], engine.values["top_k"]) == (1.0, 388)
    assert engine.commands == [("/sideman/play", ()), ("/sideman/seed", (7,))]
