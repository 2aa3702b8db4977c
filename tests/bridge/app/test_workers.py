"""Worker threads that die: knobs and FL's script work again, the music is left alone, and nothing dies unnamed."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge.app.settings import Settings
from bridge.app.surfaces import Surfaces
from bridge.app.watchman import Watchman
from bridge.app.workers import Workers
from bridge.controllers.decoder import CcDecoder
from bridge.controllers.map import parse_cc_map
from bridge.controllers.sysex_port import SysexControl
from bridge.live.options import SessionOptions
from bridge.live.supervision import RESTARTS
from bridge.midi import live_ports
from bridge.midi.live_ports import LivePorts
from bridge.midi.ports import InputPort
from bridge.midi.system import find_system
from osc_protocol.wire.codec import decode, encode
from osc_protocol.wire.replies import VALUE
from osc_protocol.wire.sysex import TO_ENGINE, TO_FL, Reassembler, pack
from tests.support.osc.fake_engine import FakeEngine
from tests.support.platform.fake_rtmidi import MidiIn, MidiWorld
from tests.support.waiting import PATIENCE_S, until

ROOT = Path(__file__).parents[3]
MUSIC = {"sideman-session", "sideman-deadline", "sideman-jack-in", "sideman-osc", "sideman-osc-later", "sideman-doctor",
         "sideman-plugin"}  # fmt: skip


class Desk:
    """A control port, its surfaces and a watchman, as `sideman play` joins them, on a MIDI system of the test's."""

    def __init__(self, exits: ExitStack, world: MidiWorld) -> None:
        self.world, self.engine = world, FakeEngine()
        self.workers = Workers()
        self.died: queue.Queue[str] = queue.Queue()
        exits.callback(Watchman(lambda name, error: self.died.put(name)).close)
        live = LivePorts(find_system(), pytest.fail, pytest.fail, lambda what, text: None)
        exits.callback(live.close)
        self.workers.add("sideman-ports", live.restart, "ports again")
        settings = Settings(None, None, None, None, 0, {}, None, SessionOptions(), None, parse_cc_map({}))
        surfaces = Surfaces(self.engine.server(), settings, lambda what, text: None, exits, self.workers)
        knobs = surfaces.open_knobs(live, None)
        surfaces.open_control(live, knobs, None, None)
        self.sent: list[bytes] = []
        listener = MidiIn(world)
        listener.port = "Sideman Control"
        listener.set_callback(lambda event, _: self.sent.append(bytes(event[0])))
        exits.callback(listener.delete)

    def revived(self) -> tuple[str, str | None]:
        name = self.died.get(timeout=60)
        return name, self.workers.revive(name)

    def turn(self, position: int) -> None:
        self.world.carry("Sideman Control", [0xB0, 24, position])

    def ask(self, sequence: int) -> None:
        for frame in pack(encode("/sideman/get", "density"), TO_ENGINE, sequence):
            self.world.carry("Sideman Control", list(frame))

    def told(self) -> list[object]:
        reassembler = Reassembler(TO_FL)
        packets = [packet for frame in list(self.sent) if (packet := reassembler.feed(frame)) is not None]
        return [message.arguments[1] for packet in packets for message in decode(packet) if message.address == VALUE]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    world = MidiWorld(numbered=False, virtual=True)
    world.install(monkeypatch, "API_MACOSX_CORE")
    monkeypatch.setattr(live_ports, "LOOK_S", 0.02)
    with ExitStack() as exits:
        yield Desk(exits, world)


def fails_once(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> None:
    method, failed = getattr(owner, name), threading.Event()

    def fragile(self: Any, *args: Any, **named: Any) -> Any:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("lost")
        return method(self, *args, **named)

    monkeypatch.setattr(owner, name, fragile)


@pytest.mark.parametrize(
    ("thread", "owner", "method"),
    [
        ("sideman-cc", CcDecoder, "take"),
        ("sideman-control-in", Reassembler, "feed"),
        ("sideman-control", SysexControl, "_next_packet"),
        ("sideman-ports", InputPort, "look"),
    ],
)
def test_a_controllers_thread_that_dies_is_started_again_and_the_notes_sound_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, thread: str, owner: type, method: str
) -> None:
    fails_once(monkeypatch, owner, method)
    desk.turn(1)
    desk.ask(1)
    name, said = desk.revived()
    assert name == thread
    assert said is not None
    assert "again" in said
    assert "note" not in said
    assert not desk.workers.carries_music(name)
    desk.turn(127)
    until(lambda: desk.engine.values["density"] == 1.0)
    sequence, give_up_s = 2, time.monotonic() + PATIENCE_S
    while 1.0 not in desk.told() and time.monotonic() < give_up_s:
        desk.ask(sequence := sequence + 1 & 127)
        time.sleep(0.05)
    assert desk.told()[-1] == desk.engine.values["density"] == 1.0


def test_one_that_dies_again_and_again_is_named_with_what_no_longer_works() -> None:
    workers = Workers()
    started: list[int] = []
    workers.add("sideman-cc", lambda: started.append(1), "the knobs work again")
    said = [workers.revive("sideman-cc") for _ in range(RESTARTS + 1)]
    assert len(started) == RESTARTS
    assert said[-1] is not None
    assert said[-1].startswith("knobs, buttons and motor faders do nothing any longer: ")


def test_where_music_is_lost_every_note_ends_and_too_often_is_the_end() -> None:
    workers = Workers()
    said = [workers.revive("the MIDI input") for _ in range(RESTARTS + 1)]
    assert said == ["every note ended"] * RESTARTS + [None]


def test_every_thread_of_ours_has_its_words() -> None:
    """A thread that is named nowhere would end every note when it dies, whatever it did."""
    names = {
        name
        for folder in ("bridge", "osc_protocol")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'name="(sideman-[a-z-]+)"', path.read_text(encoding="utf-8"))
    }
    assert {name for name in names if Workers.carries_music(name)} == MUSIC
