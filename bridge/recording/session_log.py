"""The session log: all that came through a live session's doors, round by round, so that it can be played again.

A session plays what its seed, its parameters, the player's messages, the commands and the readings of its clock make it
play. All of these are written down, as lines of a journal:

    ["session", VERSION, {...}]                    who played: Header
    ["round", {"t": [...], "in": [...], "do": [...], "news": n, "crc": n}]
        t     readings of the clock in the round, each as the difference to the one before
        in    [time_us, hexadecimal bytes] of the player's messages
        do    [name, argument...] of the commands
        news  after so many looks there was something new, which ended the round's generating; left out where not
        crc   of all that went to the scheduler since the session began; left out where it is the last round's
    ["crash", text]                                the round above failed, the next one started afresh
    ["sent", time_us, hexadecimal bytes]           what the deadline thread sent, for the reader's eyes
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from bridge.errors import ReplayError
from bridge.live.inbox import Command, Doors
from bridge.live.playing.delivery import EventSink
from bridge.recording.journal import Journal
from engine.chords import Chart, Chord, ChordSpan, Section, parse_chord
from engine.metre import Metre, parse_metre

__all__ = ["CRASH", "ROUND", "SENT", "SESSION", "VERSION", "CheckedSink", "LoggedDoors", "read_command"]

VERSION: Final = 1
SESSION: Final = "session"
ROUND: Final = "round"
CRASH: Final = "crash"
SENT: Final = "sent"


class CheckedSink:
    """Passes everything on to a scheduler, and keeps a checksum of it."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self.crc = 0

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        """See EventSink."""
        return self._took(self._sink.push(due_us, status, data1, data2), due_us, status, data1, data2)

    def cancel_from(self, due_us: int) -> bool:
        """See EventSink."""
        return self._took(self._sink.cancel_from(due_us), due_us)

    def silence(self) -> bool:
        """See EventSink."""
        return self._took(self._sink.silence())

    def _took(self, taken: bool, *what: int) -> bool:
        if taken:  # else it is tried again
            self.crc = zlib.crc32(struct.pack(f"<{len(what)}q", *what), self.crc + len(what) & 0xFFFFFFFF)
        return taken


class LoggedDoors(Doors):
    """Doors that write down what passes."""

    def __init__(self, clock: Callable[[], int], journal: Journal, sink: CheckedSink) -> None:
        super().__init__(clock)
        self._journal, self._sink = journal, sink
        self._latest_us = 0  # the reading before
        self._crc = 0
        self._round: dict[str, Any] = {"t": []}
        self._looks = 0

    def messages(self) -> list[tuple[int, bytes]]:
        """See Doors."""
        heard = super().messages()
        if heard:
            self._round["in"] = heard
        return heard

    def commands(self) -> Iterator[Command]:
        """See Doors."""
        for name, arguments in super().commands():
            self._round.setdefault("do", []).append([name, *map(_to_json, arguments)])
            yield name, arguments

    def now_us(self) -> int:
        """See Doors."""
        now_us = super().now_us()
        self._round["t"].append(now_us - self._latest_us)
        self._latest_us = now_us
        return now_us

    def has_news(self) -> bool:
        """See Doors."""
        news = super().has_news()
        if news:
            self._round["news"] = self._looks
        self._looks += 1
        return news

    def end_round(self, error: BaseException | None = None) -> None:
        """See Doors."""
        super().end_round(error)
        if self._sink.crc != self._crc:
            self._crc = self._round["crc"] = self._sink.crc
        self._journal.add(ROUND, self._round)
        if error is not None:
            self._journal.add(CRASH, f"{type(error).__name__}: {error}")
        self._round, self._looks = {"t": []}, 0


def read_command(entry: list[Any]) -> Command:
    """A command as it was before it was written down. ReplayError: it is none."""
    name, *arguments = entry
    try:
        if name == "chord" and arguments[0] is not None:
            arguments = [parse_chord(arguments[0])]
        elif name == "chart":
            arguments = [_to_chart(arguments[0])]
    except (ValueError, TypeError, LookupError) as error:
        raise ReplayError(f"the command {entry!r} cannot be read") from error
    return str(name), tuple(arguments)


def _to_json(argument: object) -> object:
    if isinstance(argument, Chord):
        return argument.name
    if isinstance(argument, Chart):
        spans = [[start, end, *_names(chord)] for start, end, chord in argument.spans]
        metre, sections = str(argument.metre), [list(section) for section in argument.sections]
        return {"bars": argument.bars, "metre": metre, "spans": spans, "sections": sections}
    return argument


def _names(chord: Chord | None) -> tuple[str | None, ...]:
    """What the model hears and, where it is something else, what was written."""
    if chord is None:
        return (None,)
    return (chord.name,) if chord.label == chord.name else (chord.name, chord.label)


def _named(name: str | None, written: str | None = None) -> Chord | None:
    chord = None if name is None else parse_chord(name)
    return chord if chord is None or written is None else replace(chord, written=written)


def _to_chart(fields: dict[str, Any]) -> Chart:
    spans = [ChordSpan(start, end, _named(*names)) for start, end, *names in fields["spans"]]
    # Logs of before metres had two numbers name quarters.
    metre = parse_metre(fields["metre"]) if "metre" in fields else Metre(fields["beats_per_bar"])
    sections = tuple(Section(name, float(start)) for name, start in fields.get("sections", ()))
    return Chart(tuple(spans), fields["bars"], metre, sections)
