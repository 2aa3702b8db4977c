"""Laws of the panel's server: its own files and nothing else, to its own pages and nobody else, and no message harms
it."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from bridge.panel.hub import Hub
from bridge.panel.site import FILES, LIVE, ROOT, PanelSite
from bridge.panel.tap import Tap
from bridge.recording.capture import Capture
from osc_protocol.oscquery.server import OscQueryServer
from tests.support.osc.fake_engine import FakeEngine


class Played:
    """A session that keeps what pages played."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def play_keys(self, message: bytes) -> None:
        self.keys.append(message)

    def metre(self) -> str:
        return "3/4"

    def now_us(self) -> int:
        return 1_234_567


@pytest.fixture(scope="module")
def session() -> Played:
    return Played()


@pytest.fixture(scope="module")
def server(session: Played) -> Iterator[OscQueryServer]:
    hub = Hub(Tap(), time.monotonic_ns, print)
    hub.open()
    engine = FakeEngine()
    with OscQueryServer(
        engine.server(port=0), site=PanelSite(hub, session, lambda bars: Capture().midi(bars, 1_234_567))
    ) as running:
        yield running
    hub.close()


def get(server: OscQueryServer, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", target, headers=headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def page(server: OscQueryServer, **options: object) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}{LIVE}", **options)  # type: ignore[arg-type]


def test_every_shipped_file_is_served_as_it_lies(server: OscQueryServer) -> None:
    files = sorted(path for path in FILES.rglob("*") if path.is_file())
    assert len(files) > 10
    for path in files:
        status, headers, body = get(server, ROOT + path.relative_to(FILES).as_posix())
        assert (status, body) == (200, path.read_bytes()), path
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert get(server, ROOT)[2] == get(server, ROOT.rstrip("/"))[2] == (FILES / "index.html").read_bytes()


@pytest.mark.parametrize(
    "target",
    ["/panel/../site.py", "/panel/..%2fsite.py", "/panel//etc/passwd", "/panel/static/index.html",
     "/panel/%2e%2e/site.py",
     "/panel/index.html/", "/panel/index.html%00.js", "/panel/live", "/etc/passwd", "/panel/\\..\\site.py"],
)  # fmt: skip
def test_no_other_address_opens_a_file(server: OscQueryServer, target: str) -> None:
    assert get(server, target)[0] in (400, 404)


def test_a_name_bent_to_this_machine_gets_no_page(server: OscQueryServer) -> None:
    assert get(server, ROOT, Host="evil.example")[0] == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://localhost:1", "null", "https://127.0.0.1", "file://"]
)
def test_a_page_from_elsewhere_gets_no_websocket(server: OscQueryServer, origin: str) -> None:
    with pytest.raises(InvalidStatus), page(server, origin=origin):
        pass


def test_a_page_of_ours_is_told_the_whole(server: OscQueryServer) -> None:
    with page(server, origin=f"http://127.0.0.1:{server.port}") as live:
        assert "whole" in json.loads(live.recv(10))


def answer(live: ClientConnection, **question: object) -> dict[str, object]:
    live.send(json.dumps(question))
    while True:
        told: dict[str, object] = json.loads(live.recv(10))
        if "n" not in told:
            return told


def test_a_page_asks_the_time_and_the_parser(server: OscQueryServer) -> None:
    with page(server) as live:
        assert answer(live, ping=7.5) == {"pong": 7.5, "now": 1_234_567}
        read = answer(live, id=3, read="[A] Dm7 G7 | C")
        assert read["id"] == 3
        assert read["read"]["spans"] == [[0.0, 1.5, "Dm7"], [1.5, 3.0, "G7"], [3.0, 6.0, "C"]]  # type: ignore[index]
        wrong = answer(live, id=4, read="Dm7 | X7")["read"]
        assert "'X7' is no chord symbol" in wrong["error"]  # type: ignore[index]
        assert wrong["column"] == 7  # type: ignore[index]
        assert answer(live, id=5, transpose="Dm7 | G7/B", by=2)["read"]["moved"] == "Em7 | A7/Db"  # type: ignore[index]


def test_keys_of_a_page_reach_the_session(server: OscQueryServer, session: Played) -> None:
    with page(server) as live:
        live.send(json.dumps({"keys": [0x90, 60, 100]}))
        answer(live, ping=0)
    assert bytes((0x90, 60, 100)) in session.keys


def test_a_page_that_goes_lets_go_of_its_keys(server: OscQueryServer, session: Played) -> None:
    session.keys.clear()
    with page(server) as live:
        for keys in ([0x90, 60, 100], [0x90, 64, 100], [0x80, 60, 0], [0xB0, 64, 127]):
            live.send(json.dumps({"keys": keys}))
        answer(live, ping=0)
    give_up_s = time.monotonic() + 60
    while len(session.keys) < 6 and time.monotonic() < give_up_s:
        time.sleep(0.01)
    assert {bytes(message) for message in session.keys[4:]} == {bytes((0x80, 64, 0)), bytes((0xB0, 64, 0))}


def drain(live: ClientConnection) -> None:
    for _ in range(50):
        live.recv(10)


HOSTILE = [
    "", "x", "{", "[]", "null", "7", '"ping"', "[" * 4000, '{"keys": [256, 0, 0]}', '{"keys": [240, 0, 0]}',
    '{"keys": [144, 200, 0]}', '{"keys": [144]}', '{"keys": "abc"}', '{"ping": "x"}', '{"ping": null}',
    '{"read": 7, "id": 1}', '{"read": "C"}', '{"transpose": "C", "by": "x", "id": 1}', '{"id": 1}',
    '{"read": "' + "C" * 2000 + '", "id": 1}', b"\x00\xff",
    '{"ping": 1e999}', '{"id": 1e999, "read": "C"}', '{"transpose": "C", "by": 1e999, "id": 1}',
    "9" * 9000,
]  # fmt: skip


@pytest.mark.parametrize("message", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_message_of_a_page_ends_its_talk_alone(server: OscQueryServer, message: str | bytes) -> None:
    with page(server) as bystander, page(server) as live:
        live.send(message)
        with pytest.raises(ConnectionClosed):
            drain(live)
        assert answer(bystander, ping=1)["pong"] == 1.0


def test_ten_thousand_messages_of_noise_harm_nobody(server: OscQueryServer, session: Played) -> None:
    draw = random.Random(7)
    sent = 0
    while sent < 10_000:
        with contextlib.suppress(ConnectionClosed, InvalidStatus), page(server) as live:
            for _ in range(500):
                sent += 1
                text = draw.choice([*HOSTILE[:19], '{"ping": 1}', '{"keys": [144, 60, 1]}', '{"ping": 1e999}'])
                live.send(text if draw.random() < 0.98 else draw.randbytes(50))
        sent += 1
    with page(server) as live:
        assert answer(live, ping=2)["pong"] == 2.0
    assert all(len(message) == 3 and 0x80 <= message[0] < 0xF0 for message in session.keys)
