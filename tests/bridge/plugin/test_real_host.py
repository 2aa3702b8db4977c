"""The plug-in in Qtractor, a real host from Debian, under Xvfb and JACK: it is loaded, plays, and is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bridge.plugin.conftest import with_chart
from tests.support.live.jack_server import running_jack
from tests.support.plugin.engine_process import have_it_started, pid_path, stop_engine
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost, Library
from tests.support.plugin.qtractor import FRAMES_PER_BEAT, Noted, running_qtractor

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked at through /proc"),
]

CHORDS = ({2, 5, 9, 0}, {7, 11, 2, 5}, {0, 4, 7, 11}, {0, 4, 7, 11})
GRID = 0.02  # beats: the sessions here strike on hundredths of a second


def test_in_a_real_host_it_starts_the_engine_and_plays_the_project(library: Library, tmp_path: Path) -> None:
    maker = with_chart(ClapHost(library))
    project = maker.save()
    maker.destroy()
    have_it_started()
    with running_jack(frames=256) as jack, running_qtractor(jack, tmp_path, project) as host:
        try:
            wait_for(lambda: pid_path().exists(), "the engine is not started")
            host.transport("play")
            wait_for(lambda: len(strikes(host.noted())) > 20, "it does not play")
            host.transport("locate 192000")  # the third bar: C major from there
            wait_for(lambda: len([note for note in strikes(host.noted()) if note.beat > 8.0]) > 10, "after the jump")
            host.transport("stop")
            wait_for(lambda: not sounding(host.noted()), "a note stays")
        finally:
            stop_engine()
        noted = host.noted()
    for note in strikes(noted):
        assert note.pitch % 12 in CHORDS[int(note.beat / 4) % 4], note
        assert note.velocity > 0
    before = [note for note in strikes(noted) if note.beat < 8.0]
    for part in (before, [note for note in strikes(noted) if note.beat >= 8.0]):
        in_hand = [note.beat for note in part if note.beat > part[0].beat + 1.0]  # before it, late
        off = [(beat - in_hand[0] + GRID / 2) % GRID - GRID / 2 for beat in in_hand]
        assert max(map(abs, off)) * FRAMES_PER_BEAT < 1.01, "on the frame of their beats"


def strikes(noted: list[Noted]) -> list[Noted]:
    return [note for note in noted if note.status & 0xF0 == 0x90 and note.velocity > 0]


def sounding(noted: list[Noted]) -> set[int]:
    """Struck and not ended; strikes and ends alternate."""
    keys: set[int] = set()
    for note in noted:
        if note.status & 0xF0 == 0x90 and note.velocity > 0:
            assert note.pitch not in keys, note
            keys.add(note.pitch)
        elif note.status & 0xF0 in (0x80, 0x90):
            keys.discard(note.pitch)
    return keys
