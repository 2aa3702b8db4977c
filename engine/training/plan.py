"""The length of a run that has so many minutes: how many updates fit, reviewed as it goes.

The learning rate needs the length in updates, and a clock never says the same twice. So every review is a row of
plan.jsonl: a run that was killed goes through the rows that it had written as it did before, and so through the same
rates and the same losses; beyond them it plans anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.atomic import write_whole
from engine.errors import CheckpointError

__all__ = ["PLAN_FILE", "TIMED_FALL", "UNKNOWN", "TimePlan", "warm_up"]

PLAN_FILE = "plan.jsonl"
TIMED_FALL = 0.45  # of the updates, where the config does not say
WARM_UP_SHARE = 0.1  # of the updates that the warm-up may take at most
REVIEWS, REVIEW_EVERY = (3, 5, 8, 14), 20  # updates: the first few, then multiples
UNTIMED = 2  # updates of a process that say nothing of its speed: compilers and allocators are at work
CHANGE = 0.005  # of the length, below which a review changes nothing
UNKNOWN = 1_000_000_000  # updates, until the first review


@dataclass(frozen=True)
class _Row:
    update: int  # from this update on
    steps: int  # so many are planned
    seconds: float  # used by then


class TimePlan:
    """Tells after every update how many there will be.

    path: of the rows. budget_s: of the whole run, however often it is resumed. done: updates made already. spent_s:
    used before this is made, by what else the run must do.
    """

    def __init__(
        self, path: Path, budget_s: float, done: int, spent_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """CheckpointError: the rows are broken."""
        self._path, self.budget_s, self._clock = path, budget_s, clock
        self._rows = _read(path) if done else []
        write_whole(path, "".join(map(_line, self._rows)))
        before = [row for row in self._rows if row.update <= done]
        self._started_s = clock() - spent_s - (before[-1].seconds if before else 0.0)
        self._first = done
        self._timed: tuple[float, int] | None = None  # a moment and the updates made by then

    @property
    def used_s(self) -> float:
        """Of the budget."""
        return self._clock() - self._started_s

    def due(self, done: int) -> bool:
        """Whether a review comes after that many updates: the clock then wants a device that has finished."""
        return done in REVIEWS or done % REVIEW_EVERY == 0 or done == self._first + UNTIMED

    def steps(self, done: int) -> int:
        """The length of the run for the update after `done`."""
        rows = [row.steps for row in self._rows if row.update <= done]
        return rows[-1] if rows else UNKNOWN

    def review(self, done: int, reserve_s: float) -> None:
        """Plans anew, where `due`. reserve_s: what the end of the run needs for itself."""
        if self._timed is None:
            if done >= self._first + UNTIMED:
                self._timed = self._clock(), done
            return
        if self._rows and self._rows[-1].update > done:
            return  # the run has been here before
        since_s, since = self._timed
        update_s = (self._clock() - since_s) / max(1, done - since)
        left_s = self.budget_s - reserve_s - self.used_s
        steps = done + max(1, int(left_s / max(update_s, 1e-9)))
        kept = self.steps(done)
        self._write(_Row(done, steps if abs(steps - kept) > CHANGE * steps else kept, self.used_s))

    def is_over(self, done: int, reserve_s: float) -> bool:
        """Whether the run ends after that many updates, because they are all or the time is; then they are all."""
        if done >= self.steps(done):
            return True
        if self.used_s + reserve_s < self.budget_s or any(row.update > done for row in self._rows):
            return False
        self._write(_Row(done, done, self.used_s))
        return True

    def _write(self, row: _Row) -> None:
        self._rows.append(row)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(row))


def warm_up(steps: int, asked: int) -> int:
    """The updates of the warm-up, of those that a config asks for: a tenth of the run at most."""
    return min(asked, max(1, int(WARM_UP_SHARE * steps)))


def _line(row: _Row) -> str:
    return json.dumps(asdict(row)) + "\n"


def _read(path: Path) -> list[_Row]:
    """The rows; a last one that a kill has torn is none."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    try:
        return [_Row(**json.loads(line)) for line in text.split("\n")[:-1]]
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}): delete it to plan the rest anew") from None
