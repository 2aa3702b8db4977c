"""Writes the entries of a take's journal as a MIDI file: the sideman, the player, and a track of tempi and markers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import mido

from bridge.midi.numbers import SYSTEM
from bridge.midi.sounding import Pedals, SoundingKeys
from bridge.recording.tempo_map import Beats, TempoMap
from engine.atomic import atomic_write
from engine.chords.files.own_markers import RECORDED
from engine.errors import ChordError
from engine.metre import COMMON, Metre, parse_metre
from engine.midi_io.write import OWN_TRACK, TICKS_PER_QUARTER, as_track
from osc_protocol.table.parameters import HIGHEST_BPM, LOWEST_BPM

__all__ = ["BEAT", "IN", "MARK", "OUT", "REST", "START", "write_take"]

START: Final = "start"  # version, time_us, tempo_bpm or null
IN, OUT = "in", "out"  # time_us, bytes, or in a file hexadecimal text
MARK: Final = "mark"  # time_us, text
BEAT: Final = "beat"  # time_us, tempo_bpm, bar_us, beats_per_bar, metre (not in journals of before metres)
REST: Final = "rest"  # time_us

_Timed = tuple[int, mido.Message | mido.MetaMessage]
"""Microseconds, or ticks."""


def write_take(path: Path, entries: Iterable[Sequence[object]], end_us: int | None = None) -> int:
    """Writes the file whole or not at all; returns the number of messages that it was given. SidemanError if the disk
    refuses. Keys and pedals that are still down are let go at end_us; None: at the last entry.
    """
    start_us: int | None = None
    tempo_bpm: float | None = None
    beats: list[Beats] = []
    marks: list[_Timed] = []
    played: dict[str, list[_Timed]] = {OUT: [], IN: []}
    for entry in entries:
        match entry:
            case [kind, int(time_us), bytes() | str() as content, *_] if kind in (IN, OUT):
                try:
                    message = content if isinstance(content, bytes) else bytes.fromhex(content)
                    if message[0] < SYSTEM:
                        played[str(kind)].append((time_us, mido.Message.from_bytes(message)))
                except (ValueError, TypeError, IndexError):  # a keyboard sent what is no MIDI
                    continue
            case [kind, int(), int(at_us), *more] if kind == START:
                start_us = at_us
                told = more[0] if more and isinstance(more[0], int | float) else 0
                tempo_bpm = told if LOWEST_BPM <= told <= HIGHEST_BPM else None
            case [kind, int(time_us), str(text), *_] if kind == MARK:
                text = text.encode("utf-8", "replace").decode()  # half a character, which no file can hold, as ?
                marks.append((time_us, mido.MetaMessage("marker", text=text)))
            case [kind, int(time_us), int() | float() as bpm, int(bar_us), int(count), *more] if kind == BEAT:
                if 0 < bpm < math.inf:
                    beats.append(Beats(time_us, bpm, bar_us, _metre(count, more)))
            case [kind, int(time_us), *_] if kind == REST:
                beats.append(Beats(time_us, None))
            case _:  # what a crash has left need not be all in order
                continue
    times = [time_us for track in (marks, *played.values()) for time_us, _ in track]
    count = len(played[IN]) + len(played[OUT])
    for track in played.values():
        track.sort(key=lambda event: event[0])
        track += [(max(times) if end_us is None else end_us, message) for message in _ends(track)]
    map_ = TempoMap(min(times, default=0) if start_us is None else start_us, tempo_bpm, beats)
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset="utf-8")
    head: list[_Timed] = [(0, mido.MetaMessage("text", text=RECORDED))]
    head += [
        (tick, mido.MetaMessage("time_signature", numerator=metre.numerator, denominator=metre.denominator))
        for tick, metre in map_.metres
    ]
    head += [(tick, mido.MetaMessage("set_tempo", tempo=beat_us)) for tick, beat_us in map_.tempi]
    file.tracks.append(_track("Take", head + _in_ticks(marks, map_)))
    for name, kind in ((OWN_TRACK, OUT), ("Player", IN)):
        file.tracks.append(_track(name, _in_ticks(played[kind], map_)))
    with atomic_write(path) as beside:
        file.save(beside)
    return count


def _ends(track: list[_Timed]) -> list[mido.Message]:
    """What lets go of the keys and pedals that are down after all of a track."""
    keys, pedals = SoundingKeys(), Pedals()
    for _, message in track:
        raw = message.bytes()
        keys.sending(raw)
        keys.sent(raw)
        pedals.take(raw)
    return [mido.Message.from_bytes(message) for message in (*keys.ends(), *pedals.ends())]


def _metre(beats_per_bar: int, more: Sequence[object]) -> Metre:
    try:
        if not more:
            return Metre(beats_per_bar)
        return parse_metre(more[0]) if isinstance(more[0], str) else COMMON
    except ChordError:  # a damaged line
        return COMMON


def _in_ticks(events: list[_Timed], map_: TempoMap) -> list[_Timed]:
    return [(map_.tick(time_us), message) for time_us, message in sorted(events, key=lambda event: event[0])]


def _track(name: str, events: list[_Timed]) -> mido.MidiTrack:
    return as_track([(0, mido.MetaMessage("track_name", name=name)), *sorted(events, key=lambda event: event[0])])
