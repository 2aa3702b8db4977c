"""A MIDI file whose notes can be replaced one by one: all its other events stay what and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import mido
import numpy as np

from engine.atomic import atomic_write
from engine.errors import MidiFileError
from engine.midi_io.events import MAX_DELTA
from engine.midi_io.parse import DRUM_CHANNEL
from engine.midi_io.read import read_bytes
from engine.midi_io.tempo_map import TempoMap
from engine.midi_io.write import as_track
from engine.solo.again.part import Part, part_of

__all__ = ["MidiTake", "TakeNote"]


SHOWN = 100  # characters of a reader's complaint, which may quote what it has read
REMEDY = "save it anew in the program that made it"


class TakeNote(NamedTuple):
    """A note as it stands in the file: ticks from its start, where its two events are, what they say."""

    on_tick: int
    off_tick: int
    pitch: int
    velocity: int
    track: int
    on_event: int  # index into the track
    off_event: int


class MidiTake:
    """A file that is read once. ticks and seconds are the file's own.

    notes: of the part that may be played anew, in order. part: which of several that is, empty where it is all of them.
    end_tick: where the last pitched note of any part ends.
    """

    def __init__(self, path: Path, tracks: str | Sequence[str] = "all") -> None:
        """tracks: see engine.solo.again.part. MidiFileError: the file is missing, broken, or holds no such note."""
        data = read_bytes(path)
        try:
            self._file = mido.MidiFile(file=BytesIO(data))
        except (OSError, EOFError, ValueError, KeyError, IndexError, mido.KeySignatureError) as error:
            why = str(error)[:SHOWN] or "it ends in the middle of an event"
            if "integer string" in why:  # Python's own words for digits that it will not print
                why = "a number without an end"
            raise MidiFileError(f"{path}: cannot be written again, since it is damaged ({why}): {REMEDY}") from None
        if any(message.time > MAX_DELTA for track in self._file.tracks for message in track):
            raise MidiFileError(f"{path}: cannot be written again, since it holds an endless delta time: {REMEDY}")
        if self._file.type == 2 and len(self._file.tracks) > 1:  # which of them would bar 5 be in?
            raise MidiFileError(f"{path}: holds patterns that have no time in common (type 2): save them one by one")
        tempos: list[tuple[int, int]] = []
        self.notes: list[TakeNote] = []
        self.end_tick = 0
        chosen = part_of(path, data, tracks)
        self.part = chosen.said
        for number, track in enumerate(self._file.tracks):
            self._read_track(number, track, tempos, chosen)
        if not self.notes:
            raise MidiFileError(f"{path}: holds no pitched notes: give a take to play again")
        self.notes.sort()
        division = self._file.ticks_per_beat & 0xFFFF  # read with a sign, which SMPTE's frames have
        try:
            self.tempo_map = TempoMap.from_division(division, tempos)
        except ValueError as error:
            raise MidiFileError(f"{path}: {error}: {REMEDY}") from None

    def seconds(self, tick: int) -> float:
        """Returns the second of a tick."""
        return float(self.tempo_map.to_seconds(tick))

    def tick(self, time_s: float) -> int:
        """Returns the tick nearest to a second."""
        times = self.tempo_map
        at = max(0, int(np.searchsorted(times.seconds, time_s, side="right")) - 1)
        return round(float(times.ticks[at]) + (time_s - float(times.seconds[at])) / float(times.seconds_per_tick[at]))

    def write(
        self, path: Path, removed: Iterable[TakeNote], added: Sequence[tuple[int, int, int, int]], text: str
    ) -> None:
        """Writes the take with some notes gone and others, (on_tick, off_tick, pitch, velocity), in their place.

        New notes stand in the track and channel of the first that is gone, or of the part's first. text: a text event
        that is put at the start. SidemanError: the path cannot be written.
        """
        gone = list(removed)
        home = gone[0] if gone else self.notes[0]
        lost = {(note.track, event) for note in gone for event in (note.on_event, note.off_event)}
        channel = self._file.tracks[home.track][home.on_event].channel
        kind = self._file.type if len(self._file.tracks) == 1 else max(1, self._file.type)  # 0 holds one track alone
        file = mido.MidiFile(type=kind, ticks_per_beat=self._file.ticks_per_beat, charset=self._file.charset)
        for number, track in enumerate(self._file.tracks):
            rows: list[tuple[int, int, mido.Message]] = []
            tick = 0
            for event, message in enumerate(track):
                tick += message.time
                # A clock's ticks and its start belong on a cable: no file may hold them, and some do.
                if (number, event) not in lost and not message.is_realtime:
                    rows.append((tick, 1, message))
            if number == home.track:
                rows = _with_notes(rows, added, channel)
            if number == 0:
                rows.insert(0, (0, 1, mido.MetaMessage("text", text=text)))
            file.tracks.append(as_track((tick, message) for tick, _, message in rows))
        with atomic_write(path) as beside:
            file.save(beside)

    def _read_track(self, number: int, track: mido.MidiTrack, tempos: list[tuple[int, int]], chosen: Part) -> None:
        tick = 0
        open_: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for event, message in enumerate(track):
            tick += message.time
            if message.type == "set_tempo":
                tempos.append((tick, message.tempo))
            if message.type not in ("note_on", "note_off") or message.channel == DRUM_CHANNEL:
                continue
            key = (message.channel, message.note)
            if message.type == "note_on" and message.velocity > 0:
                open_.setdefault(key, []).append((tick, message.velocity, event))
            elif open_.get(key):
                start, velocity, on_event = open_[key].pop(0)
                self.end_tick = max(self.end_tick, tick)
                if (number, message.channel, start, message.note) in chosen.notes:
                    self.notes.append(TakeNote(start, tick, message.note, velocity, number, on_event, event))


def _with_notes(
    rows: list[tuple[int, int, mido.Message]], added: Sequence[tuple[int, int, int, int]], channel: int
) -> list[tuple[int, int, mido.Message]]:
    """Returns the track's events and the new ones: ends before, starts behind what stands at the same tick."""
    new: list[tuple[int, int, mido.Message]] = []
    for on, off, pitch, velocity in added:
        new.append((on, 2, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        new.append((off, 0, mido.Message("note_off", channel=channel, note=pitch, velocity=0)))
    last = rows[-1:] if rows and rows[-1][2].type == "end_of_track" else []
    body = rows[: len(rows) - len(last)]
    merged = sorted([*body, *new], key=lambda row: (row[0], row[1]))  # stable: what stood there keeps its order
    if last:
        end = max(last[0][0], merged[-1][0] if merged else 0)
        merged.append((end, 3, last[0][2]))
    return merged
