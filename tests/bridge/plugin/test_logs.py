"""A plug-in's session, written down, is played again note by note."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.plugin.logs import SessionLogs
from bridge.plugin.server import PluginServer
from bridge.recording.replay import Replay, read_log
from tests.bridge.plugin.conftest import is_ready, with_chart
from tests.support.live.fake_session import FakeSession
from tests.support.plugin.fake_engine import wait_for
from tests.support.plugin.host import ClapHost
from tests.support.plugin.moves import move


@pytest.mark.parametrize("offline", [True, False], ids=["offline", "live"])
def test_a_session_plays_again_as_it_was(make_host: Callable[..., ClapHost], tmp_path: Path, offline: bool) -> None:
    logs = SessionLogs(tmp_path / "logs", None, "auto", pytest.fail)
    server = PluginServer(FakeSession, lambda what, text: None, logs=logs)
    server.open()
    host = make_host(offline=offline)
    is_ready(host)
    with_chart(host)
    draw = random.Random(3)
    host.playing = True
    for _ in range(12):
        move(host, draw)
        if offline:
            host.run(0.4, 512)
        else:
            host.play(0.3)
    played = len(host.onsets())
    assert played
    host.playing = False
    host.process(512)
    host.deactivate()
    server.close()
    host.activate()
    wait_for(lambda: bool(list((tmp_path / "logs").iterdir())), "no log")
    found = [read_log(path) for path in sorted((tmp_path / "logs").iterdir())]
    strikes = 0
    for log in found:
        replay = Replay(log, FakeSession)
        replay.run()
        assert replay.parted_s is None, log.path
        strikes += sum(message[0] & 0xF0 == 0x90 for _, message in replay.played)
    assert strikes >= played
