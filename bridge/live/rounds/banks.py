"""Four banks to return to: each holds what the model has heard, the knobs and the seed, from a bar line on.

A bank is a fork of the stream, taken where it crosses the line; what sounded there is let go in it. Called up, a fork
of that fork takes over at a bar line, and plays each time what it would have played.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bridge.errors import ModeError
from bridge.live.playing.context import Context
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.timeline import StreamTimeline
from bridge.live.rounds.takeover import has_moved, is_due, line_s
from engine.metre import Metre
from osc_protocol.table.parameters import Setting

__all__ = ["Banks"]


@dataclass(frozen=True)
class _Bank:
    """What is called up. in_force: of the knobs that had been turned."""

    improviser: Improviser
    in_force: Mapping[str, Setting]
    seed: int

    def fork(self) -> _Bank:
        return replace(self, improviser=self.improviser.fork())


@dataclass
class _Waiting:
    """A bank that is to be stored, or to take over, at a bar line: a stream second on the timeline of that time."""

    name: str
    at_s: float
    metre: Metre
    timeline: StreamTimeline | None
    taken: bool = False  # the stream has come by, and what it was there is stored


class Banks:
    """Stores and calls up. seed: of the stream that plays. The session thread owns it."""

    def __init__(self, context: Context, seed: int) -> None:
        self._context, self._ahead, self._knobs = context, context.ahead, context.knobs
        self.seed = seed
        self._banks: dict[str, _Bank] = {}
        self._storing: dict[str, _Waiting] = {}  # by their names
        self._recalling: _Waiting | None = None
        self._ready: _Bank | None = None  # what takes over, forked in time: at the line there is none for it

    @property
    def recalling(self) -> bool:
        """Whether a bank is to take over."""
        return self._recalling is not None

    def store(self, name: str, metre: Metre) -> None:
        """Stores what plays, from the next bar line on; at rest, or without a beat, at once."""
        if not self._ahead.playing:
            self._take(name)
            self._context.report("stored", name)
            return
        self._wait_to_store(name, metre)

    def recall(self, name: str, metre: Metre) -> None:
        """Has a bank take over at the next bar line; at rest, or without a beat, at once. ModeError: it is empty."""
        if name not in self._banks and name not in self._storing:
            filled = ", ".join(sorted(self._banks)) or "none"
            raise ModeError(f"bank {name} is empty (filled: {filled}): /sideman/bank/store {name} fills it")
        self._ready = None
        if self._ahead.playing and name not in self._storing:
            self._ready = self._banks[name].fork()
        self._wait_to_recall(name, metre)

    def settle(self) -> None:
        """Stores at once what waits for a bar line: the stream gives way to another one."""
        for name, waiting in self._storing.items():
            if not waiting.taken:
                self._take(name)
            self._context.report("stored", name)
        self._storing.clear()

    def forget_waiting(self) -> None:
        """Stores nothing of what waits for a bar line: the stream has failed."""
        for name in self._storing:
            self._context.report("error", f"bank {name} was not stored: send /sideman/bank/store {name} again")
        self._storing.clear()

    def step(self, now_us: int) -> str:
        """Does what is due; the name of the bank that takes over from here on, or ""."""
        playing = self._ahead.playing
        for name, waiting in list(self._storing.items()):
            if playing and self._ahead.stream_s(now_us) < waiting.at_s:
                if self._has_moved(waiting):
                    self._wait_to_store(name, waiting.metre)
                continue
            if not playing or not waiting.taken:  # silenced on the way
                self._take(name)
            del self._storing[name]
            self._context.report("stored", name)
        if self._recalling is not None and playing and self._has_moved(self._recalling):
            self._wait_to_recall(self._recalling.name, self._recalling.metre)
        if self._recalling is None or not is_due(self._ahead, self._recalling.at_s, now_us):
            return ""
        name, self._recalling = self._recalling.name, None
        self._ahead.come_to_hold()
        if name not in self._banks:  # it was to be stored, and the music broke off before
            self._take(name)
        bank, self._ready = self._ready or self._banks[name].fork(), None
        self.seed = bank.seed
        self._ahead.exchange(bank.improviser, bank.seed)
        self._knobs.recall(bank.in_force)
        return name

    def _wait_to_store(self, name: str, metre: Metre) -> None:
        at_s = line_s(self._ahead, metre)
        self._ahead.make_anew(at_s)
        waiting = _Waiting(name, max(at_s, self._ahead.improviser.time_s), metre, self._ahead.timeline)
        self._storing[name] = waiting

        def come_by() -> None:
            if self._storing.get(name) is waiting:  # else it is another bar line by now
                self._take(name)
                waiting.taken = True

        self._ahead.turns.mark(waiting.at_s, come_by)

    def _wait_to_recall(self, name: str, metre: Metre) -> None:
        at_s = self._ahead.hold(line_s(self._ahead, metre)) if self._ahead.playing else 0.0
        self._recalling = _Waiting(name, at_s, metre, self._ahead.timeline)

    def _has_moved(self, waiting: _Waiting) -> bool:
        return has_moved(self._ahead, waiting.at_s, waiting.timeline)

    def _take(self, name: str) -> None:
        self._banks[name] = _Bank(self._ahead.improviser.fork(), dict(self._knobs.in_force), self.seed)
