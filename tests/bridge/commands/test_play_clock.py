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

TEMPO_BPM, SECONDS = 100.0, 8.0


ATTEMPTS = 3  # jackd without realtime threads loses whole blocks of a busy machine's messages


@pytest.mark.parametrize("frames", [64, 256, 512, 1024, 2048])
def test_the_takes_tempo_map_is_the_hosts_at_every_block_size(frames: int, tmp_path: Path) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        tempi = tempi_taken(frames, tmp_path / f"{attempt}.mid")
        print(f"\n{frames} frames: {tempi} bpm")
        if tempi == pytest.approx([TEMPO_BPM] * len(tempi), rel=0.02):
            return
    pytest.fail(f"{tempi} bpm instead of {TEMPO_BPM}")


def tempi_taken(frames: int, path: Path) -> list[float]:
    """Plays along a host's clock; the tempi of the take's map, the first one included."""
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
    messages = mido.merge_tracks(mido.MidiFile(path).tracks)
    return [round(mido.tempo2bpm(message.tempo), 2) for message in messages if message.type == "set_tempo"]
