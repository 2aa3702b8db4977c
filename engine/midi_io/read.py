"""Standard MIDI File -> Performance."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from engine.errors import MidiFileError
from engine.midi_io.parse import DRUM_CHANNEL, Parsed, parse
from engine.midi_io.pedal import MAX_NOTE_S
from engine.midi_io.select import decode_text, select
from engine.midi_io.tempo_map import TempoMap, beat_grid
from engine.notes import Notes, Performance, TimedText, make_notes

__all__ = ["read_bytes", "read_performance"]

MAX_BYTES = 4 * 2**20  # an hour of piano has some 0.3 MB; reading takes 50 bytes of memory for each of these
MAX_LENGTH_S = 24 * 3600.0  # longer is a broken delta time; its silence alone would fill memory downstream
MAX_BEATS = 1_000_000
MAX_REPAIRS = 8  # named one by one
GARBLED_SHARE, FEWEST_PARTED = 0.03, 6  # of the notes: beginnings without an end, ends without a beginning
PEDAL_THRESHOLD = 64  # General MIDI: 64 and above is down

_KINDS: dict[int, Literal["lyric", "marker", "text", "cue"]] = {1: "text", 5: "lyric", 6: "marker", 7: "cue"}
_JAPANESE = (b"@LJAP", b"@LJPN", b"@LJA", b"{@JP")  # karaoke files name their language


def read_performance(path: str | Path, *, tracks: str | Sequence[str] = "all", beats: bool = False) -> Performance:
    """Reads the pitched notes, the sustain pedal and the texts of a MIDI file, damaged ones as far as they are whole.

    Tracks are merged; channel 10 (drums) is left out. The tracks of a type 2 file, which are independent patterns,
    follow one another. Every note lasts at least one tick; one longer than MAX_NOTE_S is cut there. What was mended is
    told in `repairs`, what was chosen in `selection`.

    tracks: "all", "auto" (the piano: see engine.midi_io.select) or names (exact, after stripping blanks), with the
        pedal of the chosen tracks and of tracks without notes.
    beats: fill beats_s and beat_in_bar from tempo and time signatures; only sensible where the file is metrical (a
        score, a sequencer's grid), not a recording at a dummy tempo. Empty for a file that counts SMPTE frames.

    MidiFileError: the file is missing, no regular file, larger than MAX_BYTES, no MIDI file, broken, without a pitched
    note, without such a track, or longer than 24 hours.
    """
    source = Path(path)
    data = read_bytes(source)
    try:
        parsed = parse(data)
        tempo_map = TempoMap.from_division(parsed.division, parsed.tempos)
        chosen, selection = select(parsed, tracks)
    except ValueError as error:
        raise MidiFileError(f"{source}: {error}") from None
    notes = parsed.notes[chosen]
    if len(notes) == 0:
        damage = f" ({parsed.repairs[0]})" if parsed.repairs else ""
        raise MidiFileError(
            f"{source}: holds no pitched notes{damage}: give a file with at least one note outside channel 10"
        )
    end_tick = int((notes[:, 0] + notes[:, 1]).max())
    length_s = float(tempo_map.to_seconds(end_tick))
    if length_s > MAX_LENGTH_S:
        raise MidiFileError(f"{source}: lasts {length_s / 3600:.0f} hours, more than 24: its delta times are broken")
    beats_s, beat_in_bar = np.zeros(0), np.zeros(0, dtype=np.int64)
    if beats and not parsed.division & 0x8000:
        beats_s, beat_in_bar = _beats(source, parsed, tempo_map, end_tick)
    pedal_s, pedal_down = _pedal(parsed, notes, tempo_map)
    played = _notes(notes, tempo_map, parsed.repairs)
    texts = _texts(parsed, tempo_map)
    doubt = _doubt(parsed)
    return Performance(
        played, pedal_s, pedal_down, beats_s, beat_in_bar, texts, _in_short(parsed.repairs), selection, doubt
    )  # fmt: skip


def read_bytes(source: Path) -> bytes:
    """The bytes of a regular file of a sane size: opening a pipe or a device could wait for ever."""
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, socket or device"
            raise MidiFileError(f"{source}: cannot be read ({what}): give a .mid file")
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise MidiFileError(f"{source}: no such file: check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise MidiFileError(f"{source}: cannot be read ({reason}): check that it is a readable file") from None
    if len(data) > MAX_BYTES:
        size = f"larger than {MAX_BYTES // 2**20} MB"
        raise MidiFileError(f"{source}: {size}, which no MIDI file of music is: take it apart or thin it out")
    return data


def _in_short(repairs: list[str]) -> tuple[str, ...]:
    different = list(dict.fromkeys(repairs))
    rest = len(different) - MAX_REPAIRS
    return (*different[:MAX_REPAIRS], *((f"and {rest} more",) if rest > 0 else ()))


def _doubt(parsed: Parsed) -> str:
    """Why the bytes can hardly be what somebody played or wrote; empty where nothing says so.

    Of 712 files of twelve collections the worst has 0.0004 of its notes without a beginning or an end. Where a track's
    blocks were shuffled, or bytes left out of it, beginnings and ends part.
    """
    count, parted = int((parsed.notes[:, 5] != DRUM_CHANNEL).sum()), parsed.endless + parsed.needless
    if parsed.damaged and parted >= max(FEWEST_PARTED, GARBLED_SHARE * count):
        return f"its bytes are garbled ({parted:,} beginnings and ends of {count:,} notes are alone): export it again"
    if count >= FEWEST_PARTED and 2 * parsed.endless > count:
        return f"most of its notes have no end ({parsed.endless:,} of {count:,}): export it again"
    return ""


def _notes(columns: npt.NDArray[np.int64], tempo_map: TempoMap, repairs: list[str]) -> Notes:
    start, length, pitch, velocity = columns[:, :4].T
    onset_s, offset_s = tempo_map.to_seconds(start), tempo_map.to_seconds(start + length)
    endless = offset_s - onset_s > MAX_NOTE_S
    if endless.any():
        repairs.append(f"{int(endless.sum())} notes longer than {MAX_NOTE_S:.0f} s cut there")
        offset_s = np.minimum(offset_s, onset_s + MAX_NOTE_S)
    return make_notes(onset_s, offset_s, pitch, velocity)


def _texts(parsed: Parsed, tempo_map: TempoMap) -> tuple[TimedText, ...]:
    if not parsed.texts:
        return ()
    japanese = any(text.startswith(_JAPANESE) for _, _, text in parsed.texts)
    encoding = "cp932" if japanese else "cp1252"
    times = tempo_map.to_seconds([tick for tick, _, _ in parsed.texts]).tolist()
    return tuple(
        TimedText(time_s, _KINDS[kind], decode_text(text, encoding))
        for time_s, (_, kind, text) in zip(times, parsed.texts, strict=True)
    )


def _pedal(
    parsed: Parsed, notes: npt.NDArray[np.int64], tempo_map: TempoMap
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Pedal changes of all parts as one pedal: down while any part's is. Repeats of a state are dropped."""
    part_of_notes = notes[:, 4] * 16 + notes[:, 5]
    tick, value, track, channel = parsed.pedal.T
    # A part's own pedal, and those of tracks without notes, as sequencers write it.
    alone = ~np.isin(track, parsed.notes[:, 4])
    owner = track * 16 + channel
    mine = np.flatnonzero(np.isin(owner, part_of_notes) | alone & (channel != DRUM_CHANNEL))
    mine = mine[np.argsort(tick[mine], kind="stable")]
    tick, owner, down = tick[mine], owner[mine], value[mine] >= PEDAL_THRESHOLD
    # +1 where a part's pedal goes down, -1 where it rises: differences within each part.
    by_owner = np.argsort(owner, kind="stable")
    state, owner = down[by_owner].astype(np.int64), owner[by_owner]
    before = np.concatenate([[0], state[:-1]])[: len(state)]
    before[np.flatnonzero(np.diff(owner, prepend=-1))] = 0
    step = np.empty_like(state)
    step[by_owner] = state - before
    pressed = np.cumsum(step) > 0
    changed = np.diff(pressed.astype(np.int64), prepend=0) != 0
    return tempo_map.to_seconds(tick[changed]), pressed[changed]


def _beats(
    source: Path, parsed: Parsed, tempo_map: TempoMap, end_tick: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    shortest = max((d for _, _, d in parsed.time_signatures), default=4)
    if end_tick / parsed.division * max(shortest, 4) / 4 > MAX_BEATS:
        raise MidiFileError(f"{source}: has more than {MAX_BEATS} beats: its delta times or time signatures are broken")
    ticks, in_bar = beat_grid(parsed.division, parsed.time_signatures, end_tick)
    whole = np.floor(ticks).astype(np.int64)
    # A beat between two ticks (odd divisions under small denominators) lies at its share of the tick.
    at, following = tempo_map.to_seconds(whole), tempo_map.to_seconds(whole + 1)
    return at + (ticks - whole) * (following - at), in_bar
