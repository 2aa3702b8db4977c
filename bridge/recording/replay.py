"""Plays a session log again: the same session code, behind doors that say what was said then.

The scheduler stands on the logged clock, so it hands out what fell due, when it did.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import native
from bridge.errors import ReplayError
from bridge.live.inbox import Command, Doors
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.witness import Witness
from bridge.live.session import LiveSession
from bridge.midi.clock import MidiClock
from bridge.recording.journal import Entry
from bridge.recording.session_log import CRASH, ROUND, SENT, SESSION, VERSION, CheckedSink, read_command

__all__ = ["PromptSink", "Replay", "SessionLog", "read_log"]

_NUMBER = (int, float)
OPTIONS: Final[dict[str, tuple[type, ...]]] = {
    "seed": (int,), "release_s": _NUMBER, "tempo_bpm": (*_NUMBER, type(None)), "trade_bars": (int,),
    "count_in_bars": (int,), "output_latency_ms": _NUMBER, "midi_clock": (bool,),
    "channel": (int,), "metre": (str,),
}  # fmt: skip


@dataclass(frozen=True)
class SessionLog:
    """A log in memory."""

    path: Path
    header: dict[str, Any]
    entries: list[Entry]  # rounds and crashes, in order
    sent: list[tuple[int, bytes]]  # (time_us, message) that the deadline thread sent then
    cut_off: bool  # the last line is not whole: the process was killed


def read_log(path: Path) -> SessionLog:
    """ReplayError: no such file, no session log, or a line that cannot be read, by its number."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ReplayError(
            f"{path} cannot be read ({error.strerror}): give a file that `sideman play --log` wrote"
        ) from error
    last = lines.pop()  # nothing, or what a kill left of a line
    entries = [_parse(path, number, line) for number, line in enumerate(lines, 1)]
    if not entries or entries[0][0] != SESSION or len(entries[0]) != 3 or not isinstance(entries[0][2], dict):
        raise ReplayError(f"{path} is no session log: give a file that `sideman play --log` wrote")
    if entries[0][1] != VERSION:
        raise ReplayError(f"{path} is a session log of version {entries[0][1]}, this is {VERSION}: update Sideman")
    header = entries[0][2]
    options = header.get("options")
    if isinstance(options, dict):
        options.setdefault("metre", "4/4")  # logs of before metres
    for name, types in OPTIONS.items():
        if not isinstance(options, dict) or not isinstance(options.get(name, path), types):
            raise ReplayError(f"{path}, line 1: the session's {name} is broken: send the file as it was written")
    sent = [(entry[1], bytes.fromhex(entry[2])) for entry in entries if entry[0] == SENT]
    rounds = [entry for entry in entries[1:] if entry[0] in (ROUND, CRASH)]
    return SessionLog(path, header, rounds, sent, bool(last))


def _parse(path: Path, number: int, line: bytes) -> Entry:
    try:
        entry = json.loads(line)
        kind, *fields = entry
        if kind == ROUND:
            (round_,) = fields
            if not all(isinstance(step, int) for step in round_["t"]):
                raise ValueError
            for time_us, message in round_.get("in", ()):
                if not isinstance(time_us, int) or not 1 <= len(bytes.fromhex(message)) <= 3:
                    raise ValueError
        elif kind == SENT:
            time_us, message = fields
            if not isinstance(time_us, int):
                raise ValueError
            bytes.fromhex(message)
        elif kind not in (SESSION, CRASH):
            raise ValueError
    except (ValueError, TypeError, LookupError, RecursionError):
        raise ReplayError(f"{path}, line {number} is broken: send the file as it was written") from None
    return list(entry)


class _RoundOver(Exception):
    """A round asks for more than is logged of it: there it failed."""


class ReplayDoors(Doors):
    """Doors that let in what a log says."""

    def __init__(self, on_time: Callable[[int], None]) -> None:
        """on_time(now_us): called with each reading, before it is handed out."""
        super().__init__(lambda: 0)
        self._on_time = on_time
        self._round: dict[str, Any] = {}
        self._readings: Iterator[int] = iter(())
        self._latest_us = 0
        self._looks = 0

    def let_in(self, round_: dict[str, Any]) -> None:
        """What comes next."""
        self._round, self._looks = round_, 0
        self._readings = iter(round_["t"])

    @property
    def latest_us(self) -> int:
        """The last reading; 0 before the first."""
        return self._latest_us

    @property
    def left(self) -> bool:
        """Whether something of the round was never asked for."""
        return next(self._readings, None) is not None

    def messages(self) -> list[tuple[int, bytes]]:
        """See Doors."""
        return [(time_us, bytes.fromhex(message)) for time_us, message in self._round.get("in", ())]

    def commands(self) -> Iterator[Command]:
        """See Doors."""
        return map(read_command, self._round.get("do", ()))

    def now_us(self) -> int:
        """See Doors."""
        step_us = next(self._readings, None)
        if step_us is None:
            raise _RoundOver
        self._latest_us += step_us
        self._on_time(self._latest_us)
        return self._latest_us

    def has_news(self) -> bool:
        """See Doors."""
        self._looks += 1
        return self._round.get("news") == self._looks - 1


class PromptSink:
    """A scheduler whose consumer is there at once when silence is asked for, and not only at the next reading."""

    def __init__(self, scheduler: native.Scheduler, consume: Callable[[], None]) -> None:
        self.push, self.cancel_from = scheduler.push, scheduler.cancel_from
        self._scheduler, self._consume = scheduler, consume

    def silence(self) -> bool:
        """See EventSink."""
        taken = self._scheduler.silence()
        self._consume()
        return taken


@dataclass
class Replay:
    """run() once; then the fields say what came of it."""

    log: SessionLog
    make_improviser: Callable[[int], Improviser]
    witness: Witness = field(default_factory=Witness)
    played: list[tuple[int, bytes]] = field(default_factory=list)  # (time_us, message) that the scheduler handed out
    parted_s: float | None = None  # seconds from the start where what is played is no longer what was played then
    rounds: int = 0
    seconds: float = 0.0

    def run(self, on_progress: Callable[[float], None] = lambda share: None) -> None:
        """Plays the whole log. on_progress(0..1): as it goes. ReplayError: a command that cannot be read."""
        if not self.log.entries:
            return
        scheduler = native.Scheduler()
        doors = ReplayDoors(lambda now_us: self._advance(scheduler, now_us))
        sink = CheckedSink(PromptSink(scheduler, lambda: self._advance(scheduler, doors.latest_us)))
        options = dict(self.log.header["options"])
        options["midi_clock"] = MidiClock() if options["midi_clock"] else None
        doors.let_in(self.log.entries[0][1])
        live = LiveSession(
            self.make_improviser, sink, lambda: 0, lambda what, text: None,
            doors=doors, witness=self.witness, **{name: options[name] for name in OPTIONS},
        )  # fmt: skip
        began_us = doors.latest_us
        crc = 0
        for number, (kind, what) in enumerate(self.log.entries):
            if kind != ROUND:
                continue
            failed = self.log.entries[number + 1 : number + 2]
            crash = failed[0][1] if failed and failed[0][0] == CRASH else None
            if number:
                doors.let_in(what)
            parted = False
            try:
                live.step()
                parted = doors.left
            except _RoundOver:
                parted = crash is None
            except Exception as error:  # the very fault that the log was sent for, perhaps
                parted = crash is None
                crash = crash or str(error)
            if crash is not None:
                live.broke(RuntimeError(crash))
            crc = what.get("crc", crc)
            if (parted or sink.crc != crc) and self.parted_s is None:
                self.parted_s = (doors.latest_us - began_us) / 1e6
            self.rounds += 1
            on_progress((number + 1) / len(self.log.entries))
        live.silence()
        self._advance(scheduler, doors.latest_us)
        self.seconds = (doors.latest_us - began_us) / 1e6

    def _advance(self, scheduler: native.Scheduler, now_us: int) -> None:
        while due := scheduler.poll(now_us):
            self.played += [(due_us, bytes((status, data1, data2))) for due_us, status, data1, data2 in due]
