"""What people do to a song that plays, one thing at a time, drawn by chance."""

from __future__ import annotations

import random

from tests.support.live.world import D_MINOR_7
from tests.support.plugin.host import ClapHost

__all__ = ["move"]

SLOWEST_BPM, FASTEST_BPM = 50.0, 250.0


def move(host: ClapHost, draw: random.Random) -> None:
    """Jumps, stops or goes on, loops, ramps the tempo, turns a knob or strikes a chord."""
    match draw.randrange(6):
        case 0:
            host.beat = draw.uniform(0, 64)
        case 1:
            host.playing = not host.playing
        case 2:
            start = draw.randrange(8)
            host.loop = draw.choice([None, (float(start), start + draw.choice([1.0, 4.0, 7.5]))])
        case 3:
            host.tempo_per_s = draw.uniform(-20, 20)
        case 4:
            host.turn("Temperature", draw.uniform(0.1, 1.9), at=draw.randrange(64))
        case 5:
            host.press(*D_MINOR_7, at=3)
            host.release(*D_MINOR_7, at=300)
    host.tempo_bpm = min(max(host.tempo_bpm, SLOWEST_BPM), FASTEST_BPM)
