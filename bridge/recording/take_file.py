"""The entries of a take's journal as a MIDI file: the sideman, the player, and a track of tempi and markers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import mido

from bridge.recording.tempo_map import TICKS_PER_QUARTER, Beats, TempoMap
from engine.atomic import atomic_write
from engine.errors import ChordError
from engine.metre import COMMON, Metre, parse_metre

__all__ = ["BEAT", "IN", "MARK", "OUT", "REST", "START", "write_take"]

START: Final = "start"  # version, time_us, tempo_bpm or null
IN, OUT = "in", "out"  # time_us, bytes, or in a file hexadecimal text
MARK: Final = "mark"  # time_us, text
BEAT: Final = "beat"  # time_us, tempo_bpm, bar_us, beats_per_bar, metre (not in journals of before metres)
REST: Final = "rest"  # time_us
FIELDS: Final[dict[str, tuple[type, ...]]] = {
    START: (int, int), IN: (int, object), OUT: (int, object),
    MARK: (int, str), BEAT: (int, float, int, int), REST: (int,),
}  # fmt: skip

_Timed = tuple[int, mido.Message | mido.MetaMessage]


def write_take(path: Path, entries: Iterable[Sequence[Any]]) -> int:
    """Writes the file, whole or not at all; the number of messages in it. SidemanError if the disk refuses."""
    start_us: int | None = None
    tempo_bpm: float | None = None
    beats: list[Beats] = []
    marks: list[_Timed] = []
    played: dict[str, list[_Timed]] = {OUT: [], IN: []}
    for entry in entries:
        kind, fields = entry[0], entry[1:]
        if not _is_whole(kind, fields):  # what a crash has left need not be all in order
            continue
        if kind == START:
            start_us, tempo_bpm = fields[1], fields[2] if len(fields) > 2 else None
        elif kind in played:
            try:
                message = fields[1] if isinstance(fields[1], bytes) else bytes.fromhex(fields[1])
                played[kind].append((fields[0], mido.Message.from_bytes(message)))
            except (ValueError, TypeError):  # a keyboard sent what is no MIDI
                continue
        elif kind == MARK:
            text = fields[1].encode("utf-8", "replace").decode()  # half a character, which no file can hold, as ?
            marks.append((fields[0], mido.MetaMessage("marker", text=text)))
        else:
            beat = Beats(fields[0], fields[1], fields[2], _metre(fields)) if kind == BEAT else Beats(fields[0], None)
            beats.append(beat)
    times = [time_us for track in (marks, *played.values()) for time_us, _ in track]
    map_ = TempoMap(min(times, default=0) if start_us is None else start_us, tempo_bpm, beats)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    head: list[tuple[int, mido.MetaMessage]] = [
        (tick, mido.MetaMessage("time_signature", numerator=metre.numerator, denominator=metre.denominator))
        for tick, metre in map_.metres
    ]
    head += [(tick, mido.MetaMessage("set_tempo", tempo=beat_us)) for tick, beat_us in map_.tempi]
    file.tracks.append(_track("Take", head + _in_ticks(marks, map_)))
    for name, kind in (("Sideman", OUT), ("Player", IN)):
        file.tracks.append(_track(name, _in_ticks(played[kind], map_)))
    with atomic_write(path) as beside:
        file.save(beside)
    return len(played[IN]) + len(played[OUT])


def _metre(fields: Sequence[Any]) -> Metre:
    try:
        return parse_metre(fields[4]) if len(fields) > 4 else Metre(fields[3])
    except (ChordError, AttributeError):  # a damaged line
        return COMMON


def _is_whole(kind: object, fields: Sequence[Any]) -> bool:
    types = FIELDS.get(kind) if isinstance(kind, str) else None
    if types is None or len(fields) < len(types):
        return False
    numbers = (int, float)
    return all(
        isinstance(field, numbers if want is float else want) for field, want in zip(fields, types, strict=False)
    )


def _in_ticks(events: list[_Timed], map_: TempoMap) -> list[tuple[int, mido.Message | mido.MetaMessage]]:
    return [(map_.tick(time_us), message) for time_us, message in sorted(events, key=lambda event: event[0])]


def _track(name: str, events: list[tuple[int, mido.Message | mido.MetaMessage]]) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    at = 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - at))
        at = tick
    return track
