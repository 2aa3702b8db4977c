"""After a reset no key is held and nothing is planned, here and in the engine; against an engine by hand."""

from __future__ import annotations

import time
from collections.abc import Callable

from bridge.live.commands import FollowHost
from bridge.midi.numbers import RESET_CONTROLLERS, SUSTAIN_PEDAL
from bridge.plugin import wire
from tests.bridge.plugin.conftest import is_ready
from tests.support.plugin.fake_engine import PEDAL_HELD, FakeEngine, held, place, wait_for
from tests.support.plugin.host import ClapHost

Make = Callable[..., ClapHost]


def test_a_key_that_was_struck_just_before_is_up(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    for _ in range(20):
        engine.heard.clear()
        host.press(60)
        host.midi(0xB0, SUSTAIN_PEDAL, 127)
        host.process(64)
        host.call("reset")
        wait_for(lambda: struck(engine) and not held(engine.heard), "it is held, or was never heard")
        time.sleep(0.05)
        assert not held(engine.heard), "it is struck after it was let go"


def struck(engine: FakeEngine) -> bool:
    return any(isinstance(message, wire.Key) and message.message[:2] == b"\x90\x3c" for message in engine.heard)


def test_what_was_planned_is_void_and_the_engine_is_told_so(engine: FakeEngine, make_host: Make) -> None:
    """Or it would be silent for the whole look-ahead: the engine takes for played what nobody hears."""
    host = make_host()
    is_ready(host)
    host.playing = True
    host.process(64)
    wait_for(lambda: engine.last(FollowHost) is not None and place(engine).playing, "nothing was told")
    before = place(engine)
    for beat in (0.6, 0.8):
        engine.send(wire.note(before.epoch, wire.to_micro(before.at + beat), bytes((0x90, 60, 100))))
        engine.send(wire.note(before.epoch, wire.to_micro(before.at + beat + 0.1), bytes((0x80, 60, 0))))
    time.sleep(0.05)
    host.process(64)
    host.call("reset")
    host.play(0.7)
    after = place(engine)
    assert not host.onsets()
    assert after.epoch != before.epoch
    assert after.playing
    assert after.at < 0.2, "it is told with the next block"


def test_a_host_that_stands_is_in_another_epoch_too(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    host.process(64)
    wait_for(lambda: engine.last(FollowHost) is not None and place(engine).epoch > 0, "nothing was told")
    before = place(engine)
    host.call("reset")
    host.process(64)
    wait_for(lambda: place(engine).epoch != before.epoch, "the engine goes by its plans")
    assert not place(engine).playing


def test_a_pedal_that_is_held_is_told_to_another_engine_and_to_a_render(engine: FakeEngine, make_host: Make) -> None:
    host = make_host()
    is_ready(host)
    host.midi(0xB0, SUSTAIN_PEDAL, 127)
    host.press(60)
    host.process(64)
    wait_for(lambda: held(engine.heard) == {60, PEDAL_HELD}, "it is not heard")
    engine.heard.clear()
    engine.drop()
    wait_for(lambda: held(engine.heard) == {60, PEDAL_HELD}, "another connection knows of no pedal")
    host.set_offline(True)
    host.process(64)
    restarted = [isinstance(message, wire.Restart) for message in engine.heard].index(True)
    assert held(engine.heard[restarted:]) == {60, PEDAL_HELD}
    host.midi(0xB0, RESET_CONTROLLERS, 0)
    host.process(64)
    engine.heard.clear()
    engine.drop()
    wait_for(lambda: held(engine.heard) == {60}, "the pedal stays")
