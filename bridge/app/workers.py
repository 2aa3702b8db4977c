"""What becomes of a worker thread that died: it is started again, or what no longer works without it is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bridge.live.supervision import RestartLimit

__all__ = ["Workers"]

_WITHOUT: Final = {
    "sideman-cc": "knobs, buttons and motor faders do nothing any longer",
    "sideman-control": "FL Studio's script is told nothing any longer",
    "sideman-control-in": "FL Studio's script is not heard any longer",
    "sideman-ports": "a port that is unplugged is not opened again",
    "sideman-jack": "the ports do not come back when the JACK server does",
    "sideman-panel": "the page is told nothing any longer",
    "sideman-http": "OSCQuery and the page answer no longer",
    "sideman-zeroconf": "OSCQuery is not announced any longer",
    "sideman-journal": "nothing more is written to the disk of what is recorded, until the end",
}
"""What the music does without, by the thread's name."""


@dataclass
class _Worker:
    restart: Callable[[], None]
    again: str  # what is said once it runs again
    limit: RestartLimit = field(default_factory=RestartLimit)


class Workers:
    """Knows the threads by their names. The main thread alone adds and revives; any may ask carries_music()."""

    def __init__(self) -> None:
        self._workers: dict[str, _Worker] = {}
        self._others = RestartLimit()  # of those that carry music and are not started again, as the ports' callbacks

    def add(self, name: str, restart: Callable[[], None], again: str) -> None:
        """restart() starts the thread of that name again; `again` is said then."""
        self._workers[name] = _Worker(restart, again)

    @staticmethod
    def carries_music(name: str) -> bool:
        """Tells whether what the player did, or what is to end, may have been lost with the thread."""
        return name not in _WITHOUT

    def revive(self, name: str) -> str | None:
        """Starts the thread again where that is known how; returns what there is to say of it.

        None: it carries music and has died too often within a minute. Another one is given up then.
        """
        worker = self._workers.get(name)
        if worker is not None and worker.limit.allows():
            worker.restart()
            return worker.again
        if not self.carries_music(name):
            return f"{_WITHOUT[name]}: start sideman again when there is time, the music goes on"
        return "every note ended" if worker is None and self._others.allows() else None
