"""The take's file: both players, in time, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from bridge.errors import BridgeError
from bridge.take import Take


def test_a_take_keeps_times_messages_and_markers(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    take = Take(path, start_us=5_000_000, tempo_bpm=100.0)
    take.note_in(5_100_000, bytes((0x90, 60, 80)))
    take.note_in(6_100_000, bytes((0x80, 60, 0)))
    take.mark(5_150_000, "C/E")
    take.note_out(5_250_000, bytes((0x90, 72, 90)))
    take.note_out(5_500_000, bytes((0x80, 72, 0)))
    assert take.save() == 4
    file = mido.MidiFile(path)
    at_s = 0.0
    heard = []
    for message in file:
        at_s += message.time
        if message.type in ("note_on", "note_off", "marker"):
            heard.append((round(at_s, 2), message.type, getattr(message, "note", getattr(message, "text", None))))
    assert heard == [
        (0.1, "note_on", 60),
        (0.15, "marker", "C/E"),
        (0.25, "note_on", 72),
        (0.5, "note_off", 72),
        (1.1, "note_off", 60),
    ]
    assert [track.name for track in file.tracks] == ["Take", "Sideman", "Player"]


def test_a_take_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="does not exist"):
        Take(tmp_path / "nowhere" / "take.mid", 0)
    with pytest.raises(BridgeError, match="no file can be written"):
        Take(tmp_path, 0)


def test_a_failed_save_leaves_the_old_take_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "take.mid"
    path.write_bytes(b"old")
    take = Take(path, 0)

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BridgeError, match="No space left"):
        take.save()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
