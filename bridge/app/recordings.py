"""What a session leaves behind where it is asked to: the take, the log, and the last bars."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import native
from bridge.app.settings import Settings
from bridge.errors import BridgeError
from bridge.live.inbox import Inbox
from bridge.live.playing.delivery import EventSink
from bridge.recording.capture import Capture
from bridge.recording.journal import Journal
from bridge.recording.last_take import remember
from bridge.recording.session_header import session_header
from bridge.recording.session_log import SENT, SESSION, VERSION, CheckedSink, LoggedInbox, check_may_begin
from bridge.recording.take import Take
from engine.atomic import write_whole
from engine.user_folders import user_place
from osc_protocol.table.parameters import values_of

__all__ = ["Recordings"]


class Recordings:
    """sink and inbox are the session's own, written down if there is a log.

    capture is an observer that remembers the last minutes; take is one, too, if there is one.
    """

    def __init__(self, settings: Settings, scheduler: EventSink, on_trouble: Callable[[str], None]) -> None:
        """on_trouble(text): called on a thread of its own if the disk refuses. BridgeError where it does already."""
        self._settings = settings
        self.sink, self.inbox = scheduler, Inbox(native.now_us)
        self._log: Journal | None = None
        if settings.log is not None:
            header = session_header(settings.session, values_of(settings.values), settings.checkpoint, settings.device)
            check_may_begin(settings.log)
            self._log = Journal(settings.log, on_trouble, begins=False)
            self._log.add(SESSION, VERSION, header)
            self.sink = CheckedSink(scheduler)
            self.inbox = LoggedInbox(native.now_us, self._log, self.sink)
        self.capture = Capture()
        self.take: Take | None = None
        if settings.record is not None:
            try:
                self.take = Take(settings.record, native.now_us(), settings.session.tempo_bpm, on_trouble)
            except BridgeError:
                self.close(played=False)
                raise

    def begin(self) -> None:
        """Begins the log: from now on notes may sound. Until then an older log stays as it is."""
        if self._log is not None:
            self._log.begin()

    def sent(self, time_us: int, message: bytes) -> None:
        """Takes note of a message that the deadline thread has sent."""
        self.capture.note_out(time_us, message)
        if self.take is not None:
            self.take.note_out(time_us, message)
        if self._log is not None:
            self._log.add(SENT, time_us, message)

    def write_last(self, bars: int) -> Path:
        """Writes the last so many bars as a MIDI file, which is the last take then; its path. Any thread.

        BridgeError, SidemanError: it cannot be written.
        """
        folder = self._settings.captures or user_place("SIDEMAN_CAPTURES", "captures", "data")
        name = time.strftime("capture-%Y%m%d-%H%M%S")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            paths = (folder / f"{name}{suffix}.mid" for suffix in ("", *(f"-{number}" for number in range(2, 1000))))
            path = next(path for path in paths if not path.exists())
            content = self.capture.midi(bars, native.now_us())
            write_whole(path, content)
        except OSError as error:
            raise BridgeError(
                f"{folder}: no MIDI file can be written there ({error.strerror}): give --captures DIR"
            ) from error
        remember(path)
        return path

    def close(self, *, played: bool) -> str:
        """Finishes both, and returns what there is to say of it. BridgeError: the disk refuses.

        played: whether anything was played; if not, no take stays.
        """
        if self._log is not None:
            self._log.close()
        if self.take is None:
            return ""
        if not played:
            self.take.discard()
            return ""
        count = self.take.save()
        if self._settings.record is not None:
            remember(self._settings.record)
        return f"wrote {self._settings.record}: {count} messages"
