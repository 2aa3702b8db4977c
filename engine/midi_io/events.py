"""Reads the events of one track's body, in numpy.

Nearly all bytes of a track are channel messages with two data bytes. A regular expression finds how far a run of them
reaches, and since delta times and data end in bytes below 128, every third such byte ends a message: numpy takes a
run apart whole. What lies between the runs (meta, SysEx, program changes, damage) is read one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.arrays import I64
from engine.midi_io.container import Track

__all__ = ["MAX_DELTA", "MUSIC_BEHIND_END", "Channel", "Events", "Single", "read_events"]

MUSIC_BEHIND_END = "music behind its end read"  # a repair that speaks of no damage

MAX_DELTA = 2**28 - 1  # ticks, the longest that a file can hold
_MAX_NUMBER_BYTES = 8  # the standard allows four; leading zeros do no harm
_META, _END_OF_TRACK = 0xFF, 0x2F
_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1}  # data bytes of system common messages; the rest have none
_ANY_TWO_DATA = 0x80  # running status of which only the number of data bytes matters

_DELTA, _STATUS, _DATA = rb"[\x80-\xff]{0,3}[\x00-\x7f]", rb"[\x80-\xbf\xe0-\xef]", rb"[\x00-\x7f]{2}"
_SHORT_META = rb"(?:(%b)\xff([\x00-\x7f])[\x00-\x7f])?" % _DELTA
# A run of messages, and the meta event behind it where there is one. Bounded: re keeps a record a repeat.
_MORE = rb"(?:%b%b?%b){0,20000}" % (_DELTA, _STATUS, _DATA)
_RUN = re.compile(rb"(%b)%b" % (_MORE, _SHORT_META), re.DOTALL)
_RUN_WITH_STATUS = re.compile(rb"((?:%b%b%b%b)?)%b" % (_DELTA, _STATUS, _DATA, _MORE, _SHORT_META), re.DOTALL)


class Single(NamedTuple):
    """A meta event (status FF; kind, payload) or a program change (status C0-CF; kind is the program)."""

    tick: int
    status: int
    kind: int
    payload: bytes


class Channel(NamedTuple):
    """(N,) channel messages with two data bytes, in file order."""

    tick: I64
    status: npt.NDArray[np.uint8]
    first: npt.NDArray[np.uint8]
    second: npt.NDArray[np.uint8]


@dataclass
class Events:
    """end_tick: where the track ends; unread: bytes given up as damaged; repairs: what was mended, for people."""

    channel: Channel
    singles: list[Single]
    end_tick: int
    unread: int = 0
    repairs: list[str] = field(default_factory=list)
    steps: int = 0  # what reading them cost


class _DamageError(Exception):
    """Raised where the bytes from here on are no events."""


class _EndError(Exception):
    """Raised where the bytes end inside an event."""


class _Scan:
    """One pass over a body: two-data-byte messages go to `regular` as they are, the rest to `singles`."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at = body, 0
        self.regular = bytearray()
        self.singles: list[tuple[int, int, int, int, bytes]] = []  # len(regular) so far, delta, status, kind, payload
        self.running = 0  # status that data without one belongs to
        self.repairs: dict[str, None] = {}  # ordered, each once

    def step(self) -> bool:
        """Reads a run and what follows it; returns whether that is an end of track."""
        pattern = _RUN if self.running and self.running & 0xE0 != 0xC0 else _RUN_WITH_STATUS
        found = pattern.match(self.body, self.at)
        assert found is not None  # all of the pattern is optional
        run, delta, kind = found.groups()
        if run:
            self.regular += run
            self.at += len(run)
            self.running = _ANY_TWO_DATA
        if kind is not None:
            at = found.end()
            stop = at + self.body[at - 1]
            if stop <= len(self.body):
                ticks = delta[0] if len(delta) == 1 else _variable_length(delta, 0)[0]
                self._add(ticks, _META, kind[0], self.body[at:stop])
                self.at = stop
                return bool(kind[0] == _END_OF_TRACK)
        if self.at < len(self.body):
            self._single()
        return False

    def _single(self) -> None:
        begin, body = self.at, self.body
        try:
            delta, at = _variable_length(body, begin)
            status = body[at]
            if status < 0x80:
                if not self.running:
                    raise _DamageError(f"0x{status:02X} where a status byte belongs")
                status, explicit = self.running, False
            else:
                at, explicit = at + 1, True
            if status >= 0xF0:
                self._system(delta, status, at)
            elif status & 0xE0 == 0xC0:
                program = body[at]
                if program > 127:
                    self.repairs["data bytes above 127 taken for 127"] = None
                kept = status if status < 0xD0 else 0  # channel pressure is only waited for
                self._add(delta, kept, min(program, 127))
                self.at, self.running = at + 1, status
            else:  # two data bytes that no run took: one of them is no data byte, or the delta time is too long
                first, second = body[at], body[at + 1]
                if first > 127 or second > 127:
                    self.repairs["data bytes above 127 taken for 127"] = None
                self.regular += _as_variable_length(delta)
                if explicit:
                    self.regular.append(status)
                self.regular += bytes((min(first, 127), min(second, 127)))
                self.at, self.running = at + 2, _ANY_TWO_DATA
        except IndexError:
            raise _EndError from None

    def _system(self, delta: int, status: int, at: int) -> None:
        body, kind = self.body, 0
        if status == _META:
            kind, at = body[at], at + 1
        elif status not in (0xF0, 0xF7):  # no message of a file: MIDI 1.0 says how long it is, or to ignore it
            self.repairs[f"system message {status:02X} skipped"] = None
            self._add(delta, 0, 0)
            self.at = at + _SYSTEM_DATA.get(status, 0)
            return
        length, at = _variable_length(body, at)
        stop = at + length
        if stop > len(body):
            closing = body.find(b"\xf7", at) if status == 0xF0 else -1
            if closing < 0:
                raise _EndError
            self.repairs["length of a SysEx was wrong"] = None
            stop = closing + 1
        self._add(delta, status if status == _META else 0, kind, body[at:stop] if status == _META else b"")
        self.at = stop

    def _add(self, delta: int, status: int, kind: int, payload: bytes = b"") -> None:
        self.singles.append((len(self.regular), delta, status, kind, payload))


def read_events(track: Track, max_steps: int) -> Events:
    """Reads all events of a track. Damage ends it: `repairs` says where, `unread` how much was lost.

    Music behind an end of track inside the chunk (files merged from two takes have it) is read; padding there is not.
    ValueError: more than max_steps events that have to be read one by one (meta, SysEx, program changes, damaged ones).
    """
    scan = _Scan(track.body)
    end = None  # (at, len(regular), len(singles)) at the latest end of track
    steps = unread = 0
    try:
        while scan.at < len(scan.body):
            steps += 1
            if steps > max_steps:
                raise ValueError(
                    "more text, tempo, system or damaged events than music has: export the file without them"
                )
            if scan.step():
                end = (scan.at, len(scan.regular), len(scan.singles))
                scan.running = 0
                if not track.exact:
                    break
        if end is None:
            scan.repairs["no end of track: ends with its last event"] = None
        elif len(scan.regular) > end[1]:
            scan.repairs[MUSIC_BEHIND_END] = None
    except (_DamageError, _EndError) as damage:
        if end is not None:
            del scan.regular[end[1] :], scan.singles[end[2] :]
            if scan.body[end[0] :].strip(b"\0"):
                scan.repairs[f"{len(scan.body) - end[0]} bytes behind its end ignored"] = None
        elif isinstance(damage, _EndError):
            scan.repairs["cut off inside an event"] = None
        else:
            unread = len(scan.body) - scan.at
            scan.repairs[f"unreadable from byte {track.start + scan.at} on ({damage}): what lies before is kept"] = None
    return _assemble(scan, unread, steps)


def _assemble(scan: _Scan, unread: int, steps: int) -> Events:
    """Puts both kinds of events on one line of ticks."""
    delta, status, first, second, stops = _take_apart(bytes(scan.regular))
    own = np.concatenate([[0], np.cumsum(delta)])  # ticks of the regular events alone
    before = np.searchsorted(stops, [single[0] for single in scan.singles], side="right")  # regular ones before each
    between = np.cumsum([0, *(single[1] for single in scan.singles)])
    single_tick = (own[before] + between[1:]).tolist()
    tick = own[1:] + between[np.searchsorted(before, np.arange(len(delta)), side="right")]
    singles = [Single(t, s, k, p) for t, (_, _, s, k, p) in zip(single_tick, scan.singles, strict=True) if s]
    end_tick = int(own[-1] + between[-1])
    return Events(Channel(tick, status, first, second), singles, end_tick, unread, list(scan.repairs), steps)


def _take_apart(data: bytes) -> tuple[I64, npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8], I64]:
    """A run -> delta ticks, status, two data bytes, and where each message stops. Running status is filled in."""
    byte = np.frombuffer(data, dtype=np.uint8)
    low = np.flatnonzero(byte < 0x80).reshape(-1, 3)  # the ends of delta time, first and second data byte
    delta_end, first, second = low.T
    stops = second + 1
    delta = byte[delta_end].astype(np.int64)
    longer = delta_end - np.concatenate([[0], stops[:-1]]) if len(low) else delta  # bytes of the delta before its last
    for k in (1, 2, 3):
        mine = np.flatnonzero(longer >= k)
        delta[mine] += (byte[delta_end[mine] - k] & 0x7F).astype(np.int64) << (7 * k)
    explicit = first - delta_end == 2
    latest = np.maximum.accumulate(np.where(explicit, np.arange(len(low)), 0))
    return delta, byte[first[latest] - 1], byte[first], byte[second], stops


def _variable_length(body: bytes, at: int) -> tuple[int, int]:
    """Reads a number of variable length; returns its value and where it stops."""
    value = 0
    for here in range(at, at + _MAX_NUMBER_BYTES):
        byte = body[here]
        value = value << 7 | byte & 0x7F
        if value > MAX_DELTA:
            break
        if byte < 0x80:
            return value, here + 1
    raise _DamageError("a number of more than 28 bits")


def _as_variable_length(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))
