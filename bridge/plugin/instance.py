"""What plays for one instance of the plug-in: a session in its host's time, and what the instance has told us."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Final

from bridge.app.remote import check_live
from bridge.errors import BridgeError, ModeError
from bridge.live.commands import FollowHost
from bridge.live.host_time import HostTime
from bridge.live.host_transport import HostTransport
from bridge.live.options import SessionOptions
from bridge.live.playing.delivery import EventSink
from bridge.live.playing.improviser import Improviser
from bridge.live.session import LiveSession
from bridge.plugin import wire
from bridge.plugin.host_inbox import HostInbox
from bridge.plugin.logs import LoggedHostInbox, SessionLogs
from bridge.plugin.note_sink import NoteSink
from bridge.recording.journal import Journal
from bridge.recording.session_log import CheckedSink
from engine.chords import parse_chart
from engine.errors import ChordError, SidemanError
from engine.metre import COMMON, parse_metre
from engine.model.controls import check_askable
from osc_protocol.errors import OscError
from osc_protocol.table.host_rows import BY_ID, CHORDS, SEED, parameter_id, value_of
from osc_protocol.table.parameters import BY_NAME, Setting, Value

__all__ = ["Instance"]

SEED_ID: Final = parameter_id(SEED)
MODE_ID: Final = parameter_id("mode")
SESSION: Final = "session"  # a trouble of no parameter's


class Instance:
    """Belongs to the thread of its connection; the session has its own."""

    def __init__(
        self,
        make: Callable[[int], Improviser],
        send: Callable[[bytes], None],
        report: Callable[[str, str], None],
        logs: SessionLogs | None = None,
    ) -> None:
        """make: a fresh stream for a seed. send: a frame to the plug-in, from any thread. report: as a session's.
        logs: where sessions are written down.
        """
        self._make, self._send, self._report, self._logs = make, send, report, logs
        self._journal: Journal | None = None
        self._numbers: dict[int, float] = {}  # parameters by their number, as the host has them
        self._texts: dict[str, str] = {}
        self._troubles: dict[str, str] = {}  # by what cannot be had; under its lock
        self._troubles_lock = threading.Lock()
        self._session: LiveSession | None = None
        self._inbox: HostInbox | None = None
        self._runs = False
        self._metre = COMMON  # the host's, of a chart that names none
        self._epoch: int | None = None  # of the host

    def take(self, message: wire.ToEngine) -> None:
        """Does what the plug-in says."""
        match message:
            case wire.Restart():
                self._begin(offline=True)
            case wire.Parameter(at, number, value):
                self._now_at(at)
                self._set_number(number, value)
            case wire.Text(name, text):
                self._set_text(name, text)
            case FollowHost():
                self._now_at(message.at)
                self._take_metre(message)
                self._live().inbox.post(message)
            case wire.Key(at, key):
                self._now_at(at)
                inbox = self._inbox
                if inbox is not None and 0x80 <= key[0] < 0xF0:
                    inbox.arrive(key)
            case wire.Now(at, serial, offline):
                self._now_at(at)
                self._tell(at, serial, offline=offline)
            case wire.Hello() | wire.Tell():
                raise BridgeError("a plug-in says what only others may say: install it anew")

    def close(self) -> None:
        """Ends the session."""
        if self._session is not None and self._runs:
            self._session.stop_thread()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._session, self._inbox, self._runs = None, None, False

    def _live(self) -> LiveSession:
        return self._session or self._begin(offline=False)

    def _now_at(self, beat: float) -> None:
        self._live()
        assert self._inbox is not None
        self._inbox.beat = beat

    def _tell(self, at: float, serial: int, *, offline: bool) -> None:
        session, inbox = self._session, self._inbox
        assert session is not None
        assert inbox is not None
        inbox.tell(at, serial, offline=offline)
        if not self._runs:  # only now: its first round must find all that was said before
            self._runs = True
            session.start_thread(self._failed)

    def _begin(self, *, offline: bool) -> LiveSession:
        """Makes a fresh session with all that is known of the instance."""
        self.close()
        host = HostTransport(HostTime())
        kind = HostInbox if self._logs is None else LoggedHostInbox
        inbox = self._inbox = kind(
            host.time,
            offline=offline,
            done=lambda serial: self._send(wire.done(serial)),
            alive=lambda: self._send(wire.alive()),
        )
        options = SessionOptions(seed=int(self._numbers.get(SEED_ID, 0)))
        sink: EventSink = NoteSink(host, self._send)
        if self._logs is not None and isinstance(inbox, LoggedHostInbox):
            checked = sink = CheckedSink(sink)
            self._journal = self._logs.open(options)
            inbox.log_to(self._journal, checked)
        session = self._session = LiveSession(self._make, sink, inbox, self._said, options, host=host)
        for name, text in self._texts.items():
            self._apply_text(name, text)
        for number, value in self._numbers.items():
            self._apply_number(number, value)
        return session

    def _set_number(self, number: int, value: float) -> None:
        if self._numbers.get(number) == value:
            return
        self._numbers[number] = value
        if number == SEED_ID:
            self._live().set_seed(int(value))
        else:
            self._apply_number(number, value)

    def _set_text(self, name: str, text: str) -> None:
        if self._texts.get(name, "") == text:
            return
        self._texts[name] = text
        if name == CHORDS:
            self._apply_chart(text)
        else:
            self._apply_text(name, text)

    def _apply_chart(self, text: str) -> None:
        """A chart turns the mode, but the host has the say."""
        self._apply_text(CHORDS, text)
        if MODE_ID in self._numbers:
            self._apply_number(MODE_ID, self._numbers[MODE_ID])

    def _take_metre(self, host: FollowHost) -> None:
        """Has a chart that names no metre go in the host's where that stands or starts; while it plays, bars stay."""
        goes_on, self._epoch = host.playing and host.epoch == self._epoch, host.epoch
        before, text = self._metre, self._texts.get(CHORDS, "")
        if goes_on or host.metre == str(before):
            return
        with contextlib.suppress(ChordError):  # the session says that there is no such metre
            self._metre = parse_metre(host.metre)
        with contextlib.suppress(SidemanError):  # it was said when the text came
            if text and parse_chart(text, otherwise=before) != parse_chart(text, otherwise=self._metre):
                self._apply_chart(text)

    def _apply_number(self, number: int, value: float) -> None:
        row = BY_ID.get(number)
        if row is not None:
            self._set(row.name, value_of(row, value))

    def _apply_text(self, name: str, text: str) -> None:
        if name != CHORDS:
            self._set(name, text or BY_NAME[name].default)
            return
        try:
            if text:  # no chart takes the place of one that is played
                self._live().set_chart(parse_chart(text, otherwise=self._metre))
            self._found(CHORDS, None)
        except SidemanError as error:
            self._found(CHORDS, str(error))

    def _set(self, name: str, value: Value) -> None:
        session = self._live()
        try:
            setting = Setting(name, value)
            check_live(setting)
            check_askable(session.controls, name, setting.value)
            session.set_parameter(setting)
            self._found(name, None)
        except (SidemanError, OscError, ModeError) as error:
            self._found(name, str(error))

    def _found(self, name: str, trouble: str | None) -> None:
        """Has the plug-in say all that cannot be had, until it is; what the session said is of a moment before."""
        with self._troubles_lock:
            before = dict(self._troubles)
            self._troubles.pop(SESSION, None)
            self._troubles.pop(name, None)
            if trouble is not None:
                self._troubles[name] = trouble
            if self._troubles != before:
                self._send(wire.status("; ".join(self._troubles.values())))
        if trouble is not None and before.get(name) != trouble:
            self._report("error", trouble)

    def _said(self, what: str, text: str) -> None:
        """Any thread."""
        if what == "error":
            with self._troubles_lock:
                self._troubles[SESSION] = text
                self._send(wire.status("; ".join(self._troubles.values())))
        self._report(what, text)

    def _failed(self, error: BaseException) -> None:
        """On the session's thread: the plug-in, left alone, comes again and has a fresh one."""
        self._said("error", str(error))
