"""`sideman play` with notes taken of when it handed new music over and what it sent: bench_live.py starts it.

    python benchmarks/live/live_probe.py FILE [options of sideman play]

FILE gets one JSON object: `changes` [[decided, takes over, ready], ...] and `sent` [[due, sent, status, data1, data2],
...], all in microseconds of the monotonic clock.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bridge import cli
from bridge.live.deadline_thread import DeadlineThread
from bridge.live.playing.ahead import PlayAhead
from native import now_us

changes: list[tuple[int, int, int]] = []
sent: list[tuple[int, ...]] = []


def watch_handovers() -> None:
    """Notes when each change was decided, takes over and is ready."""
    change = PlayAhead.change

    def watched(self: PlayAhead, *arguments: Any, **options: Any) -> None:
        began_us = now_us()
        change(self, *arguments, **options)
        changes.append((began_us, self._handed_over_us, now_us()))

    PlayAhead.change = watched  # type: ignore[method-assign]


def watch_sends(path: Path) -> None:
    """Notes what the deadline thread took from the scheduler and when the port had it, not what the thread counts."""
    play, finish = DeadlineThread._play, DeadlineThread.finish

    def watched_play(self: DeadlineThread, due_us: int, message: tuple[int, int, int]) -> None:
        before = self.sent
        play(self, due_us, message)
        if self.sent > before:
            sent.append((due_us, now_us(), *message))

    def watched_finish(self: DeadlineThread) -> bool:
        ended = finish(self)
        path.write_text(json.dumps({"changes": changes, "sent": sent}))
        return ended

    DeadlineThread._play = watched_play  # type: ignore[method-assign]
    DeadlineThread.finish = watched_finish  # type: ignore[method-assign]


if __name__ == "__main__":
    watch_handovers()
    watch_sends(Path(sys.argv[1]))
    sys.exit(cli.main(["play", *sys.argv[2:]]))
