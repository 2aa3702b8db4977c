"""Bytes of a MIDI file -> notes, pedal, tempos and time signatures in ticks.

symusic parses (C++, thousands of files a second). Two things it lets go by are put right around it: what stands behind
an end-of-track event inside a track, and the pedal of a track without notes. It also refuses some files that players
accept, such as a controller value above 127; those go through mido, in pure Python.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import mido
import numpy as np
import numpy.typing as npt
import symusic

__all__ = ["Parsed", "Part", "parse"]

_DRUM_CHANNEL = 9  # channel 10 as musicians count
_SUSTAIN_CC = 64
_END_OF_TRACK = b"\xff\x2f\x00"
_EMPTY_TEXT = b"\xff\x01\x00"
_MAYBE_PEDAL = re.compile(rb"[\xb0-\xbf]\x40[\x00-\x7f]")


@dataclass
class Part:
    """One track, drums left out. notes: (N, 4) start tick, length, pitch, velocity; pedal: (P, 2) tick, value."""

    name: str
    notes: npt.NDArray[np.int64]
    pedal: npt.NDArray[np.int64]


@dataclass
class Parsed:
    """What a file holds. tempos: (tick, us a quarter note); time_signatures: (tick, numerator, denominator)."""

    parts: list[Part] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    time_signatures: list[tuple[int, int, int]] = field(default_factory=list)


def parse(data: bytes) -> Parsed:
    """Parses a whole file, header included. ValueError with the readers' reasons, on one line, when all refuse it."""
    whole = _read_past_ends(data)
    attempts: list[tuple[Callable[[bytes], Parsed], bytes]] = [(_parse_symusic, whole)]
    if whole != data:
        attempts.append((_parse_symusic, data))  # what stood behind the end of track was no music
    attempts.append((_parse_mido, data))
    reasons = []
    for reader, text in attempts:
        try:
            return reader(text)
        # mido meets broken bytes with whatever its parsing runs into: EOFError, KeyError, IndexError, OSError, ...
        except Exception as refusal:
            reason = f"{refusal}".removeprefix("MiniMidi: ").removesuffix(": iostream error")
            reasons.append(" ".join(reason.split()) or type(refusal).__name__)
    raise ValueError("; ".join(dict.fromkeys(reasons)))


def _parse_symusic(data: bytes) -> Parsed:
    score: Any = symusic.Score.from_midi(data)
    parsed = Parsed(
        tempos=[(tempo.time, tempo.mspq) for tempo in score.tempos],
        time_signatures=[(sig.time, sig.numerator, sig.denominator) for sig in score.time_signatures],
    )
    for track in score.tracks:
        if track.is_drum:
            continue
        columns = track.notes.numpy()
        notes = np.stack([columns[k] for k in ("time", "duration", "pitch", "velocity")], axis=1).astype(np.int64)
        parsed.parts.append(Part(track.name.strip(), notes, _pedal(track)))
    parsed.parts += _parts_without_notes(data)
    # symusic counts ticks in 32 bits: a sum of delta times beyond that comes back wrapped.
    if any((part.notes < 0).any() or (part.pedal < 0).any() for part in parsed.parts):
        raise ValueError("times beyond 2^31 ticks")
    return parsed


def _pedal(track: Any) -> npt.NDArray[np.int64]:
    controls = track.controls.numpy()
    pedal = np.stack([controls["time"], controls["value"]], axis=1).astype(np.int64)
    sustain: npt.NDArray[np.int64] = pedal[controls["number"] == _SUSTAIN_CC]
    return sustain


def _track_chunks(data: bytes) -> list[tuple[int, int]]:
    """(start, stop) of the body of every MTrk chunk that lies within the file."""
    chunks = []
    at = 8 + int.from_bytes(data[4:8], "big")
    while at + 8 <= len(data):
        stop = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk" and stop <= len(data):
            chunks.append((at + 8, stop))
        at = stop
    return chunks


def _read_past_ends(data: bytes) -> bytes:
    """The file with every end of track inside a track turned into an empty text.

    Files merged from two takes have them; symusic stops there and loses what follows, the last chord for one.
    """
    whole = bytearray(data)
    for start, stop in _track_chunks(data):
        at = data.find(_END_OF_TRACK, start, stop - 1)
        while at >= 0:
            whole[at : at + 3] = _EMPTY_TEXT
            at = data.find(_END_OF_TRACK, at + 3, stop - 1)
    return bytes(whole)


def _parts_without_notes(data: bytes) -> list[Part]:
    """The pedal of tracks that hold nothing else, as sequencers write it; symusic drops tracks without notes."""
    parts = []
    for start, stop in _track_chunks(data):
        if not _MAYBE_PEDAL.search(data, start, stop):
            continue
        alone = b"MThd\0\0\0\6\0\0\0\1" + data[12:14] + data[start - 8 : stop]
        score: Any = symusic.Score.from_midi(alone)
        if not any(len(_pedal(track)) for track in score.tracks):
            parts += [part for part in _parse_mido(alone).parts if len(part.pedal)]
    for part in parts:
        part.notes = part.notes[:0]  # symusic has them already
    return parts


def _parse_mido(data: bytes) -> Parsed:
    parsed = Parsed()
    for track in mido.MidiFile(file=io.BytesIO(data), clip=True).tracks:
        tick = 0
        notes: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)  # by channel
        pedal: dict[int, list[tuple[int, int]]] = defaultdict(list)
        open_notes: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                parsed.tempos.append((tick, message.tempo))
            elif message.type == "time_signature":
                parsed.time_signatures.append((tick, message.numerator, message.denominator))
            elif message.is_meta or getattr(message, "channel", _DRUM_CHANNEL) == _DRUM_CHANNEL:
                continue
            elif message.type == "control_change" and message.control == _SUSTAIN_CC:
                pedal[message.channel].append((tick, message.value))
            elif message.type in ("note_on", "note_off"):
                sounding = open_notes[message.channel, message.note]
                if message.type == "note_on" and message.velocity > 0:
                    sounding.append((tick, message.velocity))
                elif sounding:  # the oldest note of that key ends first, as in symusic
                    start, velocity = sounding.popleft()
                    notes[message.channel].append((start, tick - start, message.note, velocity))
        # A note that nobody ended sounds to the end of its track.
        for (channel, pitch), rest in open_notes.items():
            notes[channel].extend((start, tick - start, pitch, velocity) for start, velocity in rest)
        for channel in sorted(notes.keys() | pedal.keys()):
            columns = np.array(notes[channel], dtype=np.int64).reshape(-1, 4)
            sustain = np.array(pedal[channel], dtype=np.int64).reshape(-1, 2)
            parsed.parts.append(Part(track.name.strip(), columns, sustain))
    return parsed
