"""Everything that `sideman play` opens, and the one way to close it: threads, ports, OSC, the take.

    MIDI-in callback --ring--> session thread --ring--> deadline thread --> port
    OSC thread, control thread --thunks--> session thread           all --reports--> main thread

docs/TIMING.md draws it and says who owns what.
"""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final

import native
from bridge.app.leaving import summary, time_limit
from bridge.app.port_names import NoPorts, find_ports
from bridge.app.recordings import Recordings
from bridge.app.remote import Remote
from bridge.app.settings import Settings
from bridge.app.surfaces import Surfaces
from bridge.app.waiting import Waiting
from bridge.app.watchman import Watchman
from bridge.live.deadline_thread import DeadlineThread
from bridge.live.modes.mode import MODES
from bridge.live.playing.improviser import Improviser
from bridge.live.playing.observer import Observers
from bridge.live.session import LiveSession
from bridge.live.supervision import undisturbed
from bridge.midi.echo import Echo
from bridge.midi.live_ports import LivePorts
from bridge.midi.numbers import LIFT_ALL, SYSTEM
from bridge.panel.panel import Panel
from engine.metre import parse_metre
from engine.platform.system import this_system
from osc_protocol.table.parameters import Setting, values_of

__all__ = ["App"]

OPEN_TO_ALL: Final = "OSC is open to the network: whoever reaches this machine can turn the knobs and read them"


class App:
    """The main thread calls open(), wait() and close(); any thread and any signal handler may call leave()."""

    def __init__(
        self, settings: Settings, load: Callable[[], Callable[[int], Improviser]], say: Callable[[str], None]
    ) -> None:
        """load makes the engine. say prints one line, and never raises."""
        self._settings, self._load, self._say = settings, load, say
        self._waiting = Waiting()
        self._report, self._workers = self._waiting.report, self._waiting.workers
        self._exits = ExitStack()  # the last opened is closed first, each whatever becomes of the others
        self.is_open = False  # notes may sound from now on
        self._deadline_thread: DeadlineThread | None = None
        self._live: LiveSession | None = None
        self._remote: Remote | None = None
        self._recordings: Recordings | None = None
        self._panel: Panel | None = None
        self._hung = False

    def open(self) -> None:
        """Opens everything and starts to play. SidemanError or OscError: it cannot; call close() even then."""
        settings = self._settings
        names = find_ports(settings)  # first: the model takes longer to load
        scheduler = native.Scheduler()
        live = self._live = self._make_session(scheduler)
        watchman = Watchman(self._worker_died)
        self._exits.callback(watchman.close)
        remote = self._remote = self._open_remote(live)
        ports: LivePorts = NoPorts()
        if names.system is not None:
            ports = LivePorts(names.system, self._midi_lost, self._midi_back, self._report)
        self._exits.callback(ports.close)
        self._workers.add("sideman-ports", ports.restart, "the ports are looked after again, the music goes on")
        surfaces = Surfaces(remote.server, settings, self._report, self._exits, self._workers)
        oscquery = surfaces.open_oscquery(
            None if self._panel is None else self._panel.site(live, settings.session.metre)
        )

        output = ports.output("Sideman Out", names.output)
        echo = None if settings.echo_channel is None else Echo(settings.echo_channel)
        self._deadline_thread = DeadlineThread(scheduler, output.send, native.now_us, self.leave, self._sent, echo)
        knobs = surfaces.open_knobs(ports, names.feedback)

        def hear(message: bytes) -> None:
            try:
                if knobs.from_in(message):  # a pad that is a button is no music
                    return
                if settings.in_channel in (None, message[0] & 0x0F) or message[0] >= SYSTEM:
                    live.midi_in(message)
                    if echo is not None:
                        echo.put(message)
            except Exception as error:  # the MIDI system would print it, and go on
                self._worker_died("the MIDI input", error)

        source = ports.input("Sideman In", names.input, hear, clock=settings.session.midi_clock)
        control = "none" if names.control is None else surfaces.open_control(ports, knobs, *names.control)

        self._exits.enter_context(undisturbed())
        assert self._recordings is not None
        self._recordings.begin()
        self.is_open = True
        self._deadline_thread.start()
        live.start_thread(self.leave)
        where: Mapping[str, str] | str
        if names.system is None:
            where = said = f"{names.why_none}; until then you play and hear in the page alone"
        else:
            where = {"system": names.system.name, "input": source.name, "output": output.name, "control": control}
            said = f"{names.system.name}: in {source.name!r}, out {output.name!r}, control {control!r}"
        self._say(said)
        self._say(f"OSC: {settings.osc_host}:{remote.server.port}, seed {settings.session.seed}")
        if not settings.osc_host.startswith("127."):
            self._say(OPEN_TO_ALL)
        self._say(f"OSCQuery: {oscquery}")
        if self._panel is not None:
            self._open_panel(self._panel, oscquery, where, said)
        self._say(f"{MODES[settings.mode].invitation}Ctrl-C stops")

    def _make_session(self, scheduler: native.Scheduler) -> LiveSession:
        """Makes the session, with all that listens to it; its first commands wait in its inbox."""
        settings = self._settings
        recordings = self._recordings = Recordings(settings, scheduler, lambda text: self._report("error", text))
        if recordings.take is not None and recordings.take.recovered is not None:
            path, count = recordings.take.recovered
            self._say(f"a take was broken off here: it is now {path}, {count} messages")
        panel = self._panel = Panel(native.now_us, self._report, recordings.capture) if settings.panel else None
        if panel is not None:
            self._exits.callback(panel.close)
        taps = [] if panel is None else [panel.tap]
        live = LiveSession(
            self._load(),
            recordings.sink if panel is None else panel.sink(recordings.sink),
            recordings.inbox,
            self._report,
            settings.session,
            Observers(recordings.capture, *([] if recordings.take is None else [recordings.take]), *taps),
        )
        for setting in settings.values:
            live.set_parameter(setting)
        if settings.chart is not None:
            live.set_chart(settings.chart)
        live.set_parameter(Setting("mode", settings.mode))
        return live

    def _open_remote(self, live: LiveSession) -> Remote:
        settings = self._settings
        remote = Remote(
            live,
            {**values_of(settings.values), "mode": settings.mode},
            settings.osc_port,
            settings.osc_host,
            parse_metre(settings.session.metre),
            self._panel,
            self._write_last,
            None if settings.chart is None else settings.chart.metre,
        )
        self._exits.callback(remote.close)
        remote.start()
        for thread in ("sideman-osc", "sideman-osc-later"):
            self._workers.add(thread, remote.restart, "every note ended, OSC is open again")
        return remote

    def wait(self) -> int | BaseException:
        """Reports until it is time to leave, and returns the number of the signal that said so, or the failure."""
        return self._waiting.wait(self._tell, self._look_at_session)

    def leave(self, why: int | BaseException) -> None:
        """Ends wait(). Any thread and any signal handler may call it."""
        self._waiting.leave(why)

    def _tell(self, what: str, text: str) -> None:
        assert self._remote is not None
        if what != "asked":  # for those who ask, not for the terminal: it may change at every bar
            self._say(f"{what} {text}".rstrip())
        self._remote.report(what, text)
        if self._panel is not None and what != "asked":
            self._panel.said(what, text)

    def _look_at_session(self) -> None:
        """Ends the notes of a session that hangs; it goes on by itself when it can."""
        assert self._live is not None
        assert self._deadline_thread is not None
        hangs = self._live.hangs()
        if hangs and not self._hung:
            self._deadline_thread.hush()
            self._report("error", "the session hangs, every note ended: the decoder or the disk takes over a second")
        self._hung = hangs

    def _worker_died(self, name: str, error: BaseException) -> None:
        """Ends every note that may be lost with it, and has the main thread start it again. Any thread may call it."""
        if self._live is not None and self._workers.carries_music(name):
            self._live.resync("")
        self._waiting.died(name, error)

    def close(self) -> None:
        """Ends every sounding note, then closes what open() opened, as far as it came."""
        try:
            with time_limit():
                self._end_notes()
            if self._recordings is not None:
                said = self._recordings.close(played=self.is_open)
                if said:
                    self._say(said)
        finally:
            with time_limit(), self._exits:
                pass

    def _end_notes(self) -> None:
        if self._live is not None:
            self._live.stop_thread()
        if self._deadline_thread is not None:
            self._deadline_thread.finish()
            said = None if self._live is None else summary(self._deadline_thread, self._live)
            if said:
                self._say(said)

    def _open_panel(self, panel: Panel, served_at: str, ports: Mapping[str, str] | str, said: str) -> None:
        """ports: see Panel.has_ports. said: the same for the terminal."""
        settings = self._settings
        if settings.chart is not None:
            panel.has_chart(settings.chart_text, settings.chart)
        if settings.session.tempo_bpm is not None:
            panel.did("/sideman/transport/tempo", settings.session.tempo_bpm)
        panel.said("ports", said)
        panel.has_ports(ports)
        if not settings.osc_host.startswith("127."):
            panel.said("note", OPEN_TO_ALL)
        panel.did("/sideman/seed", settings.session.seed)
        panel.open()
        address = panel.address(served_at)
        self._say(f"panel: {address}")
        if settings.browser and this_system().has_screen():
            webbrowser.open(address)

    def _write_last(self, bars: int) -> None:
        """Writes the last so many bars; any thread. BridgeError, SidemanError: it cannot be done."""
        assert self._recordings is not None
        self._report("captured", str(self._recordings.write_last(bars)))

    def _sent(self, time_us: int, message: bytes) -> None:
        """On the deadline thread."""
        assert self._recordings is not None
        self._recordings.sent(time_us, message)
        if self._panel is not None:
            self._panel.tap.sent(time_us, message)

    def _midi_lost(self, why: str) -> None:
        """On the thread of the ports, which alone speaks for the player: the keys are up, every note has ended."""
        if self._deadline_thread is not None:
            self._deadline_thread.port_lost()
        if self._live is not None:
            for message in LIFT_ALL:
                self._live.midi_in(message)
        self._report("error", f"the JACK server went away ({why}), every note has ended: start it, the ports come back")

    def _midi_back(self) -> None:
        if self._deadline_thread is not None:
            self._deadline_thread.port_back()
        self._report("note", "the JACK server is back, and so are the ports: connect them again")
