"""Logs of plug-ins' sessions, a file each, which `sideman replay` plays again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import BridgeError
from bridge.live.options import SessionOptions
from bridge.plugin.host_inbox import HostInbox
from bridge.recording.journal import Journal
from bridge.recording.session_header import session_header
from bridge.recording.session_log import SESSION, VERSION, LogsRounds

__all__ = ["LoggedHostInbox", "SessionLogs"]


class LoggedHostInbox(LogsRounds, HostInbox):
    """A HostInbox that logs everything that the session takes from it."""


@dataclass(frozen=True)
class SessionLogs:
    """Opens logs in a folder. Any thread. on_trouble(text): the disk refuses; called on a thread of its own."""

    folder: Path
    checkpoint: Path | None
    device: str
    on_trouble: Callable[[str], None]
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def open(self, options: SessionOptions) -> Journal:
        """Begins the log of a session. BridgeError: it cannot be written."""
        name = f"{time.strftime('plugin-%Y%m%d-%H%M%S')}-{next(self.numbers)}.log"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BridgeError(f"{self.folder}: {error.strerror}: give another folder with --log") from error
        journal = Journal(self.folder / name, self.on_trouble)
        journal.add(SESSION, VERSION, session_header(options, {}, self.checkpoint, self.device, in_host=True))
        return journal
