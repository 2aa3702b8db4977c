"""The end of what plays: the signals that ask for it, a limit on its time, and the line that sums the session up."""

from __future__ import annotations

import faulthandler
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from bridge.live.deadline_thread import DeadlineThread
from bridge.live.session import LiveSession

__all__ = ["heeding_signals", "summary", "time_limit"]

EXIT_LIMIT_S: Final = 5.0  # a MIDI system can hang the process's end, GIL and all; a C timer ends it then
_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those that the system has

_Handler = Callable[[int, FrameType | None], None]


@contextmanager
def heeding_signals(leave: _Handler, *, interrupts: bool = True) -> Iterator[None]:
    """Within, every signal that ends programs calls leave. interrupts: if not, a Ctrl-C is for somebody else."""
    previous = {}
    try:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):  # under nohup
                continue
            ignored = name == "SIGINT" and not interrupts
            previous[number] = signal.signal(number, signal.SIG_IGN if ignored else leave)
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def time_limit() -> Iterator[None]:
    """Ends the process if something within hangs: this timer needs no GIL."""
    faulthandler.dump_traceback_later(EXIT_LIMIT_S, exit=True, file=os.open(os.devnull, os.O_WRONLY))
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def summary(deadline_thread: DeadlineThread, live: LiveSession) -> str | None:
    """Returns what was sent, how late, and what was left out; None where nothing was sent."""
    lateness_ms = sorted(late_us / 1000 for late_us in deadline_thread.lateness_us)
    if not lateness_ms:
        return None
    p50, p99 = lateness_ms[len(lateness_ms) // 2], lateness_ms[len(lateness_ms) * 99 // 100]
    return (
        f"sent {deadline_thread.sent} messages, late by p50 {p50:.2f} ms, p99 {p99:.2f} ms; "
        f"{live.skipped + deadline_thread.missed} notes skipped, {live.dropped_input} messages of the player dropped"
    )
