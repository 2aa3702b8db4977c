"""Parses the bytes of a MIDI file: notes, pedal, programs, tempos, time signatures and texts in ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.midi_io.container import open_container
from engine.midi_io.events import MUSIC_BEHIND_END, Channel, Events, read_events
from engine.midi_io.mode_messages import lifts, mode_messages, pedal_rows, placed

__all__ = ["DRUM_CHANNEL", "MAX_NOTES", "MAX_STEPS", "NO_PROGRAM", "Parsed", "parse"]

MAX_NOTES = 500_000  # two hours of the densest piano music hold 200,000
MAX_STEPS = 100_000  # meta, system and program events, and damaged ones: a bound on time
MAX_TIME_SIGNATURES = 10_000
DRUM_CHANNEL = 9  # channel 10 as musicians count
NO_PROGRAM = -1  # the channel never got a program change; General MIDI then plays a piano
_MAX_BEAT_POWER = 6  # a 64th; larger denominators are broken

_TEXT, _TRACK_NAME, _INSTRUMENT_NAME = 0x01, 0x03, 0x04
_LYRIC, _MARKER, _CUE, _TEMPO, _TIME_SIGNATURE = 0x05, 0x06, 0x07, 0x51, 0x58
_TEXT_KINDS = (_TEXT, _LYRIC, _MARKER, _CUE)


@dataclass
class Parsed:
    """What a file holds.

    notes: (N, 7) start tick, length, pitch, velocity, track, channel, program; pedal: (P, 4) tick, value, track,
    channel; names: a track's name and instrument name, as bytes; tempos: (tick, us a quarter note); time_signatures:
    (tick, numerator, denominator); texts: (tick, meta type, bytes), all three by tick; repairs: what was mended, one
    line each; endless: notes that nobody ended; needless: ends of notes that nobody began, both without drums, which
    need no end; damaged: tracks are cut off, or hold bytes that are no events.
    """

    division: int
    notes: I64
    pedal: I64
    names: list[bytes] = field(default_factory=list)
    tempos: list[tuple[int, int]] = field(default_factory=list)
    time_signatures: list[tuple[int, int, int]] = field(default_factory=list)
    texts: list[tuple[int, int, bytes]] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    endless: int = 0
    needless: int = 0
    damaged: bool = False


def parse(data: bytes) -> Parsed:
    """Parses a whole file, header included.

    The tracks of a type 2 file are independent pieces: they follow one another, each with its own tempos and metre.
    ValueError, one line with the remedy: no MIDI file, more damage than music, or more of something than a file of
    music holds (MAX_NOTES and the like).
    """
    frame = open_container(data)
    parsed = Parsed(frame.division, np.zeros((0, 7), np.int64), np.zeros((0, 4), np.int64), repairs=frame.repairs)
    tracks: list[Events] = []
    offsets: list[int] = []
    unread = note_count = offset = steps = 0
    for number, chunk in enumerate(frame.tracks):
        events = read_events(chunk, MAX_STEPS - steps)
        steps += events.steps
        parsed.repairs += [f"track {number + 1}: {repair}" for repair in events.repairs]
        unread += events.unread
        parsed.damaged |= not chunk.exact or not {*events.repairs} <= {MUSIC_BEHIND_END}
        _read_meta(parsed, events, offset)
        tracks.append(events)
        offsets.append(offset)
        note_count += int(_strikes(events.channel).sum())
        if note_count > 2 * MAX_NOTES:
            raise ValueError(f"more than {MAX_NOTES:,} notes: take the file apart")
        if frame.kind == 2 and number + 1 < len(frame.tracks):
            offset += events.end_tick
            # The next pattern knows nothing of this one's tempo and metre.
            parsed.tempos.append((offset, 500_000))
            parsed.time_signatures.append((offset, 4, 4))
    if 2 * unread > sum(len(chunk.body) for chunk in frame.tracks):
        damage = next(repair for repair in parsed.repairs if "unreadable" in repair).partition(":")
        raise ValueError(f"{damage[0]}:{damage[2].rpartition(':')[0]}: export the file again")
    if len(parsed.time_signatures) > MAX_TIME_SIGNATURES:
        raise ValueError(f"more than {MAX_TIME_SIGNATURES:,} time signatures: export the file without them")
    # Those of one tick stay as they stand.
    parsed.tempos.sort(key=itemgetter(0))
    parsed.time_signatures.sort(key=itemgetter(0))
    parsed.texts.sort(key=itemgetter(0))
    _read_channels(parsed, tracks, offsets, separate=frame.kind == 2)
    return parsed


def _read_channels(parsed: Parsed, tracks: list[Events], offsets: list[int], *, separate: bool) -> None:
    """Returns notes and pedal. separate: the tracks are pieces of their own."""
    programs = _programs(tracks, separate=separate)
    modes = [mode_messages(events.channel) for events in tracks]
    # A track without notes speaks for the channel in all tracks, as sequencers write it; the others for themselves.
    speaking = [n for n, found in enumerate(modes) if len(found) and not _strikes(tracks[n].channel).any()]
    notes, pedal = [parsed.notes], [parsed.pedal]
    for number, (events, offset) in enumerate(zip(tracks, offsets, strict=True)):
        channel = events.channel
        others = [] if separate else [placed(modes[n], channel) for n in speaking if n != number]
        messages = np.concatenate([modes[number], *others])
        messages = messages[np.argsort(messages[:, 0], kind="stable")]
        if _strikes(channel).any():
            paired, endless, needless = _pair(channel, messages, events.end_tick)
            parsed.endless += endless
            parsed.needless += needless
            notes.append(_with_programs(number, offset, paired, programs))
        rows = pedal_rows(channel, messages)
        rows[:, 0] += offset
        pedal.append(np.insert(rows, 2, number, axis=1))
    parsed.notes, parsed.pedal = np.concatenate(notes), np.concatenate(pedal)


def _strikes(channel: Channel) -> npt.NDArray[np.bool_]:
    """Marks the messages that begin or end a note."""
    strikes: npt.NDArray[np.bool_] = channel.status & 0xE0 == 0x80
    return strikes


def _read_meta(parsed: Parsed, events: Events, offset: int) -> None:
    name = instrument = b""
    for tick, status, kind, payload in events.singles:
        if status != 0xFF:
            continue
        if kind in _TEXT_KINDS:
            parsed.texts.append((tick + offset, kind, payload))
        elif kind == _TRACK_NAME:
            name = name or payload
        elif kind == _INSTRUMENT_NAME:
            instrument = instrument or payload
        elif kind == _TEMPO:
            if len(payload) >= 3 and any(payload[:3]):
                parsed.tempos.append((tick + offset, int.from_bytes(payload[:3], "big")))
            else:
                what = "0 us" if len(payload) >= 3 else f"{len(payload)} bytes"
                parsed.repairs.append(f"a tempo of {what} ignored")
        elif kind == _TIME_SIGNATURE:
            if len(payload) < 2:
                parsed.repairs.append(f"a time signature of {len(payload)} bytes ignored")
            elif payload[0] and payload[1] <= _MAX_BEAT_POWER:
                parsed.time_signatures.append((tick + offset, payload[0], 1 << payload[1]))
            else:
                parsed.repairs.append(f"time signature {payload[0]}/2^{payload[1]} ignored")
    parsed.names.append(name + b"\n" + instrument)


def _pair(channel: Channel, modes: I64, end_tick: int) -> tuple[I64, int, int]:
    """(N, 5) start, length, pitch, velocity, channel of a track's notes; how many had no end, and ends no note, but
    for drums.

    modes: its channel mode messages. Of two equal notes the older ends first; an end without a beginning is nothing; a
    note that nobody ended lasts to where all keys of its channel come up, or to the end of the track; a note lasts at
    least one tick. All keys are done at once; for one key, in a track that ends at 192:

        tick              0    24   48   72   96   120  144
        message           off  on   on   off  off  off  on
        level            -1    0    1    0   -1   -2   -1     starts less ends, up to here
        lowest before     0   -1   -1   -1   -1   -1   -2     the lowest of 0 and all levels so far
        ends a note       no             yes  yes  no         an `off` that brings the level no lower than ever

    The k-th end belongs to the k-th start: notes last from 24 to 72, from 48 to 96, and the third, which nobody ended,
    from 144 to 192.
    """
    mine = np.flatnonzero(_strikes(channel))
    key = (channel.status[mine] & 0x0F).astype(np.uint16) << 7 | channel.first[mine]
    until, lifted = np.full(len(mine), end_tick), np.zeros(len(mine), dtype=bool)
    for number in np.unique(modes[:, 2]).tolist():
        # Between two moments at which all keys come up, a pitch is a key of its own.
        after, ticks = lifts(modes, number)
        own = key >> 7 == number
        span = np.searchsorted(after, mine[own], side="right")
        until[own], lifted[own] = np.append(ticks, end_tick)[span], span < len(ticks)
        key = key.astype(np.int64)
        key[own] |= span << 11
    order = np.argsort(key, kind="stable")
    mine, key, until, lifted = mine[order], key[order].astype(np.int64), until[order], lifted[order]
    on = (channel.status[mine] & 0x10 != 0) & (channel.second[mine] > 0)
    # How many notes of a key sound after each event, if ends without a beginning counted as -1. Every key starts on a
    # lower floor than all before it, so one running minimum over all keys finds the events that fall below it.
    balance = np.cumsum(np.where(on, 1, -1))
    first_of_key = np.flatnonzero(np.diff(key, prepend=-1))
    index_of_key = np.cumsum(np.diff(key, prepend=-1) != 0) - 1
    floor = -index_of_key * (len(mine) + 1)
    level = balance - np.concatenate([[0], balance])[first_of_key][index_of_key] + floor
    lowest = np.minimum.accumulate(level)
    lowest_before = np.minimum(floor, np.concatenate([[0], lowest[:-1]]))
    starts = np.flatnonzero(on)
    ends = np.flatnonzero(~on & (level >= lowest_before))
    # The k-th end of a key belongs to its k-th start.
    ends_before = np.searchsorted(index_of_key[ends], np.arange(len(first_of_key)))
    starts_before = np.searchsorted(index_of_key[starts], np.arange(len(first_of_key)))
    ends_of_key = np.diff(ends_before, append=len(ends))
    rank = np.arange(len(starts)) - starts_before[index_of_key[starts]]
    ended = rank < ends_of_key[index_of_key[starts]]
    start = channel.tick[mine[starts]]
    stop = until[starts]
    stop[ended] = channel.tick[mine[ends[(ends_before[index_of_key[starts]] + rank)[ended]]]]
    struck = mine[starts]
    columns = [start, np.maximum(stop - start, 1), channel.first[struck], channel.second[struck]]
    paired = np.column_stack([*columns, channel.status[struck] & 0x0F]).astype(np.int64)
    pitched = channel.status[mine] & 0x0F != DRUM_CHANNEL
    endless = (~ended & ~lifted[starts] & pitched[starts]).sum()
    return paired, int(endless), int((~on & pitched).sum() - (ended & pitched[starts]).sum())


_ANY_TRACK = -1
_Changes = dict[tuple[int, int], tuple[I64, I64]]  # (track, channel) -> ticks, programs


def _programs(tracks: list[Events], *, separate: bool) -> _Changes:
    """Program changes by track and channel, and by channel over all tracks (some files set them in a track apart).

    separate: the tracks are pieces of their own, and none speaks for another.
    """
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, events in enumerate(tracks):
        for tick, status, program, _ in events.singles:
            if status & 0xF0 == 0xC0:
                for owner in (number,) if separate else (number, _ANY_TRACK):
                    found.setdefault((owner, status & 0x0F), []).append((tick, program))
    changes: _Changes = {}
    for key, rows in found.items():
        ticks, programs = np.array(sorted(rows, key=lambda row: row[0]), dtype=np.int64).T
        changes[key] = ticks, programs
    return changes


def _with_programs(number: int, offset: int, notes: I64, changes: _Changes) -> I64:
    """(N, 5) notes of a track -> (N, 7). Notes before a channel's first program change belong to it as well."""
    program = np.full(len(notes), NO_PROGRAM, dtype=np.int64)
    for channel in np.unique(notes[:, 4]).tolist():
        known = changes.get((number, channel)) or changes.get((_ANY_TRACK, channel))
        if known:
            mine = notes[:, 4] == channel
            latest = np.searchsorted(known[0], notes[mine, 0], side="right") - 1
            program[mine] = known[1][np.maximum(latest, 0)]
    notes[:, 0] += offset
    return np.insert(np.column_stack([notes, program]), 4, number, axis=1)
