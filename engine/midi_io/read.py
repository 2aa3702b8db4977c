"""Standard MIDI File -> Performance.

symusic parses (C++, thousands of files a second). It refuses some files that players accept, such as a controller value
above 127; those go through mido, which reads them in pure Python. What both refuse is reported, never guessed at.
"""

from __future__ import annotations

import io
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mido
import numpy as np
import numpy.typing as npt
import symusic

from engine.errors import MidiFileError
from engine.midi_io.tempo_map import TempoMap, beat_grid
from engine.notes import Notes, Performance, make_notes

__all__ = ["read_performance"]

DRUM_CHANNEL = 9  # channel 10 as musicians count
SUSTAIN_CC = 64
PEDAL_THRESHOLD = 64  # General MIDI: 64 and above is down
MAX_LENGTH_S = 24 * 3600.0  # longer is a broken delta time; its silence alone would fill memory downstream
MAX_BEATS = 1_000_000


@dataclass
class _Part:
    """One track and channel. notes: (N, 4) start tick, length in ticks, pitch, velocity; pedal: (P, 2) tick, value."""

    name: str
    notes: npt.NDArray[np.int64]
    pedal: npt.NDArray[np.int64]


@dataclass
class _Parsed:
    """What a file holds. tempos: (tick, us a quarter note); time_signatures: (tick, numerator, denominator)."""

    parts: list[_Part] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    time_signatures: list[tuple[int, int, int]] = field(default_factory=list)


def read_performance(path: str | Path, *, tracks: Sequence[str] | None = None, beats: bool = False) -> Performance:
    """Reads the pitched notes and the sustain pedal of a MIDI file.

    Tracks are merged; channel 10 (drums) is left out. The tracks of a type 2 file, which are independent patterns,
    sound together, as sequencers import them.

    tracks: only tracks of these names (exact, after stripping blanks).
    beats: fill beats_s and beat_in_bar from tempo and time signatures; only sensible where the file is metrical (a
        score, a sequencer's grid), not a recording at a dummy tempo. Empty for a file that counts SMPTE frames.

    MidiFileError: the file is missing, no MIDI file, broken, without a pitched note, without a track of that name, or
    longer than 24 hours.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise MidiFileError(f"{source}: no such file: check the path") from None
    except OSError as error:
        raise MidiFileError(f"{source}: cannot be read ({error.strerror}): check that it is a readable file") from None
    if len(data) < 14 or data[:4] != b"MThd":
        raise MidiFileError(f"{source}: not a MIDI file (no MThd header): give a .mid file")
    division = int.from_bytes(data[12:14], "big")
    parsed = _parse(source, data)
    parts = parsed.parts if tracks is None else _select(source, parsed.parts, tracks)
    notes = np.concatenate([np.zeros((0, 4), dtype=np.int64), *(part.notes for part in parts)])
    if len(notes) == 0:
        raise MidiFileError(f"{source}: holds no pitched notes: give a file with at least one note outside channel 10")
    try:
        tempo_map = TempoMap.from_division(division, parsed.tempos)
    except ValueError as error:
        raise MidiFileError(f"{source}: {error}: export the file again") from None
    end_tick = int((notes[:, 0] + notes[:, 1]).max())
    length_s = float(tempo_map.to_seconds(end_tick))
    if length_s > MAX_LENGTH_S:
        raise MidiFileError(f"{source}: lasts {length_s / 3600:.0f} hours, more than 24: its delta times are broken")
    beats_s, beat_in_bar = np.zeros(0), np.zeros(0, dtype=np.int64)
    if beats and not division & 0x8000:
        beats_s, beat_in_bar = _beats(source, division, parsed, tempo_map, end_tick)
    pedal_s, pedal_down = _pedal(parts, tempo_map)
    return Performance(_notes(notes, tempo_map), pedal_s, pedal_down, beats_s, beat_in_bar)


def _parse(source: Path, data: bytes) -> _Parsed:
    try:
        return _parse_symusic(data)
    except (RuntimeError, ValueError, OverflowError) as refusal:
        try:
            return _parse_mido(data)
        # mido meets broken bytes with whatever its parsing runs into: EOFError, KeyError, IndexError, OSError, ...
        except Exception as error:
            reason = f"{refusal}".removeprefix("MiniMidi: ").removesuffix(": iostream error")
            second = f"; mido: {error}" if str(error) else ""
            text = " ".join(f"{reason}{second}".split())
            raise MidiFileError(f"{source}: broken MIDI file ({text}): export it again") from None


def _parse_symusic(data: bytes) -> _Parsed:
    score: Any = symusic.Score.from_midi(data)
    parsed = _Parsed(
        tempos=[(tempo.time, tempo.mspq) for tempo in score.tempos],
        time_signatures=[(sig.time, sig.numerator, sig.denominator) for sig in score.time_signatures],
    )
    for track in score.tracks:
        if track.is_drum:
            continue
        columns = track.notes.numpy()
        notes = np.stack([columns[k] for k in ("time", "duration", "pitch", "velocity")], axis=1).astype(np.int64)
        controls = track.controls.numpy()
        pedal = np.stack([controls["time"], controls["value"]], axis=1).astype(np.int64)
        parsed.parts.append(_Part(track.name.strip(), notes, pedal[controls["number"] == SUSTAIN_CC]))
    # symusic counts ticks in 32 bits: a sum of delta times beyond that comes back wrapped.
    if any((part.notes < 0).any() or (part.pedal < 0).any() for part in parsed.parts):
        raise ValueError("times beyond 2^31 ticks")
    return parsed


def _parse_mido(data: bytes) -> _Parsed:
    parsed = _Parsed()
    for track in mido.MidiFile(file=io.BytesIO(data), clip=True).tracks:
        tick = 0
        notes: list[tuple[int, int, int, int]] = []
        pedal: list[tuple[int, int]] = []
        open_notes: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                parsed.tempos.append((tick, message.tempo))
            elif message.type == "time_signature":
                parsed.time_signatures.append((tick, message.numerator, message.denominator))
            elif message.type == "control_change" and message.channel != DRUM_CHANNEL:
                if message.control == SUSTAIN_CC:
                    pedal.append((tick, message.value))
            elif message.type in ("note_on", "note_off") and message.channel != DRUM_CHANNEL:
                sounding = open_notes[message.channel, message.note]
                if message.type == "note_on" and message.velocity > 0:
                    sounding.append((tick, message.velocity))
                elif sounding:  # the oldest note of that key ends first, as in symusic
                    start, velocity = sounding.popleft()
                    notes.append((start, tick - start, message.note, velocity))
        # A note that nobody ended sounds to the end of its track.
        for (_, pitch), rest in open_notes.items():
            notes.extend((start, tick - start, pitch, velocity) for start, velocity in rest)
        columns = np.array(notes, dtype=np.int64).reshape(-1, 4)
        parsed.parts.append(_Part(track.name.strip(), columns, np.array(pedal, dtype=np.int64).reshape(-1, 2)))
    return parsed


def _select(source: Path, parts: list[_Part], names: Sequence[str]) -> list[_Part]:
    missing = set(names) - {part.name for part in parts}
    if missing:
        there = ", ".join(sorted({repr(part.name) for part in parts if len(part.notes)})) or "none"
        raise MidiFileError(f"{source}: no track named {', '.join(sorted(missing))}: its tracks are {there}")
    return [part for part in parts if part.name in names]


def _notes(columns: npt.NDArray[np.int64], tempo_map: TempoMap) -> Notes:
    start, length, pitch, velocity = columns.T
    return make_notes(tempo_map.to_seconds(start), tempo_map.to_seconds(start + length), pitch, velocity)


def _pedal(parts: list[_Part], tempo_map: TempoMap) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Pedal changes of all parts as one pedal: down while any part's is. Repeats of a state are dropped."""
    events = [(part.pedal[:, 0], part.pedal[:, 1] >= PEDAL_THRESHOLD, i) for i, part in enumerate(parts)]
    tick = np.concatenate([np.zeros(0, dtype=np.int64), *(e[0] for e in events)])
    if len(tick) == 0:
        return np.zeros(0), np.zeros(0, dtype=bool)
    down = np.concatenate([e[1] for e in events])
    owner = np.concatenate([np.full(len(e[0]), e[2]) for e in events])
    order = np.argsort(tick, kind="stable")
    tick, down, owner = tick[order], down[order], owner[order]
    step = np.zeros(len(tick), dtype=np.int64)  # +1 where a part's pedal goes down, -1 where it rises
    for part in np.unique(owner):
        mine = np.flatnonzero(owner == part)
        step[mine] = np.diff(down[mine].astype(np.int64), prepend=0)
    state = np.cumsum(step) > 0
    changed = np.diff(state.astype(np.int64), prepend=0) != 0
    return tempo_map.to_seconds(tick[changed]), state[changed]


def _beats(
    source: Path, division: int, parsed: _Parsed, tempo_map: TempoMap, end_tick: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    shortest = max((d for _, _, d in parsed.time_signatures), default=4)
    if end_tick / division * max(shortest, 4) / 4 > MAX_BEATS:
        raise MidiFileError(f"{source}: has more than {MAX_BEATS} beats: its delta times or time signatures are broken")
    ticks, in_bar = beat_grid(division, parsed.time_signatures, end_tick)
    whole = np.floor(ticks).astype(np.int64)
    # A beat between two ticks (odd divisions under small denominators) lies at its share of the tick.
    at, following = tempo_map.to_seconds(whole), tempo_map.to_seconds(whole + 1)
    return at + (ticks - whole) * (following - at), in_bar
