"""Everything that `sideman play` opens, and the one way to close it: threads, ports, OSC, the take.

    MIDI-in callback --ring--> session thread --ring--> deadline thread --> port
    OSC thread, control thread --thunks--> session thread           all --reports--> main thread

docs/TIMING.md draws it and says who owns what.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import native
from bridge.ahead import EventSink
from bridge.cc_map import CcMap
from bridge.cc_road import CcRoad
from bridge.control import SysexControl
from bridge.errors import LiveFailure
from bridge.improviser import Improviser
from bridge.jack_watch import JackWatch
from bridge.journal import Journal
from bridge.live import LiveSession
from bridge.midi_clock import MidiClock
from bridge.player import Player
from bridge.ports import InputPort, MidiSystem, OutputPort, find_system
from bridge.remote import Remote
from bridge.session_header import session_header
from bridge.session_log import SENT, SESSION, VERSION, CheckedSink, LoggedDoors
from bridge.take import Take
from engine.chords import Chart
from osc_protocol.discovery import Announcement
from osc_protocol.errors import OscPortError
from osc_protocol.oscquery import OscQueryServer
from osc_protocol.parameters import Value

__all__ = ["Settings", "Stage"]

SWITCH_INTERVAL_S: Final = 0.0005  # how long a Python thread may keep the deadline thread waiting; 0.005 by default
EXIT_LIMIT_S: Final = 5.0  # a dead JACK server can hang the process's end, GIL and all; a C timer ends it then
CONTROL_QUEUE: Final = 1024  # SysEx messages from the control port waiting for their thread
WHAT_TO_DO: Final = {
    "follow": "hold a chord; ",
    "changes": "",
    "trade": "you begin: play; ",
    "continue": "play, and pause; ",
}


@dataclass(frozen=True)
class Settings:
    """What `sideman play` was asked for, checked."""

    input: str | None  # an existing port; None for the virtual one
    output: str | None
    control_input: str | None  # both or neither
    control_output: str | None
    osc_port: int
    values: Mapping[str, Value]  # parameters given on the command line
    chart: Chart | None  # None: follow the keys
    tempo_bpm: float | None
    seed: int
    release_s: float
    record: Path | None
    cc_map: CcMap
    feedback: str | None = None  # an existing port with motor faders on it
    mode: str = "follow"
    trade_bars: int = 4
    count_in_bars: int = 0
    output_latency_ms: float = 0.0
    midi_clock: bool = False  # follow the clock on the In port
    osc_host: str = "127.0.0.1"  # the IPv4 address that OSC and OSCQuery are bound to
    log: Path | None = None  # of the session, to be played again
    checkpoint: Path | None = None  # None: the shipped base
    device: str = "auto"
    oscquery_port: int | None = None  # TCP; None: the number of the OSC port; 0: none


class Stage:
    """open(), wait(), close(): main thread. leave(): any thread, and signal handlers."""

    def __init__(
        self, settings: Settings, load: Callable[[], Callable[[int], Improviser]], say: Callable[[str], None]
    ) -> None:
        """load: makes the engine. say: prints one line, never raises."""
        self._settings, self._load, self._say = settings, load, say
        self._inbox: queue.SimpleQueue[tuple[str, str] | int | BaseException] = queue.SimpleQueue()
        self._exits = ExitStack()  # the last opened is closed first, each whatever becomes of the others
        self._jack_died = threading.Event()
        self.is_open = False  # notes may sound from now on
        self._player: Player | None = None
        self._live: LiveSession | None = None
        self._remote: Remote | None = None
        self._take: Take | None = None
        self._log: Journal | None = None

    def open(self) -> None:
        """Opens everything and starts to play. SidemanError or OscError where it cannot; close() in any case."""
        settings = self._settings
        system = find_system()
        input_name, output_name = system.find(settings.input, settings.output)  # first: the model takes longer to load
        feedback_name = None if settings.feedback is None else system.find_output(settings.feedback, "--feedback")
        control_names = None  # no control ports
        if settings.control_input is not None or system.has_virtual:
            control_names = system.find(
                settings.control_input, settings.control_output, ("--control-in", "--control-out")
            )
        if settings.record is not None:
            self._take = self._open_take(settings.record)
        scheduler = native.Scheduler()
        sink: EventSink = scheduler
        doors = None
        if settings.log is not None:
            self._log = Journal(settings.log, self._report_trouble)
            header = session_header(_options(settings), settings.values, settings.checkpoint, settings.device)
            self._log.add(SESSION, VERSION, header)
            sink = CheckedSink(scheduler)
            doors = LoggedDoors(native.now_us, self._log, sink)
        live = LiveSession(
            self._load(),
            sink,
            native.now_us,
            lambda what, text: self._inbox.put((what, text)),
            **_options(settings) | {"midi_clock": MidiClock() if settings.midi_clock else None},
            witness=self._take,
            doors=doors,
        )
        self._live = live
        for name, value in settings.values.items():
            live.set_parameter(name, value)
        if settings.chart is not None:
            live.set_chart(settings.chart)
        live.set_parameter("mode", settings.mode)
        self._remote = Remote(live, {**settings.values, "mode": settings.mode}, settings.osc_port, settings.osc_host)
        self._exits.callback(self._remote.close)
        self._remote.start()
        oscquery = self._open_oscquery(self._remote.server.port)

        output = OutputPort(system, "Sideman Out", output_name)
        self._close_at_end(output.close)
        self._player = Player(
            scheduler,
            output.send,
            native.now_us,
            self._inbox.put,
            self._sent,
        )
        if system.name == "JACK":
            self._watch_jack(self._player)
        knobs = self._open_knobs(system, feedback_name)

        def hear(message: bytes) -> None:
            if not knobs.from_in(message):  # a pad that is a button is no music
                live.midi_in(message)

        source = InputPort(system, "Sideman In", input_name, hear, clock=settings.midi_clock)
        self._close_at_end(source.close)
        control = "none" if control_names is None else self._open_control(system, knobs, *control_names)

        # A collection of the loaded model's objects would stop every thread; frozen, they are never looked at.
        gc.collect()
        gc.freeze()
        interval_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._exits.callback(sys.setswitchinterval, interval_s)
        self._exits.callback(gc.unfreeze)
        self.is_open = True
        self._player.start()
        live.start_thread(self._inbox.put)
        self._say(f"{system.name}: in {source.name!r}, out {output.name!r}, control {control!r}")
        self._say(f"OSC: {settings.osc_host}:{self._remote.server.port}, seed {settings.seed}")
        if not settings.osc_host.startswith("127."):
            self._say("OSC is open to the network: whoever reaches this machine can turn the knobs and read them")
        self._say(f"OSCQuery: {oscquery}")
        self._say(f"{WHAT_TO_DO[settings.mode]}Ctrl-C stops")

    def wait(self) -> int | BaseException:
        """Reports until it is time to leave: the number of the signal that said so, or the failure."""
        assert self._remote is not None
        while True:
            try:
                # A timeout, because on Windows a wait without one cannot be interrupted.
                item = self._inbox.get(timeout=0.5)
            except queue.Empty:
                continue
            if not isinstance(item, tuple):
                return item
            what, text = item
            self._say(f"{what} {text}".rstrip())
            self._remote.report(what, text)

    def leave(self, why: int | BaseException) -> None:
        """Ends wait(). Any thread, and signal handlers."""
        self._inbox.put(why)

    def close(self) -> None:
        """Ends every sounding note, then closes what open() opened, as far as it came."""
        # Whatever hangs from here on must not keep the process: this timer needs no GIL.
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(EXIT_LIMIT_S, exit=True, file=nowhere)
            try:
                with self._exits:
                    self._end_notes()
                    self._save_take()
            finally:
                if not self._jack_died.is_set():
                    faulthandler.cancel_dump_traceback_later()

    def _end_notes(self) -> None:
        if self._live is not None:
            self._live.stop_thread()
        if self._player is not None:
            self._player.finish()
            lateness_ms = sorted(late_us / 1000 for late_us in self._player.lateness_us)
            if lateness_ms and self._live is not None:
                p50, p99 = lateness_ms[len(lateness_ms) // 2], lateness_ms[len(lateness_ms) * 99 // 100]
                self._say(
                    f"sent {self._player.sent} messages, late by p50 {p50:.2f} ms, p99 {p99:.2f} ms; "
                    f"{self._live.skipped} notes skipped, {self._live.dropped_input} messages of the player dropped"
                )

    def _sent(self, time_us: int, message: bytes) -> None:
        """The deadline thread has sent it."""
        if self._take is not None:
            self._take.note_out(time_us, message)
        if self._log is not None:
            self._log.add(SENT, time_us, message)

    def _report_trouble(self, text: str) -> None:
        self._inbox.put(("error", text))

    def _open_take(self, path: Path) -> Take:
        take = Take(path, native.now_us(), self._settings.tempo_bpm, self._report_trouble)
        if take.recovered is not None:
            self._say(f"a take was broken off here: it is now {take.recovered[0]}, {take.recovered[1]} messages")
        return take

    def _save_take(self) -> None:
        if self._log is not None:
            self._log.close()
        if self._take is not None and not self.is_open:
            self._take.discard()
        elif self._take is not None:
            count = self._take.save()
            self._say(f"wrote {self._settings.record}: {count} messages")

    def _watch_jack(self, player: Player) -> None:
        def died(reason: str) -> None:
            player.port_lost()
            self._jack_died.set()
            self.leave(LiveFailure(f"the JACK server went away ({reason}): start it again, then sideman play"))

        try:
            watch = JackWatch(died)
        except (ImportError, OSError):  # the package, or the system's libjack that it needs
            self._say("without PyPI's JACK-Client the end of jackd goes unnoticed: `pip install JACK-Client`")
            return
        self._close_at_end(watch.close)

    def _close_at_end(self, close: Callable[[], None]) -> None:
        """For what belongs to the MIDI system: a dead JACK server would make each closing wait in vain."""
        self._exits.callback(lambda: None if self._jack_died.is_set() else close())

    def _open_oscquery(self, osc_port: int) -> str:
        """Says where it is served. OscPortError only for a port that was asked for: nothing else hangs on it."""
        assert self._remote is not None
        wanted = self._settings.oscquery_port
        if wanted == 0:
            return "off"
        host, port = self._settings.osc_host, osc_port if wanted is None else wanted
        http = OscQueryServer(self._remote.server, host, port)
        try:
            http.start()
        except OscPortError as error:
            if wanted is not None:
                raise
            return f"off: {error}"
        self._exits.callback(http.close)
        announcement = Announcement(osc_port, http.port, lambda text: self._inbox.put(("note", text)), host)
        self._exits.callback(announcement.close)
        return f"http://{http.host}:{http.port}"

    def _open_knobs(self, system: MidiSystem, feedback_name: str | None) -> CcRoad:
        """Plain controllers of the In and the control port."""
        assert self._remote is not None
        send = None
        if feedback_name is not None:
            faders = OutputPort(system, "Sideman Feedback", feedback_name)
            self._close_at_end(faders.close)
            send = faders.send
        knobs = CcRoad(
            self._remote.server, self._settings.cc_map, send, lambda what, text: self._inbox.put((what, text))
        )
        self._exits.callback(knobs.close)
        return knobs

    def _open_control(self, system: MidiSystem, knobs: CcRoad, input_name: str | None, output_name: str | None) -> str:
        """The port pair for FL Studio's script."""
        assert self._remote is not None
        out = OutputPort(system, "Sideman Control", output_name)
        self._close_at_end(out.close)
        road = SysexControl(self._remote.server, out.send)
        self._exits.callback(road.close)
        frames: queue.Queue[bytes | None] = queue.Queue(CONTROL_QUEUE)

        def receive() -> None:  # answering takes locks and time, which the MIDI system's own thread has not
            while (frame := frames.get()) is not None:
                road.receive(frame)

        def take(frame: bytes) -> None:
            knobs.from_control(frame)
            if not frames.full():  # a flood loses frames, as a wire would; the script asks again
                frames.put_nowait(frame)

        thread = threading.Thread(target=receive, name="sideman-control-in", daemon=True)
        thread.start()
        self._exits.callback(frames.put, None)
        source = InputPort(system, "Sideman Control", input_name, take, sysex=True)
        self._close_at_end(source.close)
        return source.name


def _options(settings: Settings) -> dict[str, Any]:
    """What a session is made with, as far as it can be written down."""
    return {
        "seed": settings.seed,
        "release_s": settings.release_s,
        "tempo_bpm": settings.tempo_bpm,
        "trade_bars": settings.trade_bars,
        "count_in_bars": settings.count_in_bars,
        "output_latency_ms": settings.output_latency_ms,
        "midi_clock": settings.midi_clock,
    }
