"""`sideman play --clock midi` behind real JACK servers of every block size: ticks come once a block."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mido
import pytest

from tests.support.live.jack_server import running_jack
from tests.support.live.processes import FAKE_ENGINE, HERE, playing

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

TEMPO_BPM, SECONDS = 100.0, 9.0


@pytest.mark.parametrize("frames", [64, 256, 512, 1024, 2048])
def test_the_takes_tempo_map_is_the_hosts_at_every_block_size(frames: int, tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    options = ["--clock", "midi", "--chords", "C | F", "--record", str(path)]
    with running_jack(frames=frames) as server, playing(server, FAKE_ENGINE, options) as (play, listener):
        subprocess.run(
            [sys.executable, str(HERE / "clock_sender.py"), "Sideman In", str(TEMPO_BPM), str(SECONDS)],
            env=server.environment, timeout=60, check=True,
        )  # fmt: skip
        assert play.end() == 130
        listener.finish()
    assert listener.onsets(), play.lines
    assert play.errors == []
    file = mido.MidiFile(path)
    seconds, tempo, tempi = 0.0, 500_000, []
    for message in mido.merge_tracks(file.tracks):
        seconds += mido.tick2second(message.time, file.ticks_per_beat, tempo)
        if message.type == "set_tempo":
            tempo = message.tempo
            tempi.append((round(seconds, 2), round(mido.tempo2bpm(tempo), 2)))
    print(f"\n{frames} frames: (second, bpm) {tempi}")
    assert [bpm for _, bpm in tempi] == pytest.approx([TEMPO_BPM] * len(tempi), rel=0.02)
