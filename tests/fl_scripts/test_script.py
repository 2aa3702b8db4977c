"""Laws of the FL Studio script, in the fake host of both profiles, joined to the real control road and OSC server."""

from __future__ import annotations

import ast
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.table import scaling
from osc_protocol.table.parameters import Setting, from_cc
from osc_protocol.wire import mini_osc, sysex
from osc_protocol.wire.codec import decode, encode
from tests.support.fl.host import FakeFL
from tests.support.fl.rig import ABSENT, CONTROLLED, FOLDER, PROFILES, Studio

# --- what it shares with the engine --------------------------------------------------------------------------------


def wire(profile: str) -> Any:
    return FakeFL(FOLDER, profile)._sandbox.load("sideman_wire")


WIRES = {profile: wire(profile) for profile in PROFILES}


@settings(deadline=None)
@given(st.sampled_from(PROFILES), st.binary(min_size=1, max_size=700), st.sampled_from((1, 2)), st.integers(0, 300))
def test_the_scripts_framing_is_the_engines(profile: str, packet: bytes, direction: int, sequence: int) -> None:
    frames = WIRES[profile].pack(packet, direction, sequence)
    assert frames == sysex.pack(packet, direction, sequence)
    target = WIRES[profile].Reassembler(direction)
    assert [got for frame in frames if (got := target.feed(frame, 0.0))] == [packet]


@settings(deadline=None)
@given(
    st.sampled_from(PROFILES), st.binary(max_size=80) | st.binary(max_size=60).map(lambda tail: b"/a\x00\x00," + tail)
)
def test_the_scripts_osc_reads_what_the_engines_does(profile: str, packet: bytes) -> None:
    outcomes = []
    for read in (WIRES[profile].decode_message, mini_osc.decode_message):
        try:
            outcomes.append(repr(read(packet)))
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("row", CONTROLLED, ids=lambda row: row.name)
def test_the_scripts_knob_scale_is_the_engines(row: Any) -> None:
    for position in range(128):
        for scale in (WIRES["fl21"], scaling):
            if row.choices:
                value = row.choices[scale.cc_to_choice(len(row.choices), position)]
            else:
                value = scale.cc_to_value(row.type, row.low, row.high, position, row.auto)
            assert value == from_cc(row, position)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_scripts_are_ascii_and_import_only_what_every_fl_has(path: Path) -> None:
    tree = ast.parse(path.read_bytes().decode("ascii"), feature_version=(3, 9))
    own = {other.stem for other in FOLDER.glob("*.py")}
    allowed = own | {"sys", "time", "math", "binascii", "device", "general", "mixer", "transport", "ui"}
    for node in tree.body:  # at the top level: what is inside a function is guarded there
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= allowed
        if isinstance(node, ast.ImportFrom):
            assert node.module in own
    if path.name.startswith("device_"):
        assert path.read_text(encoding="ascii").startswith("# name=Sideman")


# --- the daily work ------------------------------------------------------------------------------------------------


def test_the_script_says_that_it_runs(studio: Studio) -> None:
    assert studio.fl.output[0] == "Sideman: init ok"
    assert "Sideman: connected" in studio.fl.hints
    studio.check()


@pytest.mark.parametrize("row", CONTROLLED, ids=lambda row: row.name)
def test_every_knob_moves_its_parameter_and_shows_it(row: Any, studio: Studio) -> None:
    for position in (0, 127, 53):
        assert studio.fl.control_change(row.cc, position).handled
        studio.run(0.2)
        wanted = from_cc(row, position)
        assert studio.engine.values[row.name] == (wanted if isinstance(wanted, str) else pytest.approx(wanted))
    label = row.name.replace("_", " ").capitalize()
    assert studio.hint.startswith(label + " ")
    assert ABSENT not in studio.hint
    studio.check()


def test_the_hint_reads_as_a_musician_reads(studio: Studio) -> None:
    studio.fl.control_change(20, 52)
    assert studio.hint == "Temperature 0.848"
    studio.fl.control_change(27, 127)
    assert studio.hint == "Polyphony 16 notes"
    studio.fl.control_change(24, 0)
    assert studio.hint == "Density auto"
    studio.fl.control_change(24, 1)
    assert studio.hint == "Density 0"
    studio.fl.control_change(112, 90)
    assert studio.hint == "Role comping"


def test_the_hint_says_what_auto_stands_for_where_the_engine_has_told(studio: Studio) -> None:
    asked = {"density": 0.42, "role": "comping"}
    studio.server._get_asked = studio.server._dispatcher._get_asked = lambda name: asked.get(name, "auto")
    for name in asked:
        studio.server.publish_asked(name)
    studio.run(0.3)
    studio.fl.control_change(24, 64)
    studio.fl.control_change(24, 0)
    assert studio.hint == "Density auto (0.42)"
    studio.fl.control_change(112, 0)
    assert studio.hint == "Role auto (comping)"
    studio.fl.control_change(119, 0)
    assert studio.hint == "Bass auto"
    studio.check()


def test_a_knob_reaches_the_engine_within_two_ticks(studio: Studio) -> None:
    studio.run(1.0)
    for position in range(0, 128, 9):
        studio.fl.control_change(24, position)
        for _ in range(2 if studio.fl.idle else 4):  # the engine's own ticks come behind, and may take turns with FL's
            studio.fl.tick()
            studio.exchange()
        assert studio.engine.values["density"] == from_cc(CONTROLLED[4], position)
    studio.check()


def test_a_thousand_moves_a_second_lose_only_intermediate_values(studio: Studio) -> None:
    for move in range(1000):
        studio.fl.control_change(20 + move % 10, move * 7 % 128)
        studio.fl.now_s += 0.001
        if move % 20 == 19:
            studio.fl.tick()
            studio.exchange()
    studio.run(1.0)
    for knob in range(10):
        row = next(row for row in CONTROLLED if row.cc == 20 + knob)
        assert studio.engine.values[row.name] == pytest.approx(from_cc(row, (990 + knob) * 7 % 128))
    studio.check()


def test_values_changed_elsewhere_are_shown(studio: Studio) -> None:
    studio.server.handle_packet(encode("/sideman/param/temperature", 1.25))
    studio.server.handle_packet(encode("/sideman/mode", "trade"))
    studio.run(0.3)
    assert studio.fl.hints[-2:] == ["Temperature 1.25", "Mode trade"]
    studio.check()


def test_what_the_engine_refuses_is_shown(studio: Studio) -> None:
    def refuse(setting: Setting) -> None:
        raise ValueError("not while a take is recorded")

    studio.server._dispatcher.on_parameter = refuse
    studio.fl.control_change(20, 5)
    studio.run(0.3)
    assert studio.hint == "Sideman: not while a take is recorded"


def test_a_position_that_the_engine_cannot_use_is_no_hint(studio: Studio) -> None:
    def refuse(address: str, arguments: object) -> None:
        raise ValueError("a position needs a chart to be in")

    studio.server._dispatcher.on_command = refuse
    before = list(studio.fl.hints)
    studio.fl.change(tempo_bpm=99.0)
    studio.fl.call("OnUpdateBeatIndicator", 1)
    studio.run(0.3)
    assert studio.fl.hints == before


def test_other_controllers_and_notes_pass_through(studio: Studio) -> None:
    before = list(studio.engine.commands), dict(studio.engine.values)
    assert not studio.fl.control_change(1, 64).handled
    assert not studio.fl.note_on(60, 100).handled
    assert not studio.fl.receive_sysex(bytes.fromhex("F07E000601F7")).handled
    studio.run(0.3)
    assert (studio.engine.commands, studio.engine.values) == before


def test_transport_and_tempo_reach_the_engine(studio: Studio) -> None:
    assert set(studio.engine.commands) == {("/sideman/transport/quarters/tempo", (130.0,))}
    studio.engine.commands.clear()
    studio.fl.position_beats = 8.0
    studio.fl.change(playing=True)
    studio.run(0.3)
    assert sorted(studio.engine.commands) == [("/sideman/play", ()), ("/sideman/transport/quarters/position", (8.0,))]
    studio.fl.change(tempo_bpm=97.5)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/transport/quarters/tempo", (97.5,))
    studio.fl.position_beats = 12.0
    studio.fl.call("OnUpdateBeatIndicator", 1)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/transport/quarters/position", (12.0,))
    studio.fl.change(playing=False)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/stop", ())
    studio.check()


def test_the_songs_position_does_not_age_behind_knobs_that_turn() -> None:
    """It is made as it leaves, and leaves first: what it is late by, the music would be."""
    studio = Studio()
    studio.run(3.0)
    fl, beats_a_s = studio.fl, 2.0
    started_s, late_s, handle = fl.now_s, [], studio.server.handle_packet

    def hear(packet: bytes) -> list[bytes]:
        for address, arguments in decode(packet):
            if address == "/sideman/transport/quarters/position":
                (beat,) = arguments
                assert isinstance(beat, float)
                late_s.append(fl.now_s - started_s - beat / beats_a_s)
        return handle(packet)

    studio.server.handle_packet = hear  # type: ignore[method-assign]
    fl.playing = True
    random, value, bar = Random(1), 0, 1
    while bar <= 10:
        fl.now_s += random.choice((0.01, 0.02, 0.02, 0.02, 0.03, 0.1))
        fl.position_beats = (fl.now_s - started_s) * beats_a_s
        fl.call("OnIdle")
        for knob in (20, 21, 22):
            value = (value + 7) % 128
            fl.control_change(knob, value)
        if fl.position_beats >= 4 * bar:
            bar += 1
            fl.call("OnUpdateBeatIndicator", 1)
        studio.exchange()
    assert len(late_s) >= 10
    assert max(late_s) < 0.01
    studio.check()


def test_a_quick_stop_and_start_leaves_the_engine_playing(studio: Studio) -> None:
    for playing in (True, False, True):
        studio.fl.change(playing=playing)
    studio.run(0.3)
    assert [name for name, _ in studio.engine.commands if name in ("/sideman/play", "/sideman/stop")][
        -1
    ] == "/sideman/play"


def test_a_resting_fl_does_not_stop_an_engine_that_plays(studio: Studio) -> None:
    studio.run(3.0)
    assert ("/sideman/stop", ()) not in studio.engine.commands


# --- the other two scripts -----------------------------------------------------------------------------------------


def test_the_knob_forwarder_hands_control_changes_on(profile: str) -> None:
    fl = FakeFL(FOLDER, profile).load("device_SidemanKnobs")
    assert fl.control_change(20, 99, channel=3).handled
    assert not fl.control_change(1, 99).handled
    assert fl.dispatched == [(0, 0xB3 | 20 << 8 | 99 << 16)]
    bare = FakeFL(FOLDER, profile, missing=frozenset({"device.dispatch"})).load("device_SidemanKnobs")
    bare.control_change(20, 99)
    assert bare.disabled is None


@pytest.mark.parametrize("own_folder", [False, True])
def test_the_probe_prints_what_this_fl_allows(own_folder: bool, profile: str) -> None:
    fl = FakeFL(FOLDER, profile, open_own_folder=own_folder).load("device_SidemanProbe")
    for _ in range(150):
        fl.tick()
    fl.receive_sysex(bytes.fromhex("F07E000602F7"))
    fl.note_on(60, 100)
    fl.note_on(61, 100)
    text = "\n".join(fl.output)
    assert "UDP socket: " + ("SystemError" if profile != "fl21" else "ModuleNotFoundError") in text
    assert "thread: " + ("SystemError" if profile != "fl21" else "ModuleNotFoundError") in text
    assert "import ctypes: ImportError" in text or profile == "fl21"
    idle = "has not come" if profile == "fl2025" else "gaps least, median, most: (10.0, 20.0, 100.0) ms"
    assert "OnIdle " + idle in text
    assert "OnSysEx status F0 sysex f07e000602f7" in text
    assert text.count("OnMidiMsg status 90") == 1
    assert fl.disabled is None
