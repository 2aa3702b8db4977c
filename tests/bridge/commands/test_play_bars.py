"""Keep, again, undo, capture and banks over real JACK ports, beside load: bars come back note for note."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mido
import pytest

from tests.support.live.jack_server import running_jack
from tests.support.live.processes import SHIPPED_ENGINE, Listener, ask, playing
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

CHART, TEMPO, BARS = "Dm7 | G7 | Cmaj7 | A7", 240.0, 4
BAR_S = 240 / TEMPO
ROUND_US = round(BARS * BAR_S * 1e6)
APART_US = 60_000  # of a note and the same one a round later, on a machine under load; the replay is exact

Note = tuple[int, int, int]
"""(microseconds, pitch, velocity)."""


@contextmanager
def load() -> Iterator[None]:
    """Another process that wants the processor all the time."""
    burning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        burning.kill()
        burning.wait()


def struck(listener: Listener) -> list[Note]:
    return [(at, pitch, velocity) for at, status, pitch, velocity in listener.messages() if status == 0x90 and velocity]


def share_that_returns(notes: list[Note], from_us: int, to_us: int) -> float:
    """The share of the notes struck within that are struck again a round later, as loud."""
    first = [note for note in notes if from_us <= note[0] < to_us]
    again = {(pitch, velocity, at) for at, pitch, velocity in notes}
    returned = [
        any(p == pitch and v == velocity and abs(later - at - ROUND_US) <= APART_US for p, v, later in again)
        for at, pitch, velocity in first
    ]
    assert first
    return sum(returned) / len(returned)


def test_bars_are_kept_played_again_and_captured_under_load(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = ["--chords", CHART, "--tempo", str(TEMPO), "--seed", "4", "--log", str(log), "--captures", str(tmp_path)]
    with running_jack() as server, load(), playing(server, SHIPPED_ENGINE, options) as (play, listener):
        play.osc("/sideman/undo")
        play.wait_for("error there is nothing to undo")
        time.sleep(1.3 * BARS * BAR_S)
        play.osc("/sideman/keep")
        play.wait_for("note bars 1-4 kept")
        kept_us = time.monotonic_ns() // 1000 + round(BAR_S * 1e6) + 100_000  # from the next bar line on
        time.sleep((2 * BARS + 1) * BAR_S)
        play.osc("/sideman/again", "s", "2-3")
        play.wait_for("note bars 2-3 again")
        again_us = time.monotonic_ns() // 1000
        time.sleep((2 * BARS + 1) * BAR_S)
        play.osc("/sideman/param/temperature", "f", "1.25")
        play.osc("/sideman/bank/store", "s", "C")
        play.wait_for("stored C")
        play.osc("/sideman/param/temperature", "f", "0.5")
        play.osc("/sideman/bank/recall", "s", "C")
        play.wait_for("recalled C")
        until(lambda: ask(play.osc_port, "temperature") == 1.25)
        assert ask(play.osc_port, "temperature") == 1.25
        play.osc("/sideman/bank/recall", "s", "D")
        play.wait_for("error bank D is empty (filled: C)")
        play.osc("/sideman/capture", "i", "4")
        captured = Path(play.wait_for("captured ").split(maxsplit=1)[1])
        play.osc("/sideman/undo")
        play.wait_for("note bars 1-4 kept")
        play.osc("/sideman/variation", "s", "2 3-4")
        play.wait_for("note bars 3-4: variation 2, bars 3-4 made where they come")
        time.sleep(1.5 * BARS * BAR_S)
        play.osc("/sideman/variation", "s", "1 3-4")
        play.wait_for("note bars 3-4: variation 1")
        play.osc("/sideman/density/bars", "s", "1 0.9")
        play.wait_for("note bar 1: density 0.9")
        play.osc("/sideman/density/bars", "s", "9 0.9")
        play.wait_for("error bar 9 cannot be had: the chart ends with bar 4")
        play.osc("/sideman/keep", "s", "9")
        play.wait_for("error bar 9 cannot be had: the chart ends with bar 4")
        time.sleep(BAR_S)
        assert play.end() == 130
        listener.finish()
    notes = struck(listener)
    kept = share_that_returns(notes, kept_us, again_us - ROUND_US)
    mixed = share_that_returns(notes, again_us + round(BAR_S * 1e6), again_us + round(BAR_S * 1e6) + ROUND_US)
    print(f"\n{kept:.0%} of a kept round return, {mixed:.0%} with two of four bars new; {play.lines[-1]}")
    skipped = int(re.search(r"(\d+) notes skipped", play.lines[-1])[1])  # type: ignore[index]
    assert kept >= 1 - 2 * skipped / 20
    assert 0.2 < mixed < 0.85
    assert listener.unended() == set()
    assert play.errors == []
    file = mido.MidiFile(captured)
    assert sum(message.type == "note_on" and message.velocity > 0 for message in file.tracks[1]) > 4
    assert captured.parent == tmp_path
    replay = [sys.executable, "-m", "bridge.cli", "replay", str(log), "--json"]
    told = json.loads(subprocess.run(replay, capture_output=True, text=True, timeout=120, check=True).stdout)
    assert told["parted_s"] is None
