"""FL's fake host and the engine's control road, joined by a control port that can lose what it carries."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from bridge.controllers.sysex_port import SysexControl
from osc_protocol.table.parameters import PARAMETERS
from osc_protocol.wire.codec import Message, decode
from tests.support.fl.host import FakeFL
from tests.support.fl.script import whole_script
from tests.support.osc.fake_engine import FakeEngine

__all__ = ["ABSENT", "CONTROLLED", "FOLDER", "PROFILES", "Studio", "folder_with"]

FOLDER = whole_script()
PROFILES = ("fl2025", "fl2024", "fl21")
CONTROLLED = [row for row in PARAMETERS if row.cc is not None]
SYSEX = 0xF0
ABSENT = " - no Sideman engine: run `sideman play`"


class Studio:
    """FL on one side, the engine on the other, and the control port pair between them."""

    def __init__(self, profile: str = "fl2024", folder: Path = FOLDER, **options: Any) -> None:
        self.fl = FakeFL(folder, profile, **options)
        self.engine_runs = True
        self.lose = 0.0  # the share of frames that the port loses, each way
        self.start_engine()
        self._random = random.Random(1)
        self.fl.load()

    def start_engine(self) -> None:
        self.engine = FakeEngine()
        self.server = self.engine.server()
        self.control = SysexControl(self.server, self._to_fl, start=False, clock=lambda: self.fl.now_s)

    def run(self, seconds: float) -> None:
        """Both sides work for so long."""
        end_s = self.fl.now_s + seconds
        while self.fl.now_s < end_s:
            self.fl.tick()
            self.exchange()

    def exchange(self) -> None:
        """Delivers what waits on the port, both ways."""
        frames, self.fl.sent = self.fl.sent, []
        if not self.engine_runs:
            return
        for frame in frames:
            if self._random.random() >= self.lose:
                self.control.receive(frame)
        if self.fl.udp is not None:
            packets, self.fl.udp.sent = self.fl.udp.sent, []
            for packet in packets:
                self._take_udp(packet)
        for _ in range(5):  # a frame every 4 ms
            self.control.step()

    def _to_fl(self, frame: bytes) -> None:
        if self._random.random() >= self.lose:
            (self.fl.receive_sysex if frame[0] == SYSEX else self.fl.receive_short)(frame)

    def _take_udp(self, packet: bytes) -> None:
        assert self.fl.udp is not None
        if decode(packet)[0] == Message("/sideman/subscribe", (self.fl.udp.address[1],)):
            self.server.add_listener(self.fl.udp.waiting.append)
        else:
            self.fl.udp.waiting.extend(self.server.handle_packet(packet))

    @property
    def hint(self) -> str:
        return self.fl.hints[-1] if self.fl.hints else ""

    def check(self) -> None:
        """Checks that no rule of FL was broken."""
        assert self.fl.disabled is None
        assert self.fl.violations == []
        assert [line for line in self.fl.output if "Error" in line] == []


def folder_with(tmp_path: Path, controls: str) -> Path:
    """Makes a folder of the script with a map of the user's own."""
    shutil.copytree(FOLDER, tmp_path / "Sideman", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "Sideman" / "sideman_map.py").write_text(controls)
    return tmp_path / "Sideman"
