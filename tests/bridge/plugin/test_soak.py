"""Minutes of live playing with loops and jumps, while other programs use the processor."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from bridge.plugin.connection import Connection
from bridge.plugin.server import PluginServer
from tests.bridge.plugin.conftest import is_ready, with_chart
from tests.support.plugin.host import ClapHost

Make = Callable[..., ClapHost]
NOTE, HEAD = 66, struct.Struct("<IqBBB")
SECONDS = 600.0 if os.environ.get("SIDEMAN_SOAK") == "1" else 12.0
BLOCK, RATE, BPM = 512, 48_000, 120.0
IN_HAND_S = 0.1  # a note that was sent so long before its block has come, however busy the machine is
MANY = 10  # notes a minute, at least


@pytest.fixture
def load() -> Iterator[None]:
    """One program for every processor, and one more."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range((os.cpu_count() or 1) + 1)]
    yield
    for program in busy:
        program.kill()
        program.wait()


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("load")
def test_no_note_stays_and_none_that_was_in_hand_is_late(
    make_server: Callable[[], PluginServer], make_host: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[int, list[tuple[float, float]]] = {pitch: [] for pitch in range(128)}  # (frame, when) of every strike
    send = Connection.send

    def note_down(connection: Connection, frame: bytes) -> None:
        if frame[0] == NOTE:
            _, micro, status, pitch, velocity = HEAD.unpack(frame[4:])
            if status & 0xF0 == 0x90 and velocity:
                sent[pitch].append((micro / 1e6 * 60 / BPM * RATE, time.monotonic()))
        send(connection, frame)

    monkeypatch.setattr(Connection, "send", note_down)
    make_server()
    host = with_chart(make_host(rate=float(RATE), tempo_bpm=BPM))
    is_ready(host)
    draw = random.Random(11)
    host.playing = True
    began_s, walls = time.monotonic(), []
    next_change = 2.0
    while host.frame < SECONDS * RATE:
        walls.append(time.monotonic())
        host.process(BLOCK)
        host.pump()
        if host.frame > next_change * RATE:
            next_change += draw.uniform(0.3, 4.0)
            change(host, draw)
        time.sleep(max(0.0, began_s + host.frame / RATE - time.monotonic()))
    host.playing = False
    host.process(BLOCK)
    assert not host.sounding()
    onsets = host.onsets()
    assert len(onsets) > MANY * SECONDS / 60
    late = [lateness(onset.frame, sent[onset.pitch], walls) for onset in onsets]
    in_hand = [one for one in late if one is not None]
    print(f"{len(onsets)} notes, {len(in_hand)} in hand, late by {max(in_hand):.0f} frames at most")
    assert len(in_hand) > len(onsets) / 2
    assert max(in_hand) <= BLOCK, f"{sum(one > BLOCK for one in in_hand)} of {len(in_hand)} notes"


def change(host: ClapHost, draw: random.Random) -> None:
    match draw.randrange(5):
        case 0 | 1:
            host.beat = draw.uniform(0, 64)
        case 2:
            start = draw.randrange(8)
            host.loop = draw.choice([None, (float(start), start + draw.choice([1.0, 4.0, 7.5]))])
        case 3:
            host.playing = not host.playing
            host.play(0.05, BLOCK)
            host.playing = True
        case 4:
            host.turn("Temperature", draw.uniform(0.1, 1.9), at=draw.randrange(BLOCK))


def lateness(frame: int, strikes: list[tuple[float, float]], walls: list[float]) -> float | None:
    """Frames by which a strike is late that was in hand when its block began; None where it came later than that.

    Time is that of the blocks: a host that is kept waiting plays late, and so does everything in it.
    """
    due, sent_s = min(strikes, key=lambda strike: abs(strike[0] - frame))
    block = int(due // BLOCK)
    if block >= len(walls) or sent_s > walls[block] - IN_HAND_S:
        return None
    return max(0.0, frame - due)
