"""The session thread: takes what the player does and what the knobs say, decides, keeps music ready ahead.

It alone owns the improviser and the producer's side of the scheduler. Other threads reach it through
bridge/live/inbox.py, which never makes them wait.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from bridge.errors import ModeError
from bridge.live import commands
from bridge.live.controls import Controls
from bridge.live.host_transport import HostFollower, HostTransport
from bridge.live.inbox import Inbox
from bridge.live.modes.switch import Modes
from bridge.live.options import SessionOptions
from bridge.live.outside_clock import OutsideClock
from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.beat import Beat
from bridge.live.playing.context import Context
from bridge.live.playing.delivery import EventSink
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.keyboard import Keyboard
from bridge.live.playing.knobs import Knobs
from bridge.live.playing.observer import Observer
from bridge.live.playing.report import Report
from bridge.live.session_thread import SessionThread
from bridge.live.supervision import LOST_US
from bridge.midi.clock import MidiClock
from bridge.midi.numbers import LIFT_ALL, SYSTEM
from engine.metre import parse_metre
from osc_protocol.table.parameters import AUTO, DEFAULTS, Value

__all__ = ["LiveSession"]

BUSY_S, IDLE_S = 0.01, 0.1  # between two rounds, with and without something to watch
OPTIONS: Final = SessionOptions()
NOT_OF_THE_MUSIC: Final = ("mode", "look_ahead_ms")  # parameters that no bank holds


class LiveSession(Controls):
    """One sideman. Controls, start_thread and stop_thread are for other threads; the rest is the session thread's."""

    def __init__(
        self,
        make_improviser: Callable[[int], Improviser],
        sink: EventSink,
        inbox: Inbox,
        report: Report,
        options: SessionOptions = OPTIONS,
        observer: Observer | None = None,
        host: HostTransport | None = None,
    ) -> None:
        """make_improviser makes a fresh stream for a seed. The session hears its inbox, and goes by its clock, which is
        the scheduler's own. observer is told what the player and the session do. host: that of a plug-in, whose beats
        the clock runs by.
        """
        super().__init__(inbox)
        self._observer = observer or Observer()
        self._make_improviser, self._sink, self._report = make_improviser, sink, report
        self._thread: SessionThread | None = None
        self._began_us: int | None = None  # the round under way; written by the session thread
        self._ready_us = 0  # up to where music was ready after the last round; the same
        self.recalled: Mapping[str, Value] = {}  # the values that came with the last bank, and its seed; the same
        self.seed = options.seed
        self.asked: Mapping[str, Value] = {}  # what applies of the rows that may be left to us; the same, never changed
        # Session thread only, from here on.
        now_us = inbox.now_us
        self._look_ahead_us = int(DEFAULTS["look_ahead_ms"]) * 1000
        self._ended_us = now_us()  # the last round
        self._longest_us: float = math.inf  # until the next one, or time was lost
        self._broken = False  # the last round has failed
        self._enabled = self._told_enabled = True
        improviser = make_improviser(options.seed)
        self.controls = tuple(improviser.controls)  # what its base can be asked; any thread
        self.base_sha256 = improviser.base_sha256  # the same
        self._ahead = PlayAhead(improviser, sink, now_us, channel=options.channel, seed=options.seed)
        midi_clock = MidiClock() if options.midi_clock else None
        self._beat = Beat(
            self._ahead,
            now_us,
            report,
            tempo_bpm=options.tempo_bpm,
            outside=host or midi_clock,
            latency_us=round(options.output_latency_ms * 1000),
            metre=parse_metre(options.metre),
        )
        self._knobs = Knobs(self._ahead, self._beat, now_us, report, self._observer)
        self.refused = self._knobs.refused  # values that were refused after they were told as taken; any thread
        self.disobeyed = deque[tuple[commands.Command, str]](maxlen=256)  # with what is reported of it next; any thread
        self._modes = Modes(
            Context(self._ahead, Keyboard(), now_us, report, self._knobs, self._beat, self._observer),
            release_us=round(options.release_s * 1e6),
            trade_bars=options.trade_bars,
            count_in_bars=options.count_in_bars,
            seed=options.seed,
            on_recall=self._recalled,
        )
        self._outside = None if midi_clock is None else OutsideClock(midi_clock, self._modes, self._beat)
        self._host = None if host is None else HostFollower(host, self._modes, self._beat, self._ahead, report)

    def start_thread(self, on_failure: Callable[[BaseException], None]) -> None:
        """Runs rounds on a thread of its own. on_failure: called there if they fail too often, after silence."""
        self._thread = SessionThread(self, on_failure)
        self._thread.start()

    def stop_thread(self, timeout_s: float = 2.0) -> bool:
        """Silences and ends the thread; False if it is stuck."""
        return self._thread is None or self._thread.stop(timeout_s)

    def hangs(self) -> bool:
        """Tells whether a round takes over a second and what was ready has been played: then nobody ends the notes."""
        began_us, now_us = self._began_us, self.inbox.clock_us()
        return began_us is not None and now_us - began_us > LOST_US and now_us > self._ready_us

    @property
    def skipped(self) -> int:
        """How many notes came too late to be played."""
        return self._ahead.delivery.skipped

    # ---- session thread ---------------------------------------------------------------------------------------------

    def step(self) -> float:
        """Runs one round. Returns the longest time, in seconds, until the next one is due."""
        self._began_us = self.inbox.clock_us()
        self.inbox.begin_round()
        if self._broken:
            self._start_afresh()
        for time_us, message in self.inbox.messages():
            self._hear(time_us, message)
        for command in self.inbox.commands():
            self._do(command)
        now_us = self.inbox.now_us()
        lost_us = now_us - self._ended_us
        if not 0 <= lost_us < self._longest_us:
            self._resync(f"{lost_us / 1e6:.1f} s were lost")
        if self._outside is not None:
            self._outside.step(now_us)
        if self._host is not None:
            self._host.step(now_us)
        if self._enabled:
            if self._modes.step(now_us):
                self._stop()
        else:
            self._modes.step_banks(now_us)
            self._knobs.apply(now_us)
        self._modes.fill(self._look_ahead_us, self.inbox, now_us, hears=self._enabled)
        self._beat.tell(now_us, self._observer, self._modes.mode.metre)
        self._modes.tell_form()
        self._tell_asked()
        self._tell_enabled()
        wait_s = BUSY_S if self._ahead.playing or self._knobs.waiting or self._modes.works else IDLE_S
        self._ended_us = self.inbox.now_us()
        settles_in_us = self._modes.mode.settles_in_us(self._ended_us)
        if settles_in_us is not None and self._enabled:
            wait_s = min(wait_s, settles_in_us / 1e6)
        self._longest_us = round(wait_s * 1e6) + LOST_US
        self._ready_us = self._ahead.ready_us
        self._began_us = None
        self.inbox.end_round()
        return wait_s

    def _tell_asked(self) -> None:
        asked, before = self._ahead.improviser.asked(), self.asked
        changed = [name for name, value in asked.items() if before.get(name, AUTO) != value]
        if changed:
            self.asked = asked
            self._report("asked", " ".join(changed))

    def _tell_enabled(self) -> None:
        if self._enabled != self._told_enabled:
            self._told_enabled = self._enabled
            self._observer.enabled(self._enabled)

    def broke(self, error: BaseException) -> None:
        """Ends every note after a round that failed; the next round starts afresh."""
        self.silence()
        self._broken = True
        self.inbox.end_round(error)
        self._report(
            "error", f"the session failed, every note ended, it starts afresh: {type(error).__name__}: {error}"
        )

    def silence(self) -> None:
        """Ends every note."""
        self._sink.silence()

    def _start_afresh(self) -> None:
        """Makes a stream like the one that failed, at rest; modes and chart go on from where they were."""
        self._modes.mode.hold_place()
        self._modes.banks.forget_waiting()
        self._ahead.abandon(self._fresh_improviser())
        self._modes.rest()
        self._broken = False

    def _fresh_improviser(self) -> Improviser:
        improviser = self._make_improviser(self._modes.banks.seed)
        self._knobs.give_all(improviser)
        return improviser

    def _hear(self, time_us: int, message: bytes) -> None:
        if self._outside is not None and self._outside.hear(time_us, message):
            self._enabled = True
        if message[0] < SYSTEM:
            self._observer.heard(time_us, message)
            self._modes.hear(time_us, message, enabled=self._enabled)

    # ---- commands, on the session thread ----------------------------------------------------------------------------

    def _do(self, command: commands.Command) -> None:
        try:
            self._obey(command)
        except ModeError as error:  # known here alone, and the one who asked waits no longer
            self.disobeyed.append((command, str(error)))
            self._report("error", str(error))

    def _obey(self, command: commands.Command) -> None:
        match command:
            case commands.SetLookAhead(look_ahead_ms):
                self._look_ahead_us = look_ahead_ms * 1000
            case commands.TurnKnob(setting):
                self._knobs.set(setting)
            case commands.FollowHost():
                if self._host is not None and self._host.follow(command, self.inbox.now_us()):
                    self._enabled = True
            case commands.HearKeys(time_us, message):
                self._hear(time_us, message)
            case commands.SetSeed(seed):
                self._set_seed(seed)
            case commands.Play():
                self._play()
            case commands.Stop():
                self._stop()
            case commands.Panic():
                self._panic()
            case commands.Resync(why):
                self._resync(why)
            case _:
                self._modes.obey(command)

    def _set_seed(self, seed: int) -> None:
        self._modes.rest()
        self._modes.banks.settle()
        self._modes.banks.seed = seed
        self._ahead.replace(self._fresh_improviser(), seed)

    def _recalled(self, name: str) -> None:
        self.recalled = {name: self._knobs.value(name) for name in DEFAULTS if name not in NOT_OF_THE_MUSIC}
        self.seed = self._modes.banks.seed
        self._report("recalled", name)

    def _resync(self, why: str) -> None:
        """Ends every note; the music goes on from now."""
        if why and self._ahead.playing:
            self._report("note", f"{why}: every note ended, the music goes on from now")
        self._modes.mode.hold_place()
        self._modes.rest()
        self.silence()  # also what only the scheduler knows of

    def _play(self) -> None:
        self._enabled = True
        if self._outside is not None:
            self._outside.play(self.inbox.now_us())

    def _stop(self) -> None:
        self._enabled = False
        self._modes.following.latch(None)
        self._modes.rest()

    def _panic(self) -> None:
        self._stop()
        self._ahead.delivery.all_notes_off()
        now_us = self.inbox.now_us()
        for message in LIFT_ALL:  # also of the player's keys: one whose end was lost would be down for ever
            self._modes.hear(now_us, message, enabled=False)
        self._enabled = self._modes.mode.led_by_keys  # a chart waits for play; keys say for themselves when to play
