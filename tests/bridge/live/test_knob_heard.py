"""A knob turned live is heard in the notes after it, whichever road it takes: the shipped base, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.app.remote import Remote
from bridge.controllers.cc_control import CcControl
from bridge.controllers.map import parse_cc_map
from bridge.controllers.sysex_port import SysexControl
from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, load_checkpoint
from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import BY_NAME, from_cc, to_cc
from osc_protocol.wire.codec import encode
from tests.support.fl.host import FakeFL
from tests.support.fl.rig import FOLDER
from tests.support.live.world import World

CHART = "Dm7 | G7 | Cmaj7 | A7"
BAR_S = 2.0  # at 120
DENSITY = BY_NAME["density"]
LOW, HIGH = (float(from_cc(DENSITY, to_cc(DENSITY, value))) for value in (0.2, 0.9))  # as a knob can send them

Turn = Callable[[float], None]


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


def by_osc(server: OscServer) -> Turn:
    def turn(value: float) -> None:
        assert server.handle_packet(encode(DENSITY.address, value)) == []

    return turn


def by_cc(server: OscServer) -> Turn:
    def turn(value: float) -> None:
        road = CcControl(server, parse_cc_map({}))
        road.from_in(bytes((0xB0, DENSITY.cc or 0, to_cc(DENSITY, value))))
        road.close()

    return turn


def by_the_fl_script(server: OscServer) -> Turn:
    fl = FakeFL(FOLDER)
    fl.tempo_bpm = 120.0  # the script tells it once
    control = SysexControl(server, fl.receive_sysex, start=False)
    fl.load()

    def run() -> None:
        for _ in range(50):
            fl.tick()
            frames, fl.sent = fl.sent, []
            for frame in frames:
                control.receive(frame)
            while control.step():
                continue

    def turn(value: float) -> None:
        fl.control_change(DENSITY.cc or 0, to_cc(DENSITY, value))
        run()

    run()
    return turn


def played(shipped: Checkpoint, road: Callable[[OscServer], Turn], seed: int = 0) -> tuple[World, int, int]:
    """A world that played eight bars at a low density, and eight after it was turned up.

    With the notes of the first eight, and of the second bar after the turn.
    """
    world = World(make_session=lambda _: Session(shipped, seed))
    turn = road(Remote(world.live, {}, port=0).server)
    world.live.set_tempo(120.0)
    world.live.set_chart(parse_chart(CHART))
    turn(LOW)
    world.run(8 * BAR_S)
    few = len(world.onsets())
    assert world.live.asked["density"] == LOW
    turn(HIGH)
    world.run(BAR_S)
    second_us = world.now_us
    world.run(BAR_S)
    many = len(world.onsets(second_us))
    world.run(6 * BAR_S)
    assert world.live.asked["density"] == HIGH
    assert sum("density" in names.split() for _, names in world.asked) == 2  # at the beginning, and when turned up
    return world, few, many


def test_density_turned_up_is_heard_within_two_bars(shipped: Checkpoint) -> None:
    counts = [played(shipped, by_osc, seed)[1:] for seed in range(3)]
    few, many = (sum(column) for column in zip(*counts, strict=True))
    assert many >= 2 * few / 8, f"{few / 24:.1f} notes a bar, then {many / 3:.1f} in the second bar"


@pytest.mark.parametrize("road", [by_cc, by_the_fl_script])
def test_every_road_turns_the_same_music(road: Callable[[OscServer], Turn], shipped: Checkpoint) -> None:
    assert played(shipped, road)[0].sent == played(shipped, by_osc)[0].sent
