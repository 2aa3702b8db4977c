"""How far a long command is: a bar on a terminal, a few plain lines in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from engine.training.schedule import News

__all__ = ["NewsLine", "Progress"]

LINES = 10  # plain lines of a run whose total is known
MIN_LINE_S = 1.0  # plain lines stand at least so far apart: a run of a second prints one
FIRST_LINE_S, MAX_LINE_S = 5.0, 300.0  # total unknown: intervals double between these
SMOOTHING = 0.1  # of the bar's rate: the time left follows the last dozens of files, not the last one
SCALED = 100_000  # from here on a bar counts in k, M and G
BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit}, {rate_noinv_fmt}, {remaining} left"
NO_BAR = "{n_fmt}{unit}, {rate_noinv_fmt}, {elapsed}"


class Progress:
    """A context manager that shows done/total, rate and time left on `stream` (standard error; never standard output).

    On a terminal it is one line, drawn by tqdm and fitted to the terminal's width; elsewhere about ten plain lines, or
    lines at growing intervals where the total is unknown. The last state is always shown. An error inside the body
    leaves the line as it stood and starts a new one, so that the message does not hang behind the bar.

    Not thread-safe: update it from one thread.
    """

    def __init__(
        self, total: int | None, unit: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """total: what `done` will reach, None where nobody knows yet. unit: a plural, as in "files" or "tokens"."""
        self._stream = sys.stderr if stream is None else stream
        self._unit = unit
        self._show = _bar(total, unit, self._stream) if self._stream.isatty() else None
        self._clock = clock
        self._total, self._done, self._shown_done = total, 0, -1
        self._start_s = self._shown_s = clock()
        self._interval_s = FIRST_LINE_S

    def update(self, done: int, total: int | None = None) -> None:
        """Sets how much is done; also the total, once it is known or grows. Cheap enough to call for every file."""
        self._done = done
        if total is not None:
            self._total = total
        if self._show is not None:
            if self._show.total != self._total:
                self._show.total = self._total
                self._show.bar_format = NO_BAR if self._total is None else BAR
            self._show.update(done - self._show.n)
        elif self._due():
            self._print_line()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._show is not None:
            self._show.refresh()
            self._show.close()
        elif kind is None and self._shown_done != self._done:
            self._print_line()

    def _due(self) -> bool:
        """Whether a plain line is worth it now."""
        if self._done == self._shown_done:
            return False
        since_s = self._clock() - self._shown_s
        if self._total is None:
            return since_s >= self._interval_s
        tenth, shown_tenth = (done * LINES // max(1, self._total) for done in (self._done, max(0, self._shown_done)))
        return since_s >= MIN_LINE_S and tenth > shown_tenth

    def _print_line(self) -> None:
        now_s = self._clock()
        elapsed_s = now_s - self._start_s
        rate = self._done / elapsed_s if elapsed_s > 0 else 0.0
        counted = f"{self._done:,}" if self._total is None else f"{self._done:,}/{self._total:,}"
        line = f"{counted} {self._unit}"
        finished = self._total is None or self._done >= self._total
        if finished:
            line += f" in {_duration(elapsed_s)}"
        if rate:
            line += f", {_short(rate)} {self._unit}/s"
            if self._total is not None and not finished:
                line += f", {_duration((self._total - self._done) / rate)} left"
        print(line, file=self._stream, flush=True)
        self._shown_done, self._shown_s = self._done, now_s
        self._interval_s = min(2 * self._interval_s, MAX_LINE_S)


class NewsLine:
    """News of a run as one line that is written over on a terminal (held-out losses stay), as plain lines elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._width = stream, 0
        self.last: News | None = None

    def show(self, news: News) -> None:
        """The next line."""
        self.last = news
        if not self._stream.isatty():
            self.note(str(news))
            return
        text = str(news)
        stays = news.held_out is not None
        print(f"\r{text:<{self._width}}", end="\n" if stays else "", file=self._stream, flush=True)
        self._width = 0 if stays else len(text)

    def note(self, text: str) -> None:
        """A line that stays."""
        print(text, file=self._stream, flush=True)

    def end(self) -> None:
        """Leaves an unfinished line as it stands."""
        if self._width:
            print(file=self._stream, flush=True)
            self._width = 0


def _bar(total: int | None, unit: str, stream: TextIO) -> Any:
    """tqdm's bar, without its watching thread and its lock across processes: workers are forked beside it."""
    from tqdm import tqdm  # 40 ms, and only on a terminal

    tqdm.monitor_interval = 0
    tqdm.set_lock(threading.RLock())
    return tqdm(
        total=total, unit=f" {unit}", file=stream, dynamic_ncols=True, smoothing=SMOOTHING, miniters=1, leave=True,
        unit_scale=total is None or total >= SCALED, bar_format=NO_BAR if total is None else BAR,
    )  # fmt: skip


def _short(rate: float) -> str:
    """A rate in three digits, as in 0.25, 4.7, 123 or 45,600."""
    if rate >= 1000:
        return f"{float(f'{rate:.3g}'):,.0f}"
    return f"{rate:.0f}" if rate >= 99 else f"{rate:.2g}"


def _duration(seconds: float) -> str:
    """Whole seconds as people say them: under 1 s, 5 s, 2 min 5 s, 1 h 40 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "under 1 s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
