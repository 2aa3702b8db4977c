"""The fake host: it loads a script, calls its callbacks on a clock of its own, and notes every breach of FL's rules.

Time is simulated, so that a minute of FL takes milliseconds and a test never waits. `violations` must stay empty:
callbacks over budget, floods, frames sent while a project loads.
"""

from __future__ import annotations

import random
import threading
import time
import types
from pathlib import Path
from typing import Any

from tests.support.fl.modules import build
from tests.support.fl.sandbox import Sandbox
from tests.support.fl.udp import FakeUdp

MAX_SYSEX = 1000  # bytes; more is lost without a word
MAX_CALLS = 40  # of FL's functions in one callback
MAX_CALLBACK_S = 0.05  # of processor time, far above what a callback needs


class Event:
    """An event with the attributes that FL's events have, and no others."""

    __slots__ = (
        "controlNum", "controlVal", "data1", "data2", "handled", "inEv", "isIncrement", "midiChan", "midiChanEx",
        "midiId", "note", "outEv", "pitchBend", "pmeFlags", "port", "pressure", "progNum", "res", "status", "sysex",
        "timestamp", "velocity",
    )  # fmt: skip

    def __init__(self, status: int, data1: int = 0, data2: int = 0, sysex: bytes | None = None) -> None:
        for name in self.__slots__:
            setattr(self, name, 0)
        self.status, self.data1, self.data2, self.sysex = status, data1, data2, sysex
        self.note = self.controlNum = data1
        self.velocity = self.controlVal = data2
        self.handled: Any = 0


class FakeFL:
    """One FL Studio with one script. Options name the faults; see FL_STUDIO's list of what hosts do.

    idle: whether OnIdle ever comes; by default not on fl2025, the profile of 25.2.5. sysex_by: "OnSysEx", "OnMidiMsg"
    or "both". bare_sysex: F0 and F7 are taken off.
    wine: outbound SysEx vanishes. echo: what is sent comes back, as macOS' IAC bus does. stale: reads lag one tick.
    sockets: a UDP socket works.
    """

    def __init__(
        self,
        folder: Path,
        profile: str = "fl2024",
        *,
        idle: bool | None = None,
        sysex_by: str = "OnSysEx",
        bare_sysex: bool = False,
        wine: bool = False,
        echo: bool = False,
        stale: bool = False,
        tempo_thousand: bool = True,
        assigned: bool = True,
        open_own_folder: bool = False,
        sockets: bool = False,
        missing: frozenset[str] = frozenset(),
        seed: int = 0,
    ) -> None:
        self.profile, self.sysex_by, self.bare_sysex = profile, sysex_by, bare_sysex
        self.idle = profile != "fl2025" if idle is None else idle
        self.wine, self.echo, self.stale, self.tempo_thousand, self.assigned = (
            wine,
            echo,
            stale,
            tempo_thousand,
            assigned,
        )
        self.missing = missing
        self.now_s = 1000.0
        self.unsafe = False
        self.playing, self.tempo_bpm, self.position_beats, self.ppq = False, 130.0, 0.0, 96
        self.sent: list[bytes] = []  # frames that left FL
        self.lost: list[bytes] = []  # frames that FL swallowed
        self.short_messages: list[int] = []
        self.dispatched: list[tuple[int, int]] = []
        self.hints: list[str] = []
        self.udp: FakeUdp | None = FakeUdp(self) if sockets else None
        self.tweaked = True  # something of FL's own was
        self.links: list[tuple[int, int]] = []  # (controller, channel) of FL's own parameters
        self.output: list[str] = []  # View > Script output
        self.violations: list[str] = []
        self.disabled: str | None = None  # the exception that escaped a callback
        self.loading = False
        self.callback = ""
        self.thread_id = threading.get_ident()
        self._calls = self._frames = 0
        self._old: dict[str, Any] = {}
        self._echoes: list[bytes] = []
        self._random = random.Random(seed)
        own_modules = build(self) | ({} if self.udp is None else {"socket": self.udp.module()})
        self._sandbox = Sandbox(folder, profile, own_modules, self._print, open_own_folder)
        self._script: types.ModuleType | None = None

    def load(self, name: str = "device_Sideman") -> FakeFL:
        """Imports the script, whose first line must name it, and calls OnInit."""
        path = self._sandbox._folder / f"{name}.py"
        if not path.read_text(encoding="ascii").startswith("# name="):
            raise ValueError(f"{path.name}: line 1 must be `# name=...`")
        self._script = self._sandbox.load(name)
        self.call("OnInit")
        return self

    @property
    def modules(self) -> dict[str, types.ModuleType]:
        """The script's own modules, to look inside."""
        return self._sandbox.loaded

    def reinit(self) -> None:
        """OnDeInit and OnInit again, without importing anew."""
        self.call("OnDeInit")
        self.call("OnInit")

    def call(self, callback: str, *args: Any) -> None:
        """Calls one callback within its budget. What escapes disables the script."""
        function = getattr(self._script, callback, None)
        if function is None or self.disabled is not None:
            return
        self.callback, self._calls, self._frames = callback, 0, 0
        begun_s = time.thread_time()
        try:
            function(*args)
        except BaseException as error:
            self.disabled = f"{callback}: {type(error).__name__}: {error}"
        if time.thread_time() - begun_s > MAX_CALLBACK_S:
            self.violations.append(f"{callback} took more than {MAX_CALLBACK_S} s")
        if callback in ("OnIdle", "OnMidiIn") and self._frames > 1:
            self.violations.append(f"{callback} sent {self._frames} frames")
        self.callback = ""

    def control_change(self, number: int, value: int, channel: int = 0) -> Event:
        """A knob moves: through OnMidiIn, OnMidiMsg, OnControlChange until one handles it."""
        return self._event(Event(0xB0 | channel, number, value), "OnMidiIn", "OnMidiMsg", "OnControlChange")

    def note_on(self, note: int, velocity: int) -> Event:
        return self._event(Event(0x90, note, velocity), "OnMidiIn", "OnMidiMsg", "OnNoteOn")

    def note_off(self, note: int) -> Event:
        return self._event(Event(0x80, note, 0), "OnMidiIn", "OnMidiMsg", "OnNoteOff")

    def receive_sysex(self, message: bytes) -> Event:
        """SysEx arrives, F0 to F7, by the callback and with the framing that this host is set to."""
        event = Event(0xF0, sysex=message[1:-1] if self.bare_sysex else message)
        if self.sysex_by == "both":
            self.call("OnSysEx", event)
            self.call("OnMidiMsg", event)
        else:
            self.call(self.sysex_by, event)
        return event

    def receive_short(self, message: bytes) -> Event:
        """A message of two or three bytes arrives on the control port."""
        return self._event(Event(*message), "OnMidiIn", "OnMidiMsg")

    def tick(self) -> None:
        """About 20 ms pass, with jitter up to 100, and OnIdle comes if this host calls it."""
        self.now_s += self._random.choice((0.01, 0.02, 0.02, 0.02, 0.03, 0.1))
        self._old = {}
        echoes, self._echoes = self._echoes, []
        for message in echoes:
            self.receive_sysex(message)
        if self.idle:
            self.call("OnIdle")

    def change(self, **state: Any) -> None:
        """Sets playing, tempo_bpm or position_beats; on a stale host the old value is read until the next tick."""
        for name, value in state.items():
            if self.stale:
                self._old.setdefault(name, getattr(self, name))
            setattr(self, name, value)
        self.call("OnRefresh", 0x100)

    def read(self, name: str) -> Any:
        return self._old.get(name, getattr(self, name))

    def project_load(self, result: int = 100) -> None:
        """A project loads: a burst of refreshes during which SysEx has crashed FL."""
        self.loading = True
        self.call("OnProjectLoad", 0)
        for _ in range(50):
            self.call("OnRefresh", 0xFFFF)
        self.tick()
        self.loading = False
        self.call("OnProjectLoad", result)

    def note_call(self) -> None:
        self._calls += 1
        if self._calls == MAX_CALLS + 1:
            self.violations.append(f"{self.callback or 'import'} called FL more than {MAX_CALLS} times")

    def take_sysex(self, message: bytes) -> None:
        """Does what device.midiOutSysex does with a message: sends it, or swallows it without a word."""
        if not isinstance(message, bytes):
            raise TypeError("a bytes-like object is required")
        self._frames += 1
        if self.loading:
            self.violations.append(f"{self.callback} sent SysEx while the project loads")
        framed = message[:1] == b"\xf0" and message[-1:] == b"\xf7"
        if self.wine or not self.assigned or not framed or len(message) > MAX_SYSEX:
            self.lost.append(message)
            return
        self.sent.append(message)
        if self.echo:
            self._echoes.append(message)

    def _event(self, event: Event, *callbacks: str) -> Event:
        for callback in callbacks:
            self.call(callback, event)
            if event.handled:
                break
        return event

    def _print(self, *values: object, **_: object) -> None:
        self.output.append(" ".join(str(value) for value in values))
