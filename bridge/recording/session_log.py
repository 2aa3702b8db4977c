"""The session log: all that came into a live session's inbox, round by round, so that it can be played again.

A session plays what its seed, its parameters, the player's messages, the commands and the readings of its clock make it
play. All of these are written down, as lines of a journal:

    ["session", VERSION, {...}]                    who played: see session_header
    ["round", {"t": [...], "in": [...], "do": [...], "news": n, "crc": n}]
        t     readings of the clock in the round, each as the difference to the one before
        in    [time_us, hexadecimal bytes] of the player's messages; left out where there are none
        do    [name, argument...] of the commands; the same
        news  after so many looks there was something new, which ended the round's generating; left out where not
        crc   of all that went to the scheduler since the session began; left out where it is the last round's
    ["crash", text]                                the round above failed, the next one started afresh
    ["sent", time_us, hexadecimal bytes]           what the deadline thread sent, for the reader's eyes
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.live.commands import Command
from bridge.live.inbox import Inbox
from bridge.live.playing.delivery import EventSink
from bridge.plain_json import Json, items, number
from bridge.recording.command_json import command_from_json, command_to_json
from bridge.recording.journal import Journal

__all__ = [
    "CRASH", "ROUND", "SENT", "SESSION", "VERSION", "CheckedSink", "LoggedInbox", "LogsRounds", "Round",
    "check_may_begin",
]  # fmt: skip

VERSION: Final = 2  # 1 had one pedal for all channels
SESSION: Final = "session"
ROUND: Final = "round"
CRASH: Final = "crash"
SENT: Final = "sent"
_HEAD: Final = b'["session",'  # as every log begins


def check_may_begin(path: Path) -> None:
    """BridgeError where a log would take the place of something else: a song, notes, a take that was broken off."""
    if not os.path.isfile(path):  # what cannot be written at all is said by who tries
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(_HEAD))
    except OSError:
        return
    if head not in (b"", _HEAD):
        raise BridgeError(f"--log {path}: holds something that is no session log: choose another file")


@dataclass
class Round:
    """What a session heard in one round."""

    steps_us: list[int] = field(default_factory=list)  # each reading of the clock, since the one before
    heard: list[tuple[int, bytes]] = field(default_factory=list)  # (time_us, message) of the player's
    commands: list[Command] = field(default_factory=list)
    news: int | None = None  # after so many looks there was something new
    crc: int | None = None  # of all that went to the scheduler by then; None: nothing went since the round before

    def to_json(self) -> dict[str, Json]:
        """Returns the round as the JSON that the module's docstring describes."""
        plain: dict[str, Json] = {"t": self.steps_us}
        if self.heard:
            plain["in"] = [[time_us, message.hex()] for time_us, message in self.heard]
        if self.commands:
            plain["do"] = [command_to_json(command) for command in self.commands]
        if self.news is not None:
            plain["news"] = self.news
        if self.crc is not None:
            plain["crc"] = self.crc
        return plain

    @classmethod
    def from_json(cls, plain: Json) -> Round:
        """Reads what to_json() wrote. ValueError, TypeError or LookupError: it is no round."""
        if not isinstance(plain, Mapping):
            raise TypeError(f"{plain!r} is no round")
        return cls(
            [number(step_us) for step_us in items(plain["t"])],
            [_message(message) for message in items(plain.get("in", ()))],
            [command_from_json(command) for command in items(plain.get("do", ()))],
            *(None if plain.get(name) is None else number(plain[name]) for name in ("news", "crc")),
        )


def _message(plain: Json) -> tuple[int, bytes]:
    match plain:
        case [int(time_us), str(text)] if 1 <= len(message := bytes.fromhex(text)) <= 3:
            return time_us, message
    raise ValueError(f"{plain!r} is no message")


class CheckedSink:
    """An EventSink that passes everything on to a scheduler, and keeps a checksum of it."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self.crc = 0

    def push(self, due_us: int, status: int, data1: int, data2: int) -> bool:
        return self._took(self._sink.push(due_us, status, data1, data2), due_us, status, data1, data2)

    def cancel_from(self, due_us: int) -> bool:
        return self._took(self._sink.cancel_from(due_us), due_us)

    def silence(self) -> bool:
        return self._took(self._sink.silence())

    def _took(self, taken: bool, *what: int) -> bool:
        if taken:  # else it is tried again
            self.crc = zlib.crc32(struct.pack(f"<{len(what)}q", *what), self.crc + len(what) & 0xFFFFFFFF)
        return taken


class LogsRounds(Inbox):
    """Before the class of an inbox: everything that the session takes from it is logged."""

    def log_to(self, journal: Journal, sink: CheckedSink) -> None:
        """Begins the log. Call this before the inbox is used."""
        self._journal, self._sink = journal, sink
        self._logged_us = 0  # the reading before
        self._crc = 0
        self._round = Round()
        self._looks = 0

    def messages(self) -> list[tuple[int, bytes]]:
        heard = super().messages()
        self._round.heard += heard
        return heard

    def commands(self) -> Iterator[Command]:
        for command in super().commands():
            self._round.commands.append(command)
            yield command

    def now_us(self) -> int:
        now_us = super().now_us()
        self._round.steps_us.append(now_us - self._logged_us)
        self._logged_us = now_us
        return now_us

    def has_news(self) -> bool:
        news = super().has_news()
        if news:
            self._round.news = self._looks
        self._looks += 1
        return news

    def end_round(self, error: BaseException | None = None) -> None:
        super().end_round(error)
        if self._sink.crc != self._crc:
            self._crc = self._round.crc = self._sink.crc
        self._journal.add(ROUND, self._round.to_json())
        if error is not None:
            self._journal.add(CRASH, f"{type(error).__name__}: {error}")
        self._round, self._looks = Round(), 0


class LoggedInbox(LogsRounds):
    """An inbox that logs everything that the session takes from it."""

    def __init__(self, clock: Callable[[], int], journal: Journal, sink: CheckedSink) -> None:
        super().__init__(clock)
        self.log_to(journal, sink)
