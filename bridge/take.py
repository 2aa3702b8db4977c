"""What was played, in and out, as a MIDI file."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import mido

from bridge.errors import BridgeError

__all__ = ["Take"]

_TICKS_PER_BEAT = 480


class Take:
    """Collects stamped messages. note_in, note_out, mark: from one thread each. save: once they are done."""

    def __init__(self, path: Path, start_us: int, tempo_bpm: float = 120.0) -> None:
        """start_us: the moment that becomes the file's start. BridgeError where the file cannot be written."""
        if not path.parent.is_dir():
            raise BridgeError(f"--record {path}: the folder {path.parent} does not exist: make it first")
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise BridgeError(f"--record {path}: no file can be written there: choose another place")
        self._path, self._start_us, self._tempo_bpm = path, start_us, tempo_bpm
        self._in: deque[tuple[int, bytes]] = deque()  # appending is atomic
        self._out: deque[tuple[int, bytes]] = deque()
        self._marks: deque[tuple[int, str]] = deque()

    def note_in(self, time_us: int, message: bytes) -> None:
        """One message of the player."""
        self._in.append((time_us, message))

    def note_out(self, time_us: int, message: bytes) -> None:
        """One message of the sideman."""
        self._out.append((time_us, message))

    def mark(self, time_us: int, text: str) -> None:
        """A marker, such as a chord's name."""
        self._marks.append((time_us, text))

    def save(self) -> int:
        """Writes the file, whole or not at all; the number of messages in it. BridgeError if the disk refuses."""
        file = mido.MidiFile(type=1, ticks_per_beat=_TICKS_PER_BEAT)
        marks = [
            (time_us, mido.MetaMessage("marker", text=text.encode("ascii", "replace").decode()))
            for time_us, text in self._marks
        ]
        tempo = (self._start_us, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(self._tempo_bpm)))
        file.tracks.append(self._track("Take", [tempo, *marks]))
        for name, messages in (("Sideman", self._out), ("Player", self._in)):
            file.tracks.append(
                self._track(name, [(time_us, mido.Message.from_bytes(data)) for time_us, data in messages])
            )
        part = self._path.with_name(self._path.name + ".part")
        try:
            with part.open("wb") as stream:
                file.save(file=stream)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self._path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BridgeError(f"--record {self._path}: {error.strerror or error}: the take is lost") from error
        return len(self._in) + len(self._out)

    def _track(self, name: str, events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        at = 0
        for time_us, message in sorted(events, key=lambda event: event[0]):
            beats = (time_us - self._start_us) / 1e6 * self._tempo_bpm / 60.0
            tick = max(at, round(beats * _TICKS_PER_BEAT))
            track.append(message.copy(time=tick - at))
            at = tick
        return track
