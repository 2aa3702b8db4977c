"""An hour of playing in short form, and minutes of it in real time: memory flat, no stuck note, nothing dropped.

Shortened unless SIDEMAN_SOAK=1, which makes it an hour on the virtual clock and ten minutes over JACK.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from engine.chords import parse_chart
from engine.inference.session import Session
from engine.model.checkpoint import load_checkpoint
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import SHIPPED_ENGINE, pianist, playing
from tests.support.live.world import C_MAJOR_7, D_MINOR_7, G_7, World

LONG = os.environ.get("SIDEMAN_SOAK") == "1"
VIRTUAL_S = 3600 if LONG else 150
REAL_S = float(os.environ.get("SIDEMAN_SOAK_S", "600")) if LONG else 5
REGISTERS = ((36, 60), (48, 84), (21, 108))
SETTLED_US = 200_000  # after a register has been asked for
GROWTH_KB = 12_000  # of resident memory, after the first third

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1500)]


def resident_kb(process: int | str = "self") -> int:
    """Resident memory; 0 where the system does not say."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found.group(1)) if found else 0


def play_for(world: World, draw: random.Random, duration_s: float) -> None:
    """A player who changes chords, knobs, modes and tempi, and asks for one register."""
    low, high = draw.choice(REGISTERS)
    # The end that moves away goes first, so that they never cross.
    world.turn("register_low", 0)
    world.turn("register_high", high)
    world.turn("register_low", low)
    asked_us, end_us = world.now_us, world.now_us + round(duration_s * 1e6)
    held: tuple[int, ...] = ()
    while world.now_us < end_us:
        action = draw.randrange(12)
        if action < 6:
            world.release(*held)
            held = draw.choice((D_MINOR_7, G_7, C_MAJOR_7))
            world.press(*held)
        elif action < 9:
            name, least, most = draw.choice((("temperature", 0.5, 1.2), ("top_p", 0.5, 1.0), ("humanise", 0.0, 1.0)))
            world.turn(name, draw.uniform(least, most))
        elif action == 9:
            world.live.set_tempo(draw.uniform(60, 200))
        elif action == 10:
            world.live.set_chart(parse_chart("Dm7 G7 | Cmaj7 | Am7 D7 | Gmaj7"))
        else:
            world.turn("mode", draw.choice(("follow", "trade", "continue")))
        world.run(draw.uniform(0.3, 3.0))
    world.release(*held)
    for at_us, pitch in world.onsets(asked_us + SETTLED_US):
        assert low <= pitch <= high, f"{pitch} at {at_us} us lies outside {low}..{high}"


def test_an_hour_on_a_virtual_clock() -> None:
    loaded = load_checkpoint(None)
    world = World(make_session=lambda seed: Session(loaded, seed=seed))
    draw = random.Random(20)
    begin_us, notes, first_kb, third_kb = world.now_us, 0, resident_kb(), 0
    begin = time.monotonic()
    while (played_s := (world.now_us - begin_us) / 1e6) < VIRTUAL_S:
        play_for(world, draw, 20.0)
        notes += len(world.onsets())
        world.sent.clear()
        world.said.clear()
        if played_s < VIRTUAL_S / 3:
            third_kb = resident_kb()
    world.live.stop()
    world.run(0.1)
    grown_kb = resident_kb() - third_kb
    print(
        f"\n{played_s / 60:.0f} min in {time.monotonic() - begin:.0f} s: {notes} notes, the longest "
        f"{world.longest_us / 1e6:.1f} s; memory {first_kb} kB, {third_kb} kB after a third, {grown_kb:+d} kB since"
    )
    assert not world.sounding
    assert notes > 2 * played_s
    assert world.longest_us < 6e6
    assert world.live.skipped == 0
    assert world.live.dropped_input == 0
    assert grown_kb < GROWTH_KB


@pytest.mark.real
def test_minutes_in_real_time() -> None:
    draw = random.Random(21)
    options = ["--seed", "5", "--register-low", "40", "--register-high", "88"]
    with running_jack() as server, playing(server, SHIPPED_ENGINE, options) as (play, listener):
        pid, give_up, memory_kb = play.process.pid, time.monotonic() + REAL_S, []
        while time.monotonic() < give_up:
            script, at_s, held = [], 0.0, ()
            for _ in range(2 if REAL_S < 30 else 12):
                script.append((at_s, "off", held))
                held = draw.choice((D_MINOR_7, G_7, C_MAJOR_7))
                script.append((at_s, "on", held))
                at_s += draw.uniform(0.5, 2.0)
            pianist(server, [*script, (at_s, "off", held)])
            play.osc("/sideman/param/temperature", "f", str(draw.uniform(0.6, 1.2)))
            play.osc("/sideman/param/velocity", "f", str(draw.uniform(0.5, 1.5)))
            memory_kb.append(resident_kb(pid))
        assert play.end(signal.SIGINT) == 130
        listener.finish()
    third_kb = memory_kb[len(memory_kb) // 3]
    onsets = listener.onsets()
    print(f"\n{REAL_S:.0f} s: {len(onsets)} notes, memory {memory_kb[0]} to {memory_kb[-1]} kB; {play.lines[-1]}")
    assert listener.unended() == set()
    assert len(onsets) > REAL_S
    assert {pitch for _, pitch in onsets} <= set(range(40, 89))
    assert "0 notes skipped, 0 messages of the player dropped" in play.lines[-1]
    assert play.errors == []
    if sys.platform == "linux":
        assert memory_kb[-1] - third_kb < GROWTH_KB
