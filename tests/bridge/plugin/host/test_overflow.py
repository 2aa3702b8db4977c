"""More than the plug-in can carry, and frames that are none: nothing stays wrong; against an engine by hand."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bridge.live.commands import FollowHost
from bridge.plugin import wire
from tests.bridge.plugin.conftest import is_ready
from tests.support.plugin.fake_engine import FakeEngine, held, place, wait_for
from tests.support.plugin.host import ClapHost

Make = Callable[..., ClapHost]
MANY = 4200  # more than the ring holds
WILD = [(0x00, 0, 0), (0x7F, 60, 100), (0xF0, 1, 2), (0xFF, 0, 0), (0x9F, 128, 100), (0x9F, 255, 100), (0x90, 60, 128),
        (0x80, 255, 0), (0x8F, 200, 255)]  # fmt: skip


@contextmanager
def nobody_carries(engine: FakeEngine, host: ClapHost) -> Iterator[None]:
    """Holds the link's thread up, where it asks the host for its main thread: the ring fills."""
    there, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        there.set()
        go_on.wait(60.0)

    host.on_news = wait
    engine.send(wire.status("what is told to the host"))
    assert there.wait(20.0)
    try:
        yield
    finally:
        host.on_news = lambda: None
        go_on.set()


def fill(host: ClapHost) -> None:
    for i in range(MANY):
        host.midi(0xB0, 1, i % 128)


def carried(engine: FakeEngine) -> None:
    """Waits until what filled the ring is heard: some of it, and then for a tenth of a second no more."""
    before = 0
    wait_for(lambda: keys_heard(engine) > 0, "nothing is carried")
    while (heard := keys_heard(engine)) > before:
        before = heard
        time.sleep(0.1)


def keys_heard(engine: FakeEngine) -> int:
    return sum(isinstance(message, wire.Key) for message in list(engine.heard))


def test_a_key_whose_end_found_no_room_is_up(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    engine.heard.clear()
    with nobody_carries(engine, host):
        host.press(62)
        fill(host)
        host.release(62)
        host.press(64)
        host.process(64)
    wait_for(lambda: held(engine.heard) == {64}, f"held: {held(engine.heard)}")


def test_a_place_that_found_no_room_is_told_with_the_next_block(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    with nobody_carries(engine, host):
        fill(host)
        host.process(64)
        host.playing = True
        host.process(64)
    carried(engine)
    host.process(64)
    wait_for(lambda: engine.last(FollowHost) is not None and place(engine).playing, "the host stands, as it seems")


def test_a_render_does_not_wait_for_what_it_could_not_say(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    host.set_offline(True)
    host.process(64)
    with nobody_carries(engine, host):
        fill(host)
        began_s = time.monotonic()
        host.process(64)
        assert time.monotonic() - began_s < 5.0
    host.process(64)
    assert engine.last(wire.Now) is not None


def test_a_render_whose_beginning_found_no_room_begins_with_the_next_block(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    with nobody_carries(engine, host):
        fill(host)
        host.process(64)
        host.set_offline(True)
        host.process(64)
    carried(engine)
    assert engine.last(wire.Restart) is None
    host.process(64)
    assert engine.last(wire.Restart) is not None


def test_an_end_that_the_host_had_no_room_for_comes_when_it_has(engine: FakeEngine, make_host: Make) -> None:
    """And before any strike of the same key."""
    host = make_host()
    is_ready(host)
    host.process(64)
    for pitch in (60, 64, 67):
        engine.send(wire.note(0, wire.to_micro(0.0), bytes((0x90, pitch, 100))))
    wait_for(lambda: host.process(64) == 1 and len(host.sounding()) == 3, "nothing sounds")
    host.room = 0
    engine.send(wire.silence(0))
    time.sleep(0.2)
    for _ in range(5):
        host.process(64)
    assert len(host.sounding()) == 3, "the host takes nothing"
    host.room = 2
    wait_for(lambda: host.process(64) == 1 and len(host.sounding()) < 3, "no end comes")
    assert len(host.sounding()) == 1
    for room, left in ((0, 1), (1, 0)):
        host.room = room
        host.process(64)
        assert len(host.sounding()) == left
    host.room = 1_000_000
    count = len(host.played)
    host.process(64)
    assert len(host.played) == count, "an end came twice"


@pytest.mark.parametrize("message", WILD, ids=lambda message: bytes(message).hex())
def test_a_note_that_is_no_message_strikes_nothing(
    engine: FakeEngine, make_host: Make, message: tuple[int, int, int]
) -> None:
    host = make_host()
    is_ready(host)
    host.process(64)
    for beat in (0.0, 0.01):
        for _ in range(5):
            engine.send(wire.note(0, wire.to_micro(beat), bytes(message)))
    engine.send(wire.note(0, wire.to_micro(0.02), bytes((0x90, 60, 100))))
    wait_for(lambda: host.process(64) == 1 and bool(host.played), "the host hears nothing more")
    assert [(event.status, event.pitch) for event in host.played] == [(0x90, 60)]
    host.call("reset")
    host.process(64)
    assert not host.sounding()


@pytest.mark.parametrize(("value", "told"), [(99.0, 2.0), (-99.0, 0.05), (math.nan, 0.8), (math.inf, 0.8)])
def test_a_parameter_beyond_its_range_comes_to_the_host_within(
    engine: FakeEngine, make_host: Make, value: float, told: float
) -> None:
    host = make_host()
    is_ready(host)
    engine.send(wire.parameter(host.ids["Temperature"], value))
    wait_for(lambda: host.process(64) == 1 and len(host.gestures) > 2, "the host sees nothing")
    assert [gesture[2] for gesture in host.gestures if gesture[2]] == [told]
    assert host.value("Temperature") == told
