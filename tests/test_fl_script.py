"""Laws of the FL Studio script, in the fake host of both profiles, joined to the real control road and OSC server."""

from __future__ import annotations

import ast
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.control import SysexControl
from osc_protocol import generate_fl, mini_osc, scaling, sysex
from osc_protocol.codec import encode
from osc_protocol.parameters import PARAMETERS, from_cc
from osc_protocol.sysex import TO_ENGINE
from tests.fake_engine import FakeEngine
from tests.fake_fl.host import FakeFL

FOLDER = generate_fl.FOLDER
PROFILES = ("fl2024", "fl21")
CONTROLLED = [row for row in PARAMETERS if row.cc is not None]
ABSENT = " - no Sideman engine: run `sideman play`"


class Studio:
    """FL on one side, the engine on the other, and the control port pair between them."""

    def __init__(self, profile: str = "fl2024", **options: Any) -> None:
        self.fl = FakeFL(FOLDER, profile, **options)
        self.engine_runs = True
        self.lose = 0.0  # the share of frames that the port loses, each way
        self.start_engine()
        self._random = random.Random(1)
        self.fl.load()

    def start_engine(self) -> None:
        self.engine = FakeEngine()
        self.server = self.engine.server()
        self.control = SysexControl(self.server, self._to_fl, start=False)

    def run(self, seconds: float) -> None:
        """Both sides work for so long."""
        end_s = self.fl.now_s + seconds
        while self.fl.now_s < end_s:
            self.fl.tick()
            self.exchange()

    def exchange(self) -> None:
        """What waits on the port arrives, both ways."""
        frames, self.fl.sent = self.fl.sent, []
        if not self.engine_runs:
            return
        for frame in frames:
            if self._random.random() >= self.lose:
                self.control.receive(frame)
        for _ in range(5):  # a frame every 4 ms
            self.control.step()

    def _to_fl(self, frame: bytes) -> None:
        if self._random.random() >= self.lose:
            self.fl.receive_sysex(frame)

    @property
    def hint(self) -> str:
        return self.fl.hints[-1] if self.fl.hints else ""

    def check(self) -> None:
        """No rule of FL was broken."""
        assert self.fl.disabled is None
        assert self.fl.violations == []
        assert [line for line in self.fl.output if "Error" in line] == []


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def studio(profile: str) -> Studio:
    studio = Studio(profile)
    studio.run(2.0)
    return studio


# --- the generated files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sideman_wire.py", "sideman_table.py"])
def test_generated_files_are_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="ascii") == generate_fl.render()[name], (
        "run `python -m osc_protocol.generate_fl`"
    )


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
        assert WIRES["fl21"].cc_to_value(row.type, row.low, row.high, position) == from_cc(row, position)
        assert scaling.cc_to_value(row.type, row.low, row.high, position) == from_cc(row, position)


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
        assert studio.engine.values[row.name] == pytest.approx(from_cc(row, position))
    label = row.name.replace("_", " ").capitalize()
    assert studio.hint.startswith(label + " ")
    assert ABSENT not in studio.hint
    studio.check()


def test_the_hint_reads_as_a_musician_reads(studio: Studio) -> None:
    studio.fl.control_change(20, 52)
    assert studio.hint == "Temperature 0.848"
    studio.fl.control_change(27, 127)
    assert studio.hint == "Polyphony 16 notes"


def test_a_knob_reaches_the_engine_within_two_ticks(studio: Studio) -> None:
    studio.run(1.0)
    for position in range(0, 128, 9):
        studio.fl.control_change(24, position)
        for _ in range(2):
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
    def refuse(name: str, value: object) -> None:
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
    assert set(studio.engine.commands) == {("/sideman/transport/tempo", (130.0,))}
    studio.engine.commands.clear()
    studio.fl.position_beats = 8.0
    studio.fl.change(playing=True)
    studio.run(0.3)
    assert sorted(studio.engine.commands) == [("/sideman/play", ()), ("/sideman/transport/position", (8.0,))]
    studio.fl.change(tempo_bpm=97.5)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/transport/tempo", (97.5,))
    studio.fl.position_beats = 12.0
    studio.fl.call("OnUpdateBeatIndicator", 1)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/transport/position", (12.0,))
    studio.fl.change(playing=False)
    studio.run(0.3)
    assert studio.engine.commands[-1] == ("/sideman/stop", ())
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


# --- faults --------------------------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "SysEx by OnMidiMsg": {"sysex_by": "OnMidiMsg"},
    "SysEx by both callbacks": {"sysex_by": "both"},
    "SysEx without F0 and F7": {"bare_sysex": True},
    "SysEx bare and by OnMidiMsg": {"bare_sysex": True, "sysex_by": "OnMidiMsg"},
    "loop-back echo": {"echo": True},
    "stale reads": {"stale": True},
    "plain tempo": {"tempo_thousand": False},
    "own folder opens": {"open_own_folder": True},
    "newer functions missing": {"missing": frozenset({"device.isAssigned", "general.safeToEdit", "device.dispatch"})},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_leaves_knobs_values_and_tempo_working(fault: str, profile: str) -> None:
    studio = Studio(profile, **FAULTS[fault])
    studio.run(2.0)
    studio.fl.control_change(21, 127)
    studio.fl.change(tempo_bpm=99.0)
    studio.run(0.5)
    studio.server.handle_packet(encode("/sideman/param/top_k", 12))
    studio.run(0.3)
    assert studio.engine.values["top_p"] == 1.0
    assert studio.engine.commands[-1] == ("/sideman/transport/tempo", (99.0,))
    assert studio.hint == "Top k 12"
    assert studio.control.reassembler.bad == 0
    studio.check()


@pytest.mark.parametrize("name", ["transport.isPlaying", "mixer.getCurrentTempo", "general.getRecPPQ", "ui.setHintMsg"])
def test_a_missing_function_takes_only_its_own_feature(name: str, profile: str) -> None:
    studio = Studio(profile, missing=frozenset({name}))
    studio.run(2.0)
    studio.fl.control_change(21, 127)
    studio.fl.call("OnUpdateBeatIndicator", 1)
    studio.run(0.5)
    assert studio.engine.values["top_p"] == 1.0
    studio.check()


def test_without_idle_every_event_sends_at_once(profile: str) -> None:
    studio = Studio(profile, idle=False)
    for position in (1, 2, 3, 127):
        studio.fl.control_change(21, position)
        studio.exchange()
        assert studio.engine.values["top_p"] == pytest.approx(from_cc(CONTROLLED[1], position))
    studio.fl.change(playing=True)
    studio.exchange()
    assert ("/sideman/play", ()) in studio.engine.commands
    studio.check()


def test_unsafe_times_are_waited_out(studio: Studio) -> None:
    studio.fl.unsafe = True
    studio.fl.control_change(21, 127)
    studio.fl.change(tempo_bpm=88.0, playing=True)
    studio.run(1.0)
    assert studio.engine.values["top_p"] == 1.0
    studio.fl.unsafe = False
    studio.run(0.5)
    assert ("/sideman/transport/tempo", (88.0,)) in studio.engine.commands
    assert ("/sideman/play", ()) in studio.engine.commands
    studio.check()


@pytest.mark.parametrize("options", [{"wine": True}, {"assigned": False}])
def test_where_nothing_gets_out_the_hint_says_so(options: dict[str, Any], profile: str) -> None:
    studio = Studio(profile, **options)
    studio.run(3.0)
    studio.fl.control_change(20, 0)
    assert studio.hint == "Temperature 0.05" + ABSENT
    assert any("no output port" in line for line in studio.fl.output) is ("assigned" in options)
    studio.check()


def test_an_engine_that_goes_and_comes_back_is_noticed(studio: Studio) -> None:
    studio.fl.change(playing=True)
    studio.engine_runs = False
    studio.run(3.0)
    assert studio.hint == "Sideman: no Sideman engine: run `sideman play`"
    studio.fl.control_change(20, 0)
    assert studio.hint == "Temperature 0.05" + ABSENT
    studio.start_engine()
    studio.engine_runs = True
    studio.run(2.0)
    assert "Sideman: connected" in studio.fl.hints[-2:]
    assert ("/sideman/play", ()) in studio.engine.commands
    assert ("/sideman/transport/tempo", (130.0,)) in studio.engine.commands
    studio.check()


def test_a_lossy_port_ends_with_the_right_value(studio: Studio) -> None:
    for trial in range(20):
        studio.lose = 0.5
        studio.fl.control_change(22, 5 * trial)
        studio.run(0.1)
        studio.lose = 0.0
        studio.run(1.2)
        assert studio.engine.values["top_k"] == from_cc(CONTROLLED[2], 5 * trial)
    studio.check()


def test_a_knob_turned_while_the_engine_was_away_is_told_when_it_comes(studio: Studio) -> None:
    studio.engine_runs = False
    studio.run(3.0)
    studio.fl.control_change(22, 127)
    studio.run(3.0)
    studio.start_engine()
    studio.engine_runs = True
    studio.run(2.0)
    assert studio.engine.values["top_k"] == 388
    studio.check()


def test_a_refused_knob_is_not_sent_again(studio: Studio) -> None:
    tries = []

    def refuse(name: str, value: object) -> None:
        tries.append(name)
        raise ValueError("not now")

    studio.server._dispatcher.on_parameter = refuse
    studio.fl.control_change(22, 5)
    studio.run(5.0)
    assert tries == ["top_k"]


def test_an_engine_that_never_confirms_is_not_pestered(studio: Studio) -> None:
    tries = []
    studio.server._dispatcher.on_parameter = lambda name, value: tries.append(name)
    studio.fl.control_change(22, 5)
    studio.run(10.0)
    assert tries == ["top_k"] * 5


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PROFILES),
    st.lists(st.binary(max_size=60) | st.binary(max_size=60).map(lambda t: b"\xf0\x7d\x53\x4d\x02" + t)),
)
def test_any_sysex_is_survived(profile: str, messages: list[bytes]) -> None:
    studio = Studio(profile, sysex_by="both")
    for message in messages:
        studio.fl.receive_sysex(message)
    studio.run(0.5)
    studio.check()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(PROFILES),
    st.text(max_size=30),
    st.one_of(st.floats(width=32), st.integers(-9, 9), st.text(max_size=9)),
)
def test_any_value_from_the_engine_is_survived(profile: str, name: str, value: float | int | str) -> None:
    studio = Studio(profile)
    studio.run(2.0)
    name = name.replace("\x00", "")
    if isinstance(value, str):
        value = value.replace("\x00", "")
    for address in ("/sideman/value", "/sideman/error", "/sideman/status", "/sideman/pong"):
        for first in (name, "temperature", "mode"):
            for frame in sysex.pack(encode(address, first, value), sysex.TO_FL, 1):
                studio.fl.receive_sysex(frame)
    assert studio.fl.disabled is None


def test_init_deinit_init_without_a_new_import(studio: Studio) -> None:
    studio.fl.control_change(20, 127)
    studio.fl.reinit()
    studio.run(1.0)
    studio.fl.control_change(20, 0)
    studio.run(0.3)
    assert studio.engine.values["temperature"] == 0.05
    assert studio.fl.output.count("Sideman: connected") == 2
    studio.check()


@pytest.mark.parametrize("result", [100, 101])
def test_nothing_is_sent_while_a_project_loads(result: int, studio: Studio) -> None:
    studio.fl.project_load(result)
    studio.fl.control_change(21, 127)
    studio.run(0.5)
    assert studio.engine.values["top_p"] == 1.0
    studio.check()


def test_an_exception_is_printed_a_few_times_and_never_escapes(studio: Studio) -> None:
    studio.fl.modules["sideman_fl"].__dict__["send_sysex"] = lambda frame: 1 / 0
    for position in range(50):
        studio.fl.control_change(20, position)
        studio.fl.tick()
    assert studio.fl.disabled is None
    assert [line for line in studio.fl.output if "ZeroDivisionError" in line] == [
        "Sideman: ZeroDivisionError division by zero"
    ] * 5


def test_frames_stay_small_and_one_a_tick(profile: str) -> None:
    studio = Studio(profile)
    for _ in range(100):
        for number in range(20, 35):
            studio.fl.control_change(number, 64)
        studio.fl.tick()
    assert max(len(frame) for frame in studio.fl.sent) <= 256
    assert len(studio.fl.sent) <= 202  # one an idle tick, and one more where 20 ms have passed since
    assert all(frame[4] == TO_ENGINE for frame in studio.fl.sent)
    studio.check()


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
    assert "UDP socket: " + ("SystemError" if profile == "fl2024" else "ModuleNotFoundError") in text
    assert "thread: " + ("SystemError" if profile == "fl2024" else "ModuleNotFoundError") in text
    assert "import ctypes: ImportError" in text or profile == "fl21"
    assert "OnIdle gaps least, median, most: (10.0, 20.0, 100.0) ms" in text
    assert "OnSysEx status F0 sysex f07e000602f7" in text
    assert text.count("OnMidiMsg status 90") == 1
    assert fl.disabled is None
