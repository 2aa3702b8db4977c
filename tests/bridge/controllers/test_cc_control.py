"""Laws of the controllers' road: checked as OSC is, told to everyone, refusals too; faders follow."""

from __future__ import annotations

import time

import pytest

from bridge.controllers.cc_control import CAPACITY, CcControl
from bridge.controllers.map import parse_cc_map
from osc_protocol.table.parameters import PARAMETERS, Setting, from_cc
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import ERROR, VALUE
from tests.support.osc.fake_engine import FakeEngine
from tests.support.waiting import until


def test_a_knob_sets_its_row_and_everyone_hears_of_it() -> None:
    engine = FakeEngine()
    server = engine.server()
    heard: list[Message] = []
    server.add_listener(lambda packet: heard.extend(decode(packet)))
    road = CcControl(server, parse_cc_map({"channel": 2}))
    road.from_in(bytes((0xB0, 24, 0)))  # another channel
    road.from_in(bytes((0xB1, 24, 127)))
    road.from_control(bytes((0xB7, 20, 0)))
    until(lambda: len(heard) == 2)
    road.close()
    assert heard == [Message(VALUE, ("density", 1.0)), Message(VALUE, ("temperature", 0.05))]
    assert engine.values["density"] == 1.0


def test_a_thousand_moves_end_at_the_last() -> None:
    engine = FakeEngine()
    road = CcControl(engine.server(), parse_cc_map({}))
    for step in range(1000):
        road.from_in(bytes((0xB0, 24, step % 128)))
        if step % 100 == 0:
            time.sleep(0.01)
    road.close()
    assert road.dropped == 0
    assert engine.values["density"] == from_cc(next(row for row in PARAMETERS if row.name == "density"), 999 % 128)


def test_what_the_engine_refuses_is_told_and_the_road_goes_on() -> None:
    engine = FakeEngine()
    server = engine.server()

    def refuse(setting: Setting) -> None:
        raise ValueError("not now")

    server._dispatcher.on_parameter = refuse
    heard: list[Message] = []
    server.add_listener(lambda packet: heard.extend(decode(packet)))
    road = CcControl(server, parse_cc_map({}))
    for number in (24, 20):
        road.from_in(bytes((0xB0, number, 1)))
    road.close()
    assert [(message.address, message.arguments[1]) for message in heard] == [(ERROR, "not now")] * 2


def test_faders_stand_where_the_values_are_and_a_broken_port_harms_nothing() -> None:
    engine = FakeEngine()
    server = engine.server()
    sent: list[bytes] = []
    road = CcControl(server, parse_cc_map({"controls": {"min_p": False}}), sent.append)
    count = sum(row.cc is not None for row in PARAMETERS) - 1
    until(lambda: len(sent) == count)
    assert bytes((0xB0, 24, 0)) in sent  # auto
    assert bytes((0xB0, 20, 49)) in sent
    server.handle_packet(encode("/sideman/param/density", 1.0))
    server.handle_packet(encode("/sideman/param/min_p", 0.1))
    until(lambda: len(sent) > count)
    road.from_in(bytes((0xB0, 21, 77)))

    def fail(message: bytes) -> None:
        raise OSError("gone")

    until(lambda: engine.values["top_p"] != 0.9)
    road._send_feedback = fail
    server.handle_packet(encode("/sideman/param/density", "auto"))
    until(lambda: road.failed == 1)
    road.close()
    assert sent[count:] == [bytes((0xB0, 24, 127))]


@pytest.mark.parametrize("message", [b"", b"\xb0", bytes((0x90, 24, 1)), bytes((0xB0, 24, 1, 1)), b"\xf0\x7d\xf7"])
def test_other_messages_never_queue(message: bytes) -> None:
    road = CcControl(FakeEngine().server(), parse_cc_map({}))
    for _ in range(2 * CAPACITY):
        road.from_in(message)
    road.close()
    assert road.dropped == 0
