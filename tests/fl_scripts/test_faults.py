"""Laws of the FL script where FL, the port or the engine fails it: knobs arrive in the end, or words say why not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osc_protocol.table.parameters import Setting, from_cc
from osc_protocol.wire import sysex
from osc_protocol.wire.codec import encode
from osc_protocol.wire.sysex import PUMP, TICK, TO_ENGINE
from tests.support.fl.rig import ABSENT, CONTROLLED, PROFILES, Studio

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
    assert studio.engine.commands[-1] == ("/sideman/transport/quarters/tempo", (99.0,))
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


@pytest.mark.parametrize("by", ["OnSysEx", "OnMidiMsg"])
def test_where_onidle_never_comes_the_engines_ticks_do_its_work(by: str) -> None:
    """FL Studio 25.2.5: nothing is clicked or turned, and play, tempo and values go both ways all the same."""
    studio = Studio("fl2025", sysex_by=by)
    studio.run(2.0)
    assert "Sideman: connected" in studio.fl.output
    studio.fl.playing, studio.fl.tempo_bpm = True, 91.0  # without the OnRefresh that tells of it
    studio.run(0.3)
    assert ("/sideman/play", ()) in studio.engine.commands
    assert studio.engine.commands[-1] == ("/sideman/transport/quarters/tempo", (91.0,))
    studio.run(2.0)
    studio.server.handle_packet(encode("/sideman/role", "comping"))
    studio.run(0.3)
    assert studio.hint == "Role comping"
    studio.check()


def test_ticks_are_slow_until_they_are_needed_and_again_when_they_are_not(profile: str) -> None:
    studio = Studio(profile)
    told = []
    studio.fl.receive_short = told.append  # type: ignore[method-assign]
    studio.run(5.0)
    assert 5 <= len(told) <= 11, "twice a second, whoever listens"
    assert set(told) == {TICK}
    studio.control.receive(sysex.pack(encode(PUMP, 1), TO_ENGINE, 5)[0])
    told.clear()
    studio.run(1.5)
    assert len(told) > 25, "as often as OnIdle would come"
    studio.run(1.5)
    told.clear()
    studio.run(5.0)
    assert len(told) <= 11


def test_a_tick_is_nobodys_music_and_another_pressure_is(profile: str) -> None:
    studio = Studio(profile)
    assert studio.fl.receive_short(TICK).handled
    assert not studio.fl.receive_short(bytes((TICK[0], 64))).handled
    assert not studio.fl.receive_short(bytes((0xD0, 0))).handled


def test_unsafe_times_are_waited_out(studio: Studio) -> None:
    studio.fl.unsafe = True
    studio.fl.control_change(21, 127)
    studio.fl.change(tempo_bpm=88.0, playing=True)
    studio.run(1.0)
    assert studio.engine.values["top_p"] == 1.0
    studio.fl.unsafe = False
    studio.run(0.5)
    assert ("/sideman/transport/quarters/tempo", (88.0,)) in studio.engine.commands
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
    studio.fl.call("OnRefresh", 0)  # without OnIdle, and without an engine's ticks, the next call of any kind notices
    assert studio.hint == "Sideman: no Sideman engine: run `sideman play`"
    studio.fl.control_change(20, 0)
    assert studio.hint == "Temperature 0.05" + ABSENT
    studio.start_engine()
    studio.engine_runs = True
    studio.run(2.0)
    assert "Sideman: connected" in studio.fl.hints[-2:]
    assert ("/sideman/play", ()) in studio.engine.commands
    assert ("/sideman/transport/quarters/tempo", (130.0,)) in studio.engine.commands
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


def test_a_new_engine_is_given_what_the_knobs_had_set_and_the_same_one_is_not(studio: Studio) -> None:
    studio.fl.control_change(20, 127)
    studio.fl.control_change(24, 1)
    studio.run(1.0)
    studio.engine_runs = False
    studio.run(3.0)
    studio.engine_runs = True  # it was only the port that was gone, and somebody else has turned a value meanwhile
    studio.server.handle_packet(encode("/sideman/param/temperature", 1.5))
    studio.run(3.0)
    assert studio.engine.values["temperature"] == 1.5
    studio.fl.change(tempo_bpm=99.0, playing=True)
    studio.run(1.0)
    for gap_s in (3.0, 1.0, 0.0):  # a restart that is noticed as silence, and two too quick for that
        studio.engine_runs = False
        studio.run(gap_s)
        studio.start_engine()
        studio.engine_runs = True
        studio.engine.commands.clear()
        studio.run(3.0)
        told = [(address, *values) for address, values in studio.engine.commands]
        assert ("/sideman/transport/quarters/tempo", 99.0) in told
        assert ("/sideman/play",) in told
        assert (studio.engine.values["temperature"], studio.engine.values["density"]) == (2.0, 0.0)
        assert studio.engine.values["top_k"] == 0
    studio.check()


def test_a_refused_knob_is_not_sent_again(studio: Studio) -> None:
    tries = []

    def refuse(setting: Setting) -> None:
        tries.append(setting.name)
        raise ValueError("not now")

    studio.server._dispatcher.on_parameter = refuse
    studio.fl.control_change(22, 5)
    studio.run(5.0)
    assert tries == ["top_k"]


class Refusal:
    """FL's output, refusing frames for a time, or a share of them, as "Device is not assigned"."""

    def __init__(self, studio: Studio, seconds: float, share: float) -> None:
        self._fl, self._take, self._share = studio.fl, studio.fl.take_sysex, share
        self._until_s = studio.fl.now_s + seconds
        self._draw = random.Random(3)
        studio.fl.take_sysex = self.take  # type: ignore[method-assign]

    def take(self, message: bytes) -> None:
        if self._fl.now_s < self._until_s and self._draw.random() < self._share:
            raise TypeError("Device is not assigned")
        self._take(message)


@pytest.mark.parametrize(
    ("seconds", "share"), [(0.1, 1.0), (1.0, 1.0), (5.0, 1.0), (99.0, 0.5), (99.0, 0.8), (99.0, 0.9), (99.0, 0.97)]
)
def test_what_fl_refuses_arrives_when_fl_takes_it_the_last_value_last(
    seconds: float, share: float, profile: str
) -> None:
    studio = Studio(profile)
    studio.run(2.0)
    Refusal(studio, seconds, share)
    for position in (5, 90, 127):
        studio.fl.control_change(21, position)
        studio.fl.control_change(22, 127 - position)
        studio.run(0.05)
    studio.run((seconds if share == 1.0 else 0.0) + 8.0)
    assert studio.engine.values["top_p"] == 1.0
    assert studio.engine.values["top_k"] == 0
    studio.run(2.0)
    assert studio.engine.values["top_p"] == 1.0, "no older value comes after it"


@pytest.mark.parametrize("seconds", [0.2, 3.0])
def test_a_packet_of_several_frames_that_fl_refuses_half_way_arrives_whole(seconds: float, studio: Studio) -> None:
    studio.run(2.0)
    text = "long " * 100
    link = studio.fl.modules["sideman_app"].Link(0.0)
    link.queue("text", "/sideman/chords", "s", text)
    now_s, packets = 0.0, []
    engine, answers = sysex.Reassembler(TO_ENGINE), iter([True, False])

    def send(frame: bytes) -> bool:
        taken = next(answers, True)
        if taken:
            packets.append(engine.feed(frame, now_s))
        return taken

    studio.fl.modules["sideman_link"].sideman_fl.send_sysex = send
    for now_s in (0.0, 0.02, *(seconds + 0.02 * tick for tick in range(12))):
        link.pump(now_s, idle=True)
    assert [packet for packet in packets if packet is not None] == [encode("/sideman/chords", text)]


def test_an_engine_that_never_confirms_is_not_pestered(studio: Studio) -> None:
    tries = []
    studio.server._dispatcher.on_parameter = lambda setting: tries.append(setting.name)
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
        if not studio.fl.idle:
            studio.fl.receive_short(TICK)  # which the engine sends in OnIdle's place
    assert max(len(frame) for frame in studio.fl.sent) <= 256
    assert len(studio.fl.sent) <= 202  # one an idle tick, and one more where 20 ms have passed since
    assert all(frame[4] == TO_ENGINE for frame in studio.fl.sent)
    studio.check()


# --- UDP, where an FL allows it ------------------------------------------------------------------------------------


def test_udp_is_tried_once_and_only_sysex_is_used_where_it_answers(profile: str) -> None:
    studio = Studio(profile, sockets=True)
    assert studio.fl.output[0] == "Sideman: init ok, UDP allowed"
    studio.run(2.0)
    assert studio.fl.udp is not None
    studio.fl.udp.sent.clear()
    studio.fl.control_change(21, 127)
    studio.run(1.0)
    assert studio.engine.values["top_p"] == 1.0
    assert studio.fl.udp.sent == []
    studio.check()


def test_where_sysex_gets_nowhere_udp_does_all(profile: str) -> None:
    studio = Studio(profile, sockets=True, wine=True)
    studio.run(2.0)
    assert "Sideman: connected" in studio.fl.hints
    for position in (3, 90, 127):
        studio.fl.control_change(21, position)
        studio.run(0.2)
        assert studio.engine.values["top_p"] == pytest.approx(from_cc(CONTROLLED[1], position))
    studio.run(1.0)
    studio.server.handle_packet(encode("/sideman/param/top_k", 12))
    studio.run(0.3)
    assert studio.hint == "Top k 12"
    studio.start_engine()
    studio.run(2.0)
    assert studio.engine.values["top_p"] == 1.0
    studio.server.handle_packet(encode("/sideman/param/top_k", 13))
    studio.run(0.3)
    assert studio.hint == "Top k 13"
    studio.check()


def test_a_dead_engine_breaks_no_socket(profile: str) -> None:
    studio = Studio(profile, sockets=True, wine=True)
    assert studio.fl.udp is not None
    studio.fl.udp.dead = True
    studio.run(2.0)
    studio.fl.control_change(21, 3)
    assert studio.hint.endswith(ABSENT)
    studio.fl.udp.dead = False
    studio.run(3.0)
    assert studio.engine.values["top_p"] == pytest.approx(from_cc(CONTROLLED[1], 3))
    studio.fl.call("OnDeInit")
    assert not studio.fl.udp.is_open
    studio.check()
