"""The end of `sideman play`: a limit on the time that closing may take, and the line that sums the session up."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bridge.live.deadline_thread import DeadlineThread
from bridge.live.session import LiveSession

__all__ = ["summary", "time_limit"]

EXIT_LIMIT_S: Final = 5.0  # a MIDI system can hang the process's end, GIL and all; a C timer ends it then


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
