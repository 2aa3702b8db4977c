"""Laws of the control road: SysEx frames in, the OSC server's answers out, paced, the newest value last."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from bridge.controllers.sysex_port import SysexControl
from osc_protocol.wire.codec import Message, decode, encode
from osc_protocol.wire.replies import ERROR, PONG, VALUE
from osc_protocol.wire.sysex import MAX_FRAME, TO_ENGINE, TO_FL, Reassembler, pack
from tests.support.osc.fake_engine import FakeEngine
from tests.support.waiting import until


class Road:
    """A control road that keeps its own time only where asked."""

    def __init__(self, start: bool = False) -> None:
        self.engine = FakeEngine()
        self.server = self.engine.server()
        self.frames: list[bytes] = []
        self.sent_s: list[float] = []
        self.control = SysexControl(self.server, self._take, interval_s=0.003, start=start)

    def _take(self, frame: bytes) -> None:
        self.frames.append(frame)
        self.sent_s.append(time.monotonic())

    def receive(self, address: str, *values: float | int | str, sequence: int = 1) -> None:
        for frame in pack(encode(address, *values), TO_ENGINE, sequence):
            self.control.receive(frame)

    def replies(self) -> list[Message]:
        while self.control.step():
            pass
        reassembler = Reassembler(TO_FL)
        packets = [packet for frame in self.frames if (packet := reassembler.feed(frame))]
        self.frames.clear()
        return [decode(packet)[0] for packet in packets]


@pytest.fixture
def road() -> Road:
    return Road()


def test_a_parameter_is_set_and_its_value_comes_back(road: Road) -> None:
    road.receive("/sideman/param/temperature", 0.85)
    assert road.engine.values["temperature"] == 0.85
    assert road.replies() == [Message(VALUE, ("temperature", 0.85))]


def test_pings_and_refusals_are_answered(road: Road) -> None:
    road.receive("/sideman/ping")
    road.receive("/sideman/param/temperature", 9.0, sequence=2)
    pong, error = road.replies()
    assert pong == Message(PONG, (road.server.run,))
    assert (error.address, error.arguments[0]) == (ERROR, "/sideman/param/temperature")


def test_values_set_elsewhere_come_too(road: Road) -> None:
    road.server.handle_packet(encode("/sideman/mode", "trade"))
    assert road.replies() == [Message(VALUE, ("mode", "trade"))]


def test_the_newest_value_of_a_name_is_the_one_sent(road: Road) -> None:
    for step in range(100):
        road.server.handle_packet(encode("/sideman/param/density", step / 100))
    assert road.replies() == [Message(VALUE, ("density", 0.99))]


def test_get_star_answers_with_every_value_in_small_frames(road: Road) -> None:
    road.receive("/sideman/get", "*")
    messages = road.replies()
    assert {message.arguments[0] for message in messages} == set(road.engine.values)


def test_long_packets_are_split_and_packets_longer_still_are_counted(road: Road) -> None:
    road.server.send("/sideman/status", "x" * 1000)
    assert road.control.step()
    assert max(len(frame) for frame in road.frames) <= MAX_FRAME
    assert road.replies()[0].arguments == ("x" * 1000,)
    road.server.send("/sideman/status", "x" * 5000)
    assert (road.replies(), road.control.dropped) == ([], 1)


def test_a_flood_of_replies_is_bounded_and_counted(road: Road) -> None:
    for sequence in range(200):
        road.receive("/sideman/ping", sequence=sequence)
    assert len(road.replies()) + road.control.dropped == 200
    assert road.control.dropped > 0


def test_echoes_and_strangers_are_ignored(road: Road) -> None:
    for frame in pack(encode("/sideman/param/density", 0.1), TO_FL, 1):
        road.control.receive(frame)
    road.control.receive(b"\xf0\x43\x10\x4c\xf7")
    road.control.receive(b"")
    assert road.engine.values["density"] == "auto"
    assert road.control.reassembler.echoed == 1
    assert road.replies() == []


@pytest.mark.parametrize("request_bytes", ["F0 7E 00 06 01 F7", "7E 00 06 01"])
def test_fls_identity_request_is_answered(request_bytes: str, road: Road) -> None:
    road.control.receive(bytes.fromhex(request_bytes))
    assert road.control.step()
    assert road.frames == [bytes.fromhex("F0 7E 00 06 02 7D 53 4D 01 00 00 00 01 00 F7")]


def test_a_port_that_fails_loses_frames_and_nothing_else(road: Road) -> None:
    def fail(frame: bytes) -> None:
        raise OSError("the port is gone")

    road.control._send = fail
    road.receive("/sideman/ping")
    assert road.control.step()
    assert road.control.failed == 1
    road.control._send = road._take
    road.receive("/sideman/ping", sequence=2)
    assert road.replies() == [Message(PONG, (road.server.run,))]


def test_the_thread_paces_the_frames_and_ends_on_close() -> None:
    road = Road(start=True)
    with contextlib.closing(road.control):
        road.receive("/sideman/get", "*")
        until(lambda: len(road.frames) >= len(road.engine.values))
    assert len(road.frames) == len(road.engine.values)
    assert min(after - before for before, after in zip(road.sent_s, road.sent_s[1:], strict=False)) >= 0.0025
    assert not any(thread.name == "sideman-control" for thread in threading.enumerate())
    road.server.handle_packet(encode("/sideman/param/density", 0.1))
    assert len(road.frames) == len(road.engine.values)
