"""Every row of the table, set and read by every route that there is: one table, many readers."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable

import pytest
from pythonosc.udp_client import SimpleUDPClient
from websockets.sync.client import connect

from bridge.controllers.cc_control import CcControl
from bridge.controllers.map import parse_cc_map
from bridge.controllers.sysex_port import SysexControl
from osc_protocol.oscquery.server import OscQueryServer
from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import PARAMETERS, Parameter, Value, in_type
from osc_protocol.table.twins import MIDI, NORM, has_position
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import VALUE
from osc_protocol.wire.sysex import TO_ENGINE, TO_FL, Reassembler, pack
from tests.support.fl.host import FakeFL
from tests.support.fl.rig import FOLDER
from tests.support.osc.fake_engine import FakeEngine
from tests.support.waiting import until


def wanted(row: Parameter) -> Value:
    """A legal value that is not the default; a fader's upper or lower end where it has ends."""
    if row.choices:
        return row.choices[-1]
    if row.high is None or row.low is None:
        return "something"
    return row.high if row.default != row.high else row.low


def end(row: Parameter) -> int:
    """1 where wanted() is the upper end."""
    return int(bool(row.choices) or wanted(row) == row.high)


def by_osc(server: OscServer, row: Parameter) -> None:
    server.handle_packet(encode(row.address, wanted(row)))


def by_norm(server: OscServer, row: Parameter) -> None:
    server.handle_packet(encode(NORM + row.name, float(end(row))))


def by_midi_address(server: OscServer, row: Parameter) -> None:
    server.handle_packet(encode(MIDI + row.name, 127 * end(row)))


def by_sysex(server: OscServer, row: Parameter) -> None:
    control = SysexControl(server, lambda frame: None, start=False)
    for frame in pack(encode(row.address, wanted(row)), TO_ENGINE, 1):
        control.receive(frame)


def turn(server: OscServer, row: Parameter, entry: object, pairs: list[tuple[int, int]]) -> None:
    road = CcControl(server, parse_cc_map({"controls": {row.name: entry}}))
    for number, data in pairs:
        road.from_in(bytes((0xB0, number, data)))
    road.close()


def by_cc(server: OscServer, row: Parameter) -> None:
    turn(server, row, row.cc or 70, [(row.cc or 70, 127 * end(row))])


def by_14_bits(server: OscServer, row: Parameter) -> None:
    turn(server, row, {"cc": 3, "bits": 14}, [(3, 127 * end(row)), (35, 127 * end(row))])


def by_nrpn(server: OscServer, row: Parameter) -> None:
    turn(server, row, {"nrpn": 300}, [(99, 2), (98, 44), (6, 127 * end(row)), (38, 127 * end(row))])


def by_encoder(server: OscServer, row: Parameter) -> None:
    turn(server, row, {"cc": 70, "relative": "binary_offset"}, [(70, 64 + 32 * (2 * end(row) - 1))] * 5)


def by_udp(server: OscServer, row: Parameter) -> None:
    with server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(60)
        for address, value in ((row.address, wanted(row)), ("/sideman/get", row.name)):
            peer.sendto(encode(address, value), ("127.0.0.1", server.port))
        assert decode(peer.recv(4096)) == [Message(VALUE, (row.name, wanted(row)))]


def by_python_osc(server: OscServer, row: Parameter) -> None:
    with server:
        client = SimpleUDPClient("127.0.0.1", server.port)
        with contextlib.closing(client._sock):
            client.send_message(row.address, wanted(row))
        until(lambda: server.value(row.name) == wanted(row))


def by_bundle(server: OscServer, row: Parameter) -> None:
    packet = encode(row.address, wanted(row))
    server.handle_packet(b"#bundle\x00" + (1).to_bytes(8, "big") + len(packet).to_bytes(4, "big") + packet)


def by_websocket(server: OscServer, row: Parameter) -> None:
    """Set over one websocket of OSCQuery, heard on another."""
    with server, OscQueryServer(server) as query:
        url = f"ws://127.0.0.1:{query.port}/"
        with connect(url) as sets, connect(url) as hears:
            hears.send(json.dumps({"COMMAND": "LISTEN", "DATA": row.address}))
            assert decode(hears.recv(10)) == [Message(row.address, (in_type(row, row.default),))]
            sets.send(encode(row.address, wanted(row)))
            assert decode(hears.recv(10)) == [Message(row.address, (wanted(row),))]


def by_the_fl_script(server: OscServer, row: Parameter) -> None:
    """A knob in FL Studio, and the value back in the script."""
    fl = FakeFL(FOLDER)
    control = SysexControl(server, fl.receive_sysex, start=False)
    fl.load()
    for tick in range(200):
        if tick == 50:
            fl.control_change(row.cc or 0, 127 * end(row))
        fl.tick()
        frames, fl.sent = fl.sent, []
        for frame in frames:
            control.receive(frame)
        while control.step():
            continue
    assert fl.modules["device_Sideman"].app.values[row.name] == pytest.approx(wanted(row))
    control.close()


EVERY_ROW = [by_osc, by_bundle, by_udp, by_python_osc, by_websocket, by_sysex]
WITH_A_POSITION = [by_norm, by_midi_address, by_cc, by_14_bits, by_nrpn, by_encoder]
SET = [
    pytest.param(route, row, id=f"{route.__name__}-{row.name}")
    for row in PARAMETERS
    for route in (
        *EVERY_ROW,
        *(WITH_A_POSITION if has_position(row) else ()),
        *([by_the_fl_script] if row.cc is not None else ()),
    )
]


@pytest.mark.parametrize(("route", "row"), SET)
def test_every_row_is_set_and_told_by_every_route(
    route: Callable[[OscServer, Parameter], None], row: Parameter
) -> None:
    engine = FakeEngine()
    server = engine.server()
    heard: list[Message] = []
    server.add_listener(lambda packet: heard.extend(decode(packet)))
    route(server, row)
    assert engine.values[row.name] == wanted(row)
    assert Message(VALUE, (row.name, wanted(row))) in heard
    assert server.rejected == 0


@pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
def test_every_row_is_read_by_every_route(row: Parameter) -> None:
    engine = FakeEngine()
    engine.values[row.name] = wanted(row)
    server = engine.server()
    (reply,) = server.handle_packet(encode("/sideman/get", row.name))
    assert decode(reply) == [Message(VALUE, (row.name, wanted(row)))]

    frames: list[bytes] = []
    control = SysexControl(server, frames.append, start=False)
    for frame in pack(encode("/sideman/get", row.name), TO_ENGINE, 1):
        control.receive(frame)
    while control.step():
        pass
    reassembler = Reassembler(TO_FL)
    packets = [packet for frame in frames if (packet := reassembler.feed(frame)) is not None]
    assert decode(packets[0]) == [Message(VALUE, (row.name, wanted(row)))]

    _, node = OscQueryServer(server).answer(row.address)
    assert node is not None
    assert node["VALUE"] == [wanted(row)]

    if has_position(row):
        moved: list[bytes] = []
        road = CcControl(server, parse_cc_map({"controls": {row.name: 70}}), moved.append)
        until(lambda: any(message[1] == 70 for message in moved))
        road.close()
        assert bytes((0xB0, 70, 127 * end(row))) in moved
