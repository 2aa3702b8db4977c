"""Plays a session log again: the same session code, with an inbox that returns what is in the log.

The scheduler runs on the logged clock, so it hands out what fell due, when it did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import native
from bridge.errors import ReplayError
from bridge.live.commands import Command
from bridge.live.host_time import HostTime
from bridge.live.host_transport import HostTransport
from bridge.live.inbox import Inbox
from bridge.live.options import SessionOptions
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.observer import Observer
from bridge.live.session import LiveSession
from bridge.plain_json import Json
from bridge.recording.session_log import VERSION, CheckedSink, Round

__all__ = ["PromptSink", "Replay", "SessionLog", "read_log"]


@dataclass
class LoggedRound:
    """A round of the log, and the text of the error that ended it, if any."""

    round: Round
    crash: str | None = None


@dataclass(frozen=True)
class SessionLog:
    """A log in memory."""

    path: Path
    header: Mapping[str, Json]
    options: SessionOptions
    rounds: list[LoggedRound]
    sent: list[tuple[int, bytes]]  # (time_us, message) that the deadline thread sent then
    cut_off: bool  # the last line is not whole: the process was killed


def read_log(path: Path) -> SessionLog:
    """Reads a log. ReplayError: no such file, no session log, or a line that cannot be read, by its number."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ReplayError(f"{path} cannot be read ({error.strerror}): give a file that --log wrote") from error
    last = lines.pop()  # nothing, or what a kill left of a line
    header = _header(path, lines[0] if lines else b"")
    try:
        options = SessionOptions.from_json(header.get("options"))
    except ValueError as error:
        raise ReplayError(f"{path}, line 1: the session's {error} is broken: send the file as it was written") from None
    rounds: list[LoggedRound] = []
    sent: list[tuple[int, bytes]] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            match json.loads(line):
                case ["round", plain]:
                    rounds.append(LoggedRound(Round.from_json(plain)))
                case ["crash", str(text)] if rounds:
                    rounds[-1].crash = text
                case ["sent", int(time_us), str(text)]:
                    sent.append((time_us, bytes.fromhex(text)))
                case _:
                    raise ValueError
        except (ValueError, TypeError, LookupError, RecursionError):
            raise ReplayError(f"{path}, line {number} is broken: send the file as it was written") from None
    return SessionLog(path, header, options, rounds, sent, bool(last))


def _header(path: Path, line: bytes) -> Mapping[str, Json]:
    try:
        match json.loads(line):
            case ["session", int(version), dict(header)]:
                if version == VERSION:
                    return header
                raise ReplayError(
                    f"{path} is a session log of version {version}, this Sideman plays version {VERSION}: "
                    f"replay it with the one that wrote it ({header.get('version')})"
                )
    except (ValueError, RecursionError):
        pass
    raise ReplayError(f"{path} is no session log: give a file that --log wrote")


class _RoundOver(Exception):
    """Raised where a round asks for more than was logged of it, because it failed there."""


class ReplayInbox(Inbox):
    """An inbox that returns what is in a log."""

    def __init__(self, on_time: Callable[[int], None]) -> None:
        """on_time(now_us): called with each reading, before it is handed out."""
        super().__init__(lambda: 0)
        self._on_time = on_time
        self._round = Round()
        self._readings: Iterator[int] = iter(())
        self._latest_us = 0
        self._looks = 0

    def let_in(self, round_: Round) -> None:
        """Lets in the next round of the log."""
        self._round, self._looks = round_, 0
        self._readings = iter(round_.steps_us)

    @property
    def latest_us(self) -> int:
        """The last reading of the clock in microseconds; 0 before the first."""
        return self._latest_us

    @property
    def left(self) -> bool:
        """Whether the session has not asked for all of the round."""
        return next(self._readings, None) is not None

    def messages(self) -> list[tuple[int, bytes]]:
        return self._round.heard

    def commands(self) -> Iterator[Command]:
        return iter(self._round.commands)

    def now_us(self) -> int:
        step_us = next(self._readings, None)
        if step_us is None:
            raise _RoundOver
        self._latest_us += step_us
        self._on_time(self._latest_us)
        return self._latest_us

    def has_news(self) -> bool:
        self._looks += 1
        return self._round.news == self._looks - 1


class PromptSink:
    """An EventSink: a scheduler whose consumer acts at once when silence is asked for, not only at the next reading."""

    def __init__(self, scheduler: native.Scheduler, consume: Callable[[], None]) -> None:
        self.push, self.cancel_from = scheduler.push, scheduler.cancel_from
        self._scheduler, self._consume = scheduler, consume

    def silence(self) -> bool:
        taken = self._scheduler.silence()
        self._consume()
        return taken


@dataclass
class Replay:
    """Plays one log; after run() the fields hold the result."""

    log: SessionLog
    make_improviser: Callable[[int], Improviser]
    observer: Observer = field(default_factory=Observer)
    played: list[tuple[int, bytes]] = field(default_factory=list)  # (time_us, message) that the scheduler handed out
    parted_s: float | None = None  # seconds from the start where what is played is no longer what was played then
    rounds: int = 0
    seconds: float = 0.0

    def run(self) -> None:
        """Plays the whole log."""
        rounds = self.log.rounds
        if not rounds:
            return
        scheduler = native.Scheduler()
        inbox = ReplayInbox(lambda now_us: self._advance(scheduler, now_us))
        sink = CheckedSink(PromptSink(scheduler, lambda: self._advance(scheduler, inbox.latest_us)))
        inbox.let_in(rounds[0].round)
        host = HostTransport(HostTime()) if self.log.header.get("in_host") else None
        live = LiveSession(
            self.make_improviser, sink, inbox, lambda what, text: None, self.log.options, self.observer, host
        )
        began_us = inbox.latest_us
        crc = 0
        for number, logged in enumerate(rounds):
            crash = logged.crash
            if number:
                inbox.let_in(logged.round)
            parted = False
            try:
                live.step()
                parted = inbox.left
            except _RoundOver:
                parted = crash is None
            except Exception as error:  # the very fault that the log was sent for, perhaps
                parted = crash is None
                crash = crash or str(error)
            if crash is not None:
                live.broke(RuntimeError(crash))
            crc = crc if logged.round.crc is None else logged.round.crc
            if (parted or sink.crc != crc) and self.parted_s is None:
                self.parted_s = (inbox.latest_us - began_us) / 1e6
            self.rounds += 1
        live.silence()
        self._advance(scheduler, inbox.latest_us)
        self.seconds = (inbox.latest_us - began_us) / 1e6

    def _advance(self, scheduler: native.Scheduler, now_us: int) -> None:
        while due := scheduler.poll(now_us):
            self.played += [(due_us, bytes((status, data1, data2))) for due_us, status, data1, data2 in due]
