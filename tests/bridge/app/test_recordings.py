"""Laws of what a session leaves behind: nothing that is there is touched before it plays, or for what it is not."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import pytest

import native
from bridge.app.arguments import add_arguments, settings_from
from bridge.app.recordings import Recordings
from bridge.commands import play
from bridge.errors import BridgeError
from bridge.recording.last_take import recall
from bridge.recording.take import journal_of
from osc_protocol.errors import OscError
from tests.support.live.fake_session import FakeSession

OLD_LOG = b'["session",2,{}]\n["round",{"t":[1]}]\n'
NO_LOGS = {
    "a song": b"MThd\x00\x00\x00\x06",
    "notes": "precious\n".encode("utf-16"),
    "one letter": b"[",
    "a take that was broken off": b'["start",1,0,null]\n["out",5,"903c50"]\n',
}


def options(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def recordings(*words: object) -> Recordings:
    return Recordings(settings_from(options(*words)), native.Scheduler(), pytest.fail)


@pytest.mark.parametrize("content", NO_LOGS.values(), ids=NO_LOGS)
def test_what_is_no_log_does_not_become_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(content)
    with pytest.raises(BridgeError, match="no session log: choose another file"):
        recordings("--log", path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [None, b"", OLD_LOG])
def test_a_log_begins_with_the_playing_and_not_before(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "session.log"
    if content is not None:
        path.write_bytes(content)
    recordings("--log", path).close(played=False)
    assert (path.read_bytes() if path.exists() else None) == content
    with pytest.raises(BridgeError, match="nowhere does not exist"):
        recordings("--log", path, "--record", tmp_path / "nowhere" / "take.mid")
    assert (path.read_bytes() if path.exists() else None) == content
    played = recordings("--log", path)
    played.begin()
    played.close(played=True)
    (line,) = path.read_bytes().splitlines()
    assert line.startswith(b'["session",')


def test_an_old_log_outlives_a_session_that_could_not_open(tmp_path: Path) -> None:
    path = tmp_path / "session.log"
    path.write_bytes(OLD_LOG)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        words = ("--panel", "serve", "--log", path, "--osc-port", other.getsockname()[1])
        with pytest.raises(OscError):
            play.run(options(*words), lambda checkpoint, device: FakeSession)
    assert path.read_bytes() == OLD_LOG


def test_a_device_is_no_file_for_a_log() -> None:
    with pytest.raises(BridgeError, match="/dev/null is a device"):
        recordings("--log", "/dev/null")


@pytest.mark.parametrize("place", ["a folder", "nowhere/under/a file"])
def test_a_take_is_saved_where_it_cannot_be_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "nowhere").touch()
    monkeypatch.setenv("SIDEMAN_LAST_TAKE", str(tmp_path / place))
    path = tmp_path / "take.mid"
    made = recordings("--record", path)
    made.sent(native.now_us(), bytes((0x90, 60, 80)))
    assert made.close(played=True) == f"wrote {path}: 1 messages"
    assert recall() is None
    assert path.exists()
    assert not journal_of(path).exists()
