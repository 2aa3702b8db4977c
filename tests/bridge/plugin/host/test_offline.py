"""A render waits for its engine, and nothing else does; against an engine by hand."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from bridge.live.commands import FollowHost
from bridge.plugin import wire
from tests.bridge.plugin.conftest import is_ready
from tests.support.plugin.fake_engine import FakeEngine
from tests.support.plugin.host import ClapHost

Make = Callable[..., ClapHost]
AT_ONCE_S = 0.5


def test_a_render_that_is_called_off_holds_no_block_up(make_host: Make) -> None:
    host = make_host()
    host.set_offline(True)
    host.set_offline(False)
    began_s = time.monotonic()
    host.process(64)
    assert time.monotonic() - began_s < AT_ONCE_S, "the live block waits for an engine"


def test_a_render_that_is_called_off_begins_nothing_anew(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    host.set_offline(True)
    host.set_offline(False)
    host.play(0.2)
    assert engine.last(wire.Now) is not None
    assert engine.last(wire.Restart) is None
    host.set_offline(True)
    host.process(64)
    assert engine.last(wire.Restart) is not None


@pytest.mark.parametrize("slow_s", [0.0, 2.0])
def test_a_render_whose_engine_thinks_for_long_loses_no_note(
    engine: FakeEngine, make_host: Make, slow_s: float
) -> None:
    """Live it would be late after a second and a half."""
    host = make_host(offline=True)
    host.playing = True
    blocks = 0

    def before_done(now: wire.Now) -> None:
        nonlocal blocks
        told = engine.last(FollowHost)
        if not isinstance(told, FollowHost) or not told.playing:
            return
        blocks += 1
        if blocks == 1:
            for beat, pitch in ((0.0, 60), (0.5, 62), (0.75, 64)):
                engine.send(wire.note(told.epoch, wire.to_micro(told.at + beat), bytes((0x90, pitch, 100))))
                engine.send(wire.note(told.epoch, wire.to_micro(told.at + beat + 0.2), bytes((0x80, pitch, 0))))
        if blocks == 10:
            time.sleep(slow_s)

    engine.before_done = before_done
    host.run(0.6, 512)
    assert [event.pitch for event in host.onsets()] == [60, 62, 64]
    assert not host.sounding()
