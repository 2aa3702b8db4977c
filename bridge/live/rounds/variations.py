"""Up to four ways of each bar, of which one may come back: what was heard, and others that are made where they come."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from bridge.errors import ModeError
from bridge.live.rounds.bars import parse_bars
from bridge.live.rounds.heard import Bar, Heard, Pass

__all__ = ["MOST_VARIATIONS", "Kept", "Wish", "parse_variation"]

MOST_VARIATIONS: Final = 4


def parse_variation(text: str) -> tuple[int, str]:
    """Reads the number of a variation and the bars that it is of: `2 5-8`, `2` for all. ModeError: it names none."""
    first, _, bars = text.strip().partition(" ")
    if first not in {str(number) for number in range(1, MOST_VARIATIONS + 1)}:
        raise ModeError(f"{first[:20]!r} is no variation: write 1 to {MOST_VARIATIONS}, and of which bars: 2 5-8")
    parse_bars(bars)
    return int(first), bars


@dataclass(eq=False)
class Kept:
    """A pass that comes back, in one of three states: still to be made (no `at`), played but perhaps to be taken back
    (`at`, no bar), and settled (both). Those who hold it, such as an undone wish, see it change.

    at: None for a variation that has not been played: its bar is new where it comes next. bar: what was played; None:
    to be looked up, for the stream may still change it.
    """

    at: Pass | None
    bar: Bar | None = None
    is_variation: bool = False  # made anew where that was broken off; other passes are lost then

    def look_up(self, heard: Heard) -> Bar:
        """Returns what was played, looked up once: it may be asked for when that is no longer remembered."""
        if self.bar is None:
            assert self.at is not None
            self.bar = heard.look_up(self.at)
        return self.bar


class Wish(NamedTuple):
    """What is to come back, and the variations of each bar by their numbers. Bars count from 0; never changed."""

    kept: Mapping[int, Kept]
    variations: Mapping[int, Mapping[int, Kept]]

    def keeping(self, kept: Mapping[int, Kept]) -> Wish:
        """Returns the wish that these bars come back, and no others."""
        return self._replace(kept=kept)

    def choosing(self, number: int, bars: Iterable[int], heard: Mapping[int, Kept]) -> Wish:
        """Returns the wish that a variation of some bars comes back; one is made where there is none of that number.

        What comes back now keeps a number of its own, and so does what was heard last where a bar has no variations
        yet. The number that comes back already is made anew.
        """
        kept, variations = dict(self.kept), {bar: dict(own) for bar, own in self.variations.items()}
        for bar in bars:
            own = variations.setdefault(bar, {})
            before = own.get(number)
            now = kept.get(bar) or (None if own else heard.get(bar))
            if now is not None and now not in own.values():
                free = [n for n in range(1, MOST_VARIATIONS + 1) if n not in own and (n != number or not own)]
                if free:
                    own[free[0]] = now
            comes_already = before is not None and before is kept.get(bar) and before.at is not None
            if number not in own or comes_already:
                own[number] = Kept(None, is_variation=True)
            kept[bar] = own[number]
        return Wish(kept, variations)

    def without(self, lost: Collection[Kept]) -> Wish:
        """Returns the wish less some passes that cannot come back."""
        return Wish(
            {bar: kept for bar, kept in self.kept.items() if kept not in lost},
            {
                bar: {number: kept for number, kept in own.items() if kept not in lost}
                for bar, own in self.variations.items()
            },
        )

    def number(self, bar: int) -> int:
        """Returns which variation of a bar comes back; 0 for none."""
        kept = self.kept.get(bar)
        own = self.variations.get(bar, {})
        return next((number for number, other in own.items() if other is kept), 0)

    def find(self, bar: int, at: Pass) -> Kept | None:
        """Returns the variation that was made in a pass; None where none was."""
        return next((kept for kept in self.variations.get(bar, {}).values() if kept.at == at), None)

    def all(self) -> list[Kept]:
        """Returns all that comes back or may be asked for."""
        return [*self.kept.values(), *(kept for own in self.variations.values() for kept in own.values())]
