"""`sideman play` with notes taken of when it handed new music over and what it sent: bench_live.py starts it.

    python benchmarks/live_probe.py FILE [options of sideman play]

FILE gets one JSON object: `changes` [[decided, takes over, ready], ...] and `sent` [[due, sent, status, data1, data2],
...], all in microseconds of the monotonic clock.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge import cli
from bridge.ahead import PlayAhead
from bridge.player import Player
from native import now_us

changes: list[tuple[int, int, int]] = []
due: list[tuple[int, int, int, int]] = []
sent: list[tuple[int, ...]] = []


def watch_handovers() -> None:
    """A start hands over where its first note sounds; a change where it says."""
    change = PlayAhead.change

    def watched(self: PlayAhead, *arguments: Any, **options: Any) -> None:
        began_us = now_us()
        change(self, *arguments, **options)
        changes.append((began_us, self._handed_over_us, now_us()))

    PlayAhead.change = watched  # type: ignore[method-assign]


def watch_sends(path: Path) -> None:
    """What the deadline thread took, and when the port had it."""
    init, finish = Player.__init__, Player.finish

    class Taken:
        def __init__(self, scheduler: Any) -> None:
            self._scheduler, self.close = scheduler, scheduler.close

        def wait_due(self, timeout_us: int) -> Sequence[tuple[int, int, int, int]]:
            events = self._scheduler.wait_due(timeout_us)
            due.extend(events)
            return events  # type: ignore[no-any-return]

    def watched_init(self: Player, scheduler: Any, send: Any, clock: Any, on_failure: Any, *rest: Any) -> None:
        def timed(message: Sequence[int]) -> None:
            send(message)
            at_us = now_us()
            if len(sent) < len(due):  # the silence of the end is due at no time
                sent.append((due[len(sent)][0], at_us, *message))

        init(self, Taken(scheduler), timed, clock, on_failure, *rest)

    def watched_finish(self: Player) -> bool:
        ended = finish(self)
        path.write_text(json.dumps({"changes": changes, "sent": sent}))
        return ended

    Player.__init__ = watched_init  # type: ignore[method-assign]
    Player.finish = watched_finish  # type: ignore[method-assign]


if __name__ == "__main__":
    watch_handovers()
    watch_sends(Path(sys.argv[1]))
    sys.exit(cli.main(["play", *sys.argv[2:]]))
