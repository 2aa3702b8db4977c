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
from bridge.live.rounds.takeover import is_due, line_s
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


class Banks:
    """Stores and calls up. seed: of the stream that plays. The session thread owns it."""

    def __init__(self, context: Context, seed: int) -> None:
        self._context, self._ahead, self._knobs = context, context.ahead, context.knobs
        self.seed = seed
        self._banks: dict[str, _Bank] = {}
        self._storing: dict[str, float] = {}  # name -> stream second
        self._taken: set[str] = set()  # of them, those that the stream has come by
        self._recalling: tuple[str, float] | None = None
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
        at_s = line_s(self._ahead, metre)
        self._ahead.make_anew(at_s)
        at_s = self._storing[name] = max(at_s, self._ahead.improviser.time_s)
        self._taken.discard(name)

        def come_by() -> None:
            self._take(name)
            self._taken.add(name)

        self._ahead.turns.mark(at_s, come_by)

    def recall(self, name: str, metre: Metre) -> None:
        """Has a bank take over at the next bar line; at rest, or without a beat, at once. ModeError: it is empty."""
        if name not in self._banks and name not in self._storing:
            filled = ", ".join(sorted(self._banks)) or "none"
            raise ModeError(f"bank {name} is empty (filled: {filled}): /sideman/bank/store {name} fills it")
        at_s = 0.0
        self._ready = None
        if self._ahead.playing:
            at_s = self._ahead.hold(line_s(self._ahead, metre))
            if name not in self._storing:
                self._ready = self._banks[name].fork()
        self._recalling = name, at_s

    def step(self, now_us: int) -> str:
        """Does what is due; the name of the bank that takes over from here on, or ""."""
        playing = self._ahead.playing
        for name, at_s in list(self._storing.items()):
            if playing and self._ahead.stream_s(now_us) < at_s:
                continue
            if not playing or name not in self._taken:  # silenced on the way
                self._take(name)
            del self._storing[name]
            self._context.report("stored", name)
        if self._recalling is None:
            return ""
        name, at_s = self._recalling
        if not is_due(self._ahead, at_s, now_us):
            return ""
        self._recalling = None
        self._ahead.come_to_hold()
        if name not in self._banks:  # it was to be stored, and the music broke off before
            self._take(name)
        bank, self._ready = self._ready or self._banks[name].fork(), None
        self.seed = bank.seed
        self._ahead.exchange(bank.improviser, bank.seed)
        self._knobs.recall(bank.in_force)
        return name

    def _take(self, name: str) -> None:
        self._banks[name] = _Bank(self._ahead.improviser.fork(), dict(self._knobs.in_force), self.seed)
