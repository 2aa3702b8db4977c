"""Qtractor, a real host of CLAP plug-ins: a session whose track holds ours, and a recorder of what it plays behind it.

It runs under Xvfb and takes its time from a JACK server. Where the machine has no ALSA sequencer, without which it does
not start, native/no_sequencer.c stands in for that. native/recorder.cpp writes down every note that the host carries
from our plug-in to the next one, with the host's own beat.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

import native
from tests.support.live.jack_server import JackServer
from tests.support.plugin.fake_engine import wait_for

__all__ = ["Noted", "Qtractor", "running_qtractor"]

SOURCES = Path(__file__).parent / "native"
ABI = Path(native.__file__).parent / "plugin"
FRAMES_PER_BEAT = 24_000  # 120 a minute at 48 kHz
PLUGIN = """<plugin type='CLAP'><filename>{file}</filename><index>0</index><label>{name}</label><activated>1</activated>
<configs>{configs}</configs></plugin>"""
SESSION = """<!DOCTYPE qtractorSession>
<session name='sideman' version='0.9.31'>
<properties><directory>{folder}</directory><sample-rate>48000</sample-rate><tempo>120</tempo>
<ticks-per-beat>960</ticks-per-beat><beats-per-bar>4</beats-per-bar><beat-divisor>2</beat-divisor></properties>
<tracks><track name='Sideman' type='midi'>
<properties><input-bus>Master</input-bus><output-bus>Master</output-bus><midi-channel>0</midi-channel></properties>
<plugins>{plugins}<audio-output-bus>0</audio-output-bus></plugins>
</track></tracks></session>
"""


class Noted(NamedTuple):
    """A note at the plug-in behind ours. beat: the host's, at the note's frame."""

    block: int
    frame: int
    beat: float
    plays: bool
    status: int
    pitch: int
    velocity: int


class Qtractor:
    """A running one, with our plug-in in its only track."""

    def __init__(self, jack: JackServer, record: Path) -> None:
        self._jack, self._record = jack, record

    def transport(self, *commands: str) -> None:
        """Does what jack_transport would be told: `play`, `stop`, `locate FRAME`."""
        subprocess.run(
            ["jack_transport"], input="\n".join([*commands, ""]), text=True, check=True, timeout=20,
            env=self._jack.environment, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def noted(self) -> list[Noted]:
        """Everything so far."""
        lines = self._record.read_text().split("\n")[:-1]
        return [
            Noted(int(block), int(frame), float(beat), plays == "1", int(status), int(pitch), int(velocity))
            for block, frame, beat, plays, status, pitch, velocity in map(str.split, lines)
        ]


@contextmanager
def running_qtractor(jack: JackServer, folder: Path, project: bytes) -> Iterator[Qtractor]:
    """Starts one whose session keeps a project of our plug-in. Skips where Qtractor, Xvfb or a compiler is missing."""
    needed = ("qtractor", "xvfb-run", "xauth", "c++", "cc")
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: `apt install qtractor xvfb xauth g++` brings them")
    plugins, home, record = folder / "clap", folder / "home", folder / "record"
    plugins.mkdir()
    home.mkdir(mode=0o700)
    shutil.copyfile(str(native.plugin_file()), plugins / "Sideman.clap")
    shared = ("-shared", "-fPIC", "-O1", "-o")
    compile_(["c++", "-std=c++17", *shared, plugins / "Recorder.clap", f"-I{ABI}", SOURCES / "recorder.cpp"])
    session = folder / "sideman.qtr"
    session.write_text(SESSION.format(folder=folder, plugins=_plugins(plugins, project)))
    environment = {
        **jack.environment, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_RUNTIME_DIR": str(home),
        "CLAP_PATH": str(plugins), "SIDEMAN_RECORD": str(record),
    }  # fmt: skip
    if not Path("/dev/snd/seq").exists():
        compile_(["cc", *shared, folder / "no_sequencer.so", SOURCES / "no_sequencer.c"])
        environment["LD_PRELOAD"] = str(folder / "no_sequencer.so")
    with (folder / "said").open("w") as said:
        host = subprocess.Popen(
            ["xvfb-run", "-a", "qtractor", session], env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        wait_for(record.exists, f"Qtractor does not load the plug-ins: {(folder / 'said').read_text()[-1000:]}")
        wait_for(lambda: any("Qtractor" in port for port in jack.ports()), "Qtractor does not come to JACK")
        yield Qtractor(jack, record)
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(host.pid, number)
            time.sleep(0.5)
        host.wait(60)


def _plugins(folder: Path, project: bytes) -> str:
    state = base64.b64encode(struct.pack(">I", len(project)) + zlib.compress(project)).decode()  # as Qt compresses
    kept = f"<config key='state'>{state}</config>"
    return "".join(
        PLUGIN.format(file=folder / f"{name}.clap", name=name, configs=configs)
        for name, configs in (("Sideman", kept), ("Recorder", ""))
    )


def compile_(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
