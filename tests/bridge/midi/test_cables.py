"""Cables on machines that are not there: loopMIDI, pairs of Windows MIDI Services, a Mac's own ports, plugs pulled."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

import native
from bridge.errors import PortError
from bridge.live.deadline_thread import DeadlineThread
from bridge.live.playing.keyboard import Keyboard
from bridge.midi import live_ports
from bridge.midi.cables import CABLES, how_to_make, lacking_cables, our_end, their_end
from bridge.midi.echo import Echo
from bridge.midi.live_ports import LivePorts
from bridge.midi.numbers import LIFT_ALL
from bridge.midi.ports import InputPort, OutputPort
from bridge.midi.system import MidiSystem, find_system
from tests.support.platform.fake_rtmidi import MidiIn, MidiOut, MidiWorld, RtMidiError
from tests.support.platform.windows_machine import MIDI_SERVICE, WindowsMachine

NOTE = [0x90, 60, 100]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WindowsMachine:
    there = WindowsMachine(tmp_path / "home")
    there.home.mkdir()
    monkeypatch.setattr("engine.platform.system._chosen", there.system)
    return there


@pytest.fixture
def winmm(machine: WindowsMachine, monkeypatch: pytest.MonkeyPatch) -> MidiWorld:
    world = MidiWorld(numbered=True, virtual=False)
    world.install(monkeypatch, "API_WINDOWS_MM")
    return world


@pytest.fixture
def core_midi(monkeypatch: pytest.MonkeyPatch) -> MidiWorld:
    world = MidiWorld(numbered=False, virtual=True)
    world.install(monkeypatch, "API_MACOSX_CORE")
    return world


def test_windows_own_loopback_leads_where_it_exists_and_loopmidi_where_not(machine: WindowsMachine) -> None:
    assert how_to_make(CABLES)[0].startswith("install loopMIDI from https://")
    machine.registry[MIDI_SERVICE] = "midisrv.exe"
    assert how_to_make(CABLES)[0] == "winget install Microsoft.WindowsMIDIServicesSDK"
    assert how_to_make(CABLES)[1].endswith("a pair for each of: Sideman In, Sideman Out, Sideman Control")
    machine.add_midi_console()
    assert how_to_make(CABLES[:2]) == [
        'midi loopback create --root-name "Sideman In"',
        'midi loopback create --root-name "Sideman Out"',
    ]


@pytest.mark.parametrize("how", ["cable", "pair"])
def test_play_finds_its_cables_without_being_told_and_what_one_program_sends_the_other_hears(
    winmm: MidiWorld, how: str
) -> None:
    winmm.add_cable("USB Keyboard")
    for name in CABLES:
        (winmm.add_pair if how == "pair" else winmm.add_cable)(name)
    system = find_system()
    assert (system.name, system.has_virtual) == ("Windows", False)
    assert lacking_cables(system.input_names(), system.output_names()) == []
    source, sink = system.find(None, None)
    assert source is not None
    assert sink is not None
    assert ("(B)" in source, "(B)" in sink) == (how == "pair",) * 2
    host_out = their_end("Sideman In", system.output_names())
    host_in = their_end("Sideman Out", system.input_names())
    to_us, to_host = [], []
    opened = [
        InputPort(system, "Sideman In", source, to_us.append),
        InputPort(system, "FL Studio", host_in, to_host.append),
    ]
    ours, hosts = OutputPort(system, "Sideman Out", sink), OutputPort(system, "FL Studio", host_out)
    hosts.send(NOTE)
    assert (to_us, to_host) == ([bytes(NOTE)], [])
    ours.send(NOTE)
    assert (to_us, to_host) == ([bytes(NOTE)], [bytes(NOTE)])
    for port in (*opened, ours, hosts):
        port.close()
    assert winmm.clients == []


def test_what_is_lacking_is_named_with_the_line_that_makes_it(winmm: MidiWorld, machine: WindowsMachine) -> None:
    machine.add_midi_console()
    winmm.add_pair("Sideman In")
    with pytest.raises(PortError) as caught:
        find_system().find(None, None)
    assert str(caught.value) == (
        "Windows has no virtual MIDI ports and no cable 'Sideman Out': "
        'midi loopback create --root-name "Sideman Out"; or name other ports with --in and --out'
    )
    assert lacking_cables(*[find_system().input_names()] * 2) == ["Sideman Out", "Sideman Control"]


def test_a_named_port_and_a_cable_go_together(winmm: MidiWorld) -> None:
    winmm.add_cable("Sideman Out")
    winmm.add_cable("USB Keyboard")
    assert find_system().find("keyb", None) == ("USB Keyboard 1", "Sideman Out 0")


def test_our_end_of_a_pair_is_the_far_one_and_a_name_alone_is_both() -> None:
    assert our_end("Sideman In", ["Sideman In (A) 0", "Sideman In (B) 1"]) == "Sideman In (B) 1"
    assert their_end("Sideman In", ["Sideman In (A) 0", "Sideman In (B) 1"]) == "Sideman In (A) 0"
    assert our_end("Sideman In", ["Sideman In 4"]) == their_end("Sideman In", ["Sideman In 4"]) == "Sideman In 4"
    assert our_end("Sideman In", ["Sideman Input"]) is None


def test_a_mac_makes_its_ports_and_takes_an_iac_bus_by_name(core_midi: MidiWorld) -> None:
    core_midi.add_cable("IAC Driver Sideman In")
    system = find_system()
    assert (system.name, system.has_virtual) == ("CoreMIDI", True)
    assert system.find(None, None) == (None, None)
    assert system.find("iac", None) == ("IAC Driver Sideman In", None)
    port = OutputPort(system, "Sideman Out")
    assert port.name == "Sideman Out"
    port.send(NOTE)
    port.close()


def test_a_plug_that_is_pulled_and_put_back_under_another_number_is_opened_again(
    winmm: MidiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_ports, "LOOK_S", 0.02)
    winmm.add_cable("USB Keyboard")
    winmm.add_cable("Sideman Out")
    said: list[str] = []
    heard: list[bytes] = []
    live = LivePorts(find_system(), pytest.fail, pytest.fail, lambda what, text: said.append(text))
    try:
        live.input("Sideman In", "USB Keyboard 0", heard.append)
        winmm.remove("USB Keyboard")
        wait_for(lambda: len(said) == 1)
        winmm.put_back("USB Keyboard", place=1)
        wait_for(lambda: len(said) == 2)
        winmm.carry("USB Keyboard", NOTE)
    finally:
        live.close()
    assert heard == [*LIFT_ALL, bytes(NOTE)]
    assert said == ["the port 'USB Keyboard 0' has gone: plug it in again", "the port 'USB Keyboard 0' is back"]


def twins(world: MidiWorld, count: int = 2) -> None:
    for _ in range(count):
        world.sources.append("Keys")
        world.sinks.append("Keys")


def test_two_ports_of_one_name_are_listed_apart_and_each_can_be_named(core_midi: MidiWorld) -> None:
    core_midi.add_cable("Piano")
    twins(core_midi)
    system = find_system()
    assert system.input_names() == ["Piano", "Keys (1)", "Keys (2)"]
    with pytest.raises(PortError, match=r"--in 'Keys' could mean 'Keys \(1\)', 'Keys \(2\)': give more of the name"):
        system.find("Keys", None)
    opened: list[int] = []
    for wanted in ("keys (1)", "Keys (2)"):
        name = system.find_input(wanted, "--in")
        port = InputPort(system, "Sideman In", name, lambda message: None)
        opened.append(core_midi.opened[-1])
        assert port.name == name
        port.close()
    assert opened == [1, 2]


def test_a_second_port_of_its_name_is_no_loss_and_one_of_two_that_goes_is_a_doubt(core_midi: MidiWorld) -> None:
    twins(core_midi, 1)
    single = OutputPort(find_system(), "Sideman Out", "Keys")
    twins(core_midi, 1)
    assert single.look() is None
    second = OutputPort(find_system(), "Sideman Out", "Keys (2)")
    core_midi.remove("Keys")
    assert [second.look(), second.look()] == ["doubt", None]
    second.send(NOTE)  # it may be the other one that went
    core_midi.remove("Keys")
    assert [second.look(), second.look(), single.look()] == ["gone", None, "gone"]
    twins(core_midi, 1)
    assert [second.look(), single.look()] == [None, "back"]
    twins(core_midi, 1)
    assert [second.look(), second.look(), single.look()] == ["back", None, None]
    assert core_midi.opened[-1] == 1
    for port in (single, second):
        port.close()


def test_a_port_that_comes_back_beside_another_of_its_name_is_opened(core_midi: MidiWorld) -> None:
    twins(core_midi, 1)
    port = OutputPort(find_system(), "Sideman Out", "Keys")
    core_midi.remove("Keys")
    assert port.look() == "gone"
    twins(core_midi)
    assert [port.look(), port.look()] == ["back", None]
    port.close()


def test_what_is_sent_to_a_device_that_was_just_pulled_is_lost_and_notes_reach_it_once_it_is_back(
    winmm: MidiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WinMM refuses it until a look sees that the port has gone: the thread that sends lives on."""
    monkeypatch.setattr(live_ports, "LOOK_S", 0.1)
    for name in ("Synth", "Ear"):
        winmm.add_cable(name)
    winmm.joined["Synth"] = "Ear"
    said: list[str] = []
    heard: list[bytes] = []
    live = LivePorts(find_system(), pytest.fail, pytest.fail, lambda what, text: said.append(text))
    scheduler = native.Scheduler()
    failed: list[BaseException] = []
    live.input("Sideman In", "Ear 1", heard.append)
    thread = DeadlineThread(scheduler, live.output("Sideman Out", "Synth 0").send, native.now_us, failed.append)
    thread.start()
    try:
        wait_for(lambda: heard)  # what cleans a receiver up
        winmm.sinks.remove("Synth")
        scheduler.push(native.now_us() + 1_000, *NOTE)
        wait_for(lambda: said)
        winmm.sinks.insert(0, "Synth")
        wait_for(lambda: len(said) == 2)
        scheduler.push(native.now_us() + 1_000, 0x90, 62, 100)
        wait_for(lambda: bytes((0x90, 62, 100)) in heard)
    finally:
        thread.finish()
        live.close()
    assert not failed
    assert said == ["the port 'Synth 0' has gone: plug it in again", "the port 'Synth 0' is back"]


def test_a_keyboard_that_is_pulled_leaves_no_key_and_no_pedal_down(
    winmm: MidiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_ports, "LOOK_S", 0.02)
    winmm.add_cable("USB Keyboard")
    said: list[str] = []
    keyboard, echo = Keyboard(), Echo(2)

    def hear(message: bytes) -> None:
        keyboard.hear(0, message)
        echo.put(message)

    live = LivePorts(find_system(), pytest.fail, pytest.fail, lambda what, text: said.append(text))
    try:
        live.input("Sideman In", "USB Keyboard 0", hear)
        winmm.carry("USB Keyboard", NOTE)
        winmm.carry("USB Keyboard", [0xB0, 64, 127])
        assert (keyboard.keys(), keyboard.pedal_down) == ({60}, True)
        winmm.remove("USB Keyboard")
        wait_for(lambda: said)
        assert (keyboard.keys(), keyboard.sounding(), keyboard.pedal_down) == (set(), [], False)
        assert (0xB2, 120, 0) in echo.take()
        winmm.put_back("USB Keyboard")
        wait_for(lambda: len(said) == 2)
        winmm.carry("USB Keyboard", NOTE)
        assert keyboard.keys() == {60}
    finally:
        live.close()


def test_a_port_that_cannot_be_opened_as_soon_as_it_is_back_is_tried_again(
    winmm: MidiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_ports, "LOOK_S", 0.02)
    winmm.add_cable("USB Keyboard")
    said: list[str] = []
    heard: list[bytes] = []
    live = LivePorts(find_system(), pytest.fail, pytest.fail, lambda what, text: said.append(text))
    tries: list[int] = []

    def busy(client: object, index: int, name: str) -> None:
        tries.append(index)
        raise RtMidiError("MidiInWinMM::openPort: error creating Windows MM MIDI input port.")

    try:
        live.input("Sideman In", "USB Keyboard 0", heard.append)
        winmm.remove("USB Keyboard")
        wait_for(lambda: said)
        with monkeypatch.context() as patch:
            patch.setattr(MidiIn, "open_port", busy)
            winmm.put_back("USB Keyboard")
            wait_for(lambda: len(tries) >= 3)
        wait_for(lambda: len(said) == 2)
        assert live._looker.is_alive()
        heard.clear()
        winmm.carry("USB Keyboard", NOTE)
    finally:
        live.close()
    assert heard == [bytes(NOTE)]
    assert said == ["the port 'USB Keyboard 0' has gone: plug it in again", "the port 'USB Keyboard 0' is back"]


def test_a_refusal_of_winmm_is_an_error_with_the_ports_name(winmm: MidiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the port is still there: what was sent is no MIDI, or its driver is ill."""
    winmm.add_cable("Sideman Out")
    port = OutputPort(find_system(), "Sideman Out", "Sideman Out 0")

    def refuse(client: object, message: object) -> None:
        raise RtMidiError("MidiOutWinMM::sendMessage: error sending MIDI message.")

    monkeypatch.setattr(MidiOut, "send_message", refuse)
    with pytest.raises(PortError, match="the port 'Sideman Out 0' took no message"):
        port.send(NOTE)
    port.close()
    with pytest.raises(PortError, match="'Sideman In' cannot be opened"):
        OutputPort(MidiSystem("Windows", 4, has_virtual=True), "Sideman In")


def wait_for(condition: object, limit_s: float = 10.0) -> None:
    give_up = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < give_up, f"waited {limit_s} s on {sys.platform}"
        time.sleep(0.01)
