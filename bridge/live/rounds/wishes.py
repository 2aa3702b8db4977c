"""What the player wished for of a chart's bars, from when on, and what can be undone of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from bridge.errors import ModeError
from bridge.live.rounds.heard import Pass
from bridge.live.rounds.variations import Kept, Wish

__all__ = ["Wishes"]

UNDONE: Final = 64  # so many changes can be undone


class Wishes:
    """The session thread owns it."""

    def __init__(self) -> None:
        self._plans: list[tuple[Pass, Wish]] = [(Pass(0, 0), Wish({}, {}))]  # each from a pass on
        self._undo: list[Wish] = []

    @property
    def last(self) -> Wish:
        """What was wished for last."""
        return self._plans[-1][1]

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self._undo)

    def at(self, at: Pass) -> Wish:
        """Returns what holds in a pass."""
        return next(wish for from_, wish in reversed(self._plans) if from_ <= at or from_.run == 0)

    def change(self, wish: Wish, from_: Pass) -> None:
        """Has another wish hold from a pass on."""
        self._undo = [*self._undo, self.last][-UNDONE:]
        self._plan(wish, from_)

    def undo(self, from_: Pass) -> None:
        """Has the wish before hold from a pass on. ModeError: there is none."""
        if not self._undo:
            raise ModeError("there is nothing to undo: no bars were kept, asked for again or chosen")
        self._plan(self._undo.pop(), from_)

    def kept_in(self, run: int) -> set[Kept]:
        """Returns every pass of a run that comes back, or may be asked for."""
        wishes = [*self._undo, *(wish for _, wish in self._plans)]
        return {kept for wish in wishes for kept in wish.all() if kept.at is not None and kept.at.run == run}

    def lose(self, lost: Collection[Kept]) -> None:
        """Hears that some passes cannot come back."""
        self._undo = [wish.without(lost) for wish in self._undo]
        self._plans = [(from_, wish.without(lost)) for from_, wish in self._plans]

    def _plan(self, wish: Wish, from_: Pass) -> None:
        self._plans = [*(plan for plan in self._plans if plan[0] < from_), (from_, wish)][-UNDONE:]
