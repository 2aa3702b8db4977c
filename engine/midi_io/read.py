"""Standard MIDI File -> Performance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import MidiFileError
from engine.midi_io.parse import Parsed, Part, parse
from engine.midi_io.tempo_map import TempoMap, beat_grid
from engine.notes import Notes, Performance, make_notes

__all__ = ["read_performance"]

PEDAL_THRESHOLD = 64  # General MIDI: 64 and above is down
MAX_LENGTH_S = 24 * 3600.0  # longer is a broken delta time; its silence alone would fill memory downstream
MAX_BEATS = 1_000_000


def read_performance(path: str | Path, *, tracks: Sequence[str] | None = None, beats: bool = False) -> Performance:
    """Reads the pitched notes and the sustain pedal of a MIDI file.

    Tracks are merged; channel 10 (drums) is left out. The tracks of a type 2 file, which are independent patterns,
    sound together, as sequencers import them.

    tracks: only notes of tracks of these names (exact, after stripping blanks), with the pedal of tracks without notes.
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
    try:
        parsed = parse(data)
    except ValueError as error:
        raise MidiFileError(f"{source}: broken MIDI file ({error}): export it again") from None
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


def _select(source: Path, parts: list[Part], names: Sequence[str]) -> list[Part]:
    missing = set(names) - {part.name for part in parts if len(part.notes)}
    if missing:
        there = ", ".join(sorted({repr(part.name) for part in parts if len(part.notes)})) or "none"
        raise MidiFileError(f"{source}: no track named {', '.join(sorted(missing))}: its tracks are {there}")
    return [part for part in parts if part.name in names or len(part.notes) == 0]


def _notes(columns: npt.NDArray[np.int64], tempo_map: TempoMap) -> Notes:
    start, length, pitch, velocity = columns.T
    return make_notes(tempo_map.to_seconds(start), tempo_map.to_seconds(start + length), pitch, velocity)


def _pedal(parts: list[Part], tempo_map: TempoMap) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
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
    source: Path, division: int, parsed: Parsed, tempo_map: TempoMap, end_tick: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    shortest = max((d for _, _, d in parsed.time_signatures), default=4)
    if end_tick / division * max(shortest, 4) / 4 > MAX_BEATS:
        raise MidiFileError(f"{source}: has more than {MAX_BEATS} beats: its delta times or time signatures are broken")
    ticks, in_bar = beat_grid(division, parsed.time_signatures, end_tick)
    whole = np.floor(ticks).astype(np.int64)
    # A beat between two ticks (odd divisions under small denominators) lies at its share of the tick.
    at, following = tempo_map.to_seconds(whole), tempo_map.to_seconds(whole + 1)
    return at + (ticks - whole) * (following - at), in_bar
