"""OSC in front of the live session: the parameter table's values, and what each command does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Final

from bridge.errors import ModeError
from bridge.live import commands
from bridge.live.modes.mode import MODES
from bridge.live.rounds.densities import DENSITY, parse_density
from bridge.live.session import LiveSession
from bridge.panel.panel import Panel
from engine.chords import parse_chart, parse_chord
from engine.chords.scales import scale_mask
from engine.metre import COMMON, Metre, parse_metre
from engine.model.controls import check_askable
from engine.styles.library import find_style, list_styles, parse_styles
from osc_protocol.server.server import OscServer
from osc_protocol.table.parameters import AUTO, BY_NAME, DEFAULT_PORT, DEFAULTS, NEXT, Parameter, Setting, Value
from osc_protocol.wire.replies import ERROR, STATUS

__all__ = ["Remote", "check_live"]

# What a session may refuse after the message was taken: it alone knows what it has heard.
_ADDRESSES: Final[Mapping[type[commands.Command], str]] = {
    commands.KeepBars: "/sideman/keep", commands.PlayAgain: "/sideman/again",
    commands.ChooseVariation: "/sideman/variation", commands.DrawDensity: "/sideman/density/bars",
    commands.UndoBars: "/sideman/undo", commands.RecallBank: "/sideman/bank/recall",
}  # fmt: skip


def check_live(setting: Setting) -> None:
    """Raises SidemanError for a scale that nobody knows, and for a style that is not there or is broken."""
    if setting.name == "scale":
        scale_mask(str(setting.value))
    if setting.name == "style":
        for style in parse_styles(str(setting.value)):
            find_style(style)


class Remote:
    """Owns the values in force and the OSC server. Values come from any surface; the session thread hears of each."""

    def __init__(
        self,
        live: LiveSession,
        values: Mapping[str, Value],
        port: int = DEFAULT_PORT,
        host: str = "127.0.0.1",
        metre: Metre = COMMON,
        panel: Panel | None = None,
        write_last: Callable[[int], None] = lambda bars: None,
        chart_metre: Metre | None = None,
    ) -> None:
        """values: those in force already; the table's defaults for the rest. metre: of charts that
        name none. panel: is told what commands did. write_last: writes so many bars as a file. chart_metre: of the
        chart that the session has. Nothing is bound before start()."""
        self._live, self._panel = live, panel
        self._metre, self._chart_metre = metre, chart_metre
        self._quarters_bpm: float | None = None  # what a host has told, which counts quarters
        self._told_bpm = 0.0  # what the session was told of that
        self._values: dict[str, Value] = {**DEFAULTS, **values}
        self._taking = Lock()  # held while a value goes to the session and into _values, in this order
        self.server = OscServer(
            self._on_parameter, self._on_command, self._values.__getitem__, host, port, get_asked=self._asked
        )
        self._commands: dict[str, Callable[[Value], None]] = {
            "/sideman/transport/tempo": self._set_tempo,
            "/sideman/transport/position": lambda beat: self._locate(float(beat)),
            "/sideman/transport/quarters/tempo": self._set_quarters_tempo,
            "/sideman/transport/quarters/position": lambda beat: self._locate(float(beat) / self._beat_quarters),
            "/sideman/seed": lambda seed: live.set_seed(int(seed)),
            "/sideman/chord": lambda text: live.set_chord(parse_chord(str(text))),
            "/sideman/chords": self._set_chart,
            "/sideman/metre": self._set_metre,
            "/sideman/ending": lambda bars: live.end_in(int(bars)),
            "/sideman/keep": lambda bars: live.keep(str(bars)),
            "/sideman/again": lambda bars: live.again(str(bars)),
            "/sideman/variation": lambda text: live.choose_variation(str(text)),
            "/sideman/density/bars": self._draw_density,
            "/sideman/bank/store": lambda name: live.store_bank(str(name)),
            "/sideman/bank/recall": lambda name: live.recall_bank(str(name)),
            "/sideman/capture": lambda bars: write_last(int(bars)),
        }
        self._bare_commands: dict[str, Callable[[], None]] = {
            "/sideman/play": live.play,
            "/sideman/stop": live.stop,
            "/sideman/panic": live.panic,
            "/sideman/undo": live.undo,
        } | {address: partial(self._next, row) for address, row in NEXT.items()}

    def start(self) -> None:
        """Binds the port. OscPortError if it is in use."""
        self.server.start()

    def restart(self) -> None:
        """Starts all of the server's threads anew after one has died, on the same port; subscribers are kept."""
        self.server.close()
        self.server.start()

    def close(self) -> None:
        """Frees the port."""
        self.server.close()

    def report(self, what: str, text: str) -> None:
        """Tells every subscriber what the session did."""
        if what == "error":
            self._take_back()
            self.server.send(ERROR, self._at_fault(text), text)
        elif what == "asked":
            for name in text.split():
                self.server.publish_asked(name)
        else:
            if what == "recalled":
                self._recalled()
            self.server.send(STATUS, what, text)

    def _at_fault(self, text: str) -> str:
        """Returns the address of what was refused; "" where no message was."""
        if self._live.disobeyed and self._live.disobeyed[0][1] == text:
            return _ADDRESSES.get(type(self._live.disobeyed.popleft()[0]), "")
        name = text.split(" ", maxsplit=1)[0].rstrip(":")  # a knob that the music refused names itself
        return BY_NAME[name].address if name in BY_NAME else ""

    def _take_back(self) -> None:
        """Has every surface show what is in force where the music refused a value that was told as taken."""
        while self._live.refused:
            name, value, in_force = self._live.refused.popleft()
            with self._taking:
                if self._values[name] != value:  # turned again since
                    continue
                self._values[name] = in_force
            self.server.publish(name)

    def _recalled(self) -> None:
        """Has every surface show the values that came with a bank."""
        for name, value in self._live.recalled.items():
            with self._taking:
                if self._values[name] == value:
                    continue
                self._values[name] = value
            self.server.publish(name)
        if self._panel is not None:
            self._panel.did("/sideman/seed", self._live.seed)

    def _asked(self, name: str) -> Value:
        """Returns what the session has asked of the music for a row that may be left to it."""
        return self._live.asked.get(name, AUTO)

    def _on_parameter(self, setting: Setting) -> None:
        check_live(setting)
        check_askable(self._live.controls, setting.name, setting.value)
        with self._taking:
            self._live.set_parameter(setting)
            self._values[setting.name] = setting.value
        if setting.name == "mode":
            self._keep_quarters()
        if self._panel is not None and setting.name == "look_ahead_ms":
            self._panel.did(BY_NAME[setting.name].address, setting.value)

    def _on_command(self, address: str, arguments: tuple[Value, ...]) -> None:
        if arguments:
            self._commands[address](arguments[0])
        else:
            self._bare_commands[address]()
        if self._panel is not None:
            self._panel.did(address, arguments[0] if arguments else None)

    @property
    def _over_chart(self) -> bool:
        return MODES[str(self._values["mode"])].needs_chart

    def _set_chart(self, text: Value) -> None:
        chart = parse_chart(str(text), otherwise=self._metre)
        self._live.set_chart(chart)
        self._chart_metre = chart.metre
        if self._panel is not None:
            self._panel.has_chart(str(text), chart)
        if not self._over_chart:
            self._values["mode"] = "changes"
            self.server.publish("mode")
        self._keep_quarters()

    def _set_metre(self, text: Value) -> None:
        """Sets the metre of what has no chart, and of later charts that name none."""
        self._metre = parse_metre(str(text))
        self._live.set_metre(str(self._metre))
        self._keep_quarters()

    def _set_tempo(self, bpm: Value) -> None:
        self._quarters_bpm = None
        self._live.set_tempo(float(bpm))

    def _set_quarters_tempo(self, bpm: Value) -> None:
        self._quarters_bpm, self._told_bpm = float(bpm), 0.0
        self._keep_quarters()

    def _keep_quarters(self) -> None:
        """Keeps to a host's quarters, whatever the beat is that is felt now."""
        if self._quarters_bpm is None:
            return
        tempo_bpm = self._quarters_bpm / self._beat_quarters
        if tempo_bpm == self._told_bpm:  # told again, it would take back music for nothing
            return
        self._told_bpm = tempo_bpm
        self._live.set_tempo(tempo_bpm)
        if self._panel is not None:
            self._panel.did("/sideman/transport/tempo", tempo_bpm)

    @property
    def _beat_quarters(self) -> float:
        """The felt beat of what is played, in quarters."""
        takes_chart = MODES[str(self._values["mode"])].takes_chart
        metre = (self._chart_metre if takes_chart else None) or self._metre
        return float(metre.beat_quarters)

    def _draw_density(self, text: Value) -> None:
        check_askable(self._live.controls, DENSITY, parse_density(str(text))[1])
        self._live.draw_density(str(text))

    def _next(self, row: Parameter) -> None:
        """Goes on to the next value that can be had: without a chart there are no changes to play over, and a style of
        another base would be refused when the music comes to it, and the next press come to it again.
        """
        styles = (style.name for style in list_styles() if style.base_sha256 == self._live.base_sha256)
        values = row.choices or ("", *styles)
        now = self._values[row.name]
        after = values.index(str(now)) + 1 if now in values else 0
        for value in (*values[after:], *values[: max(after - 1, 0)]):
            with suppress(ModeError):
                self._on_parameter(Setting(row.name, value))
                self.server.publish(row.name)
                return

    def _locate(self, beat: float) -> None:
        if not self._over_chart:
            raise ModeError("a position needs a chart to be in: send /sideman/chords first")
        self._live.locate(beat)
