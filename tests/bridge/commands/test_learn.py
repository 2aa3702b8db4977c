"""Laws of `sideman learn`: what moved is named, written, taken from whoever had it, and can be forgotten."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import cli
from bridge.commands import learn as learn_command
from bridge.commands.learn import describe, guess, guess_button
from bridge.controllers.entries import forget, write_entry
from bridge.controllers.map import Control, load_cc_map, parse_cc_map
from bridge.errors import BridgeError, CcMapError
from osc_protocol.table.parameters import COMMANDS
from tests.support.live.jack_server import running_jack
from tests.support.live.processes import Lines, ask, playing

KNOB_PLAYER = Path(__file__).parents[2] / "support" / "live" / "knob_player.py"


def sent(*pairs: tuple[int, int], channel: int = 0) -> list[bytes]:
    return [bytes((0xB0 | channel, number, data)) for number, data in pairs]


MOVED: list[tuple[str, list[bytes], dict[str, Any]]] = [
    ("a knob", sent((74, 10), (74, 11), (74, 13)), {"cc": 74, "channel": 1}),
    ("a button pressed once", sent((74, 127)), {"cc": 74, "channel": 1}),
    ("a button", sent((74, 127), (74, 0), (74, 127), (74, 0)), {"cc": 74, "channel": 1}),
    ("a channel", sent((74, 10), channel=9), {"cc": 74, "channel": 10}),
    ("14 bits", sent((16, 10), (48, 3), (16, 10), (48, 9)), {"cc": 16, "bits": 14, "channel": 1}),
    ("NRPN", sent((99, 8), (98, 1), (6, 5), (38, 4), (6, 6), (38, 0)), {"nrpn": 1025, "bits": 14, "channel": 1}),
    ("NRPN of 7 bits", sent((99, 8), (98, 1), (6, 5), (98, 1), (6, 6)), {"nrpn": 1025, "bits": 7, "channel": 1}),
    ("NRPN that selects none after each value", sent((99, 8), (98, 1), (6, 5), (99, 127), (98, 127)) * 2,
     {"nrpn": 1025, "bits": 7, "channel": 1}),
    ("NRPN, then no RPN", sent((99, 8), (98, 1), (6, 5), (38, 9), (101, 127), (100, 127)) * 2,
     {"nrpn": 1025, "bits": 14, "channel": 1}),
    ("an encoder of NRPN steps", sent((99, 8), (98, 1), (96, 0), (96, 0), (97, 0)),
     {"nrpn": 1025, "bits": 7, "channel": 1}),
    ("twos", sent(*[(80, 1)] * 5, *[(80, 127)] * 3), {"cc": 80, "relative": "twos_complement", "channel": 1}),
    ("sign", sent(*[(80, 1)] * 5, *[(80, 65)] * 3), {"cc": 80, "relative": "sign_magnitude", "channel": 1}),
    ("offset", sent(*[(80, 65)] * 5, *[(80, 63)] * 3), {"cc": 80, "relative": "binary_offset", "channel": 1}),
    ("a knob beside the pedal", sent((64, 127), (74, 1), (74, 2), (64, 0), (123, 0)), {"cc": 74, "channel": 1}),
    ("a slow knob", sent((74, 1), (74, 2), (74, 3), (74, 2), (74, 1)), {"cc": 74, "channel": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("what", "messages", "entry"), MOVED, ids=[row[0] for row in MOVED])
def test_what_moved_is_told_by_what_it_sent(what: str, messages: list[bytes], entry: dict[str, Any]) -> None:
    assert guess(messages) == entry
    assert f"on channel {entry['channel']}" in describe(entry)
    assert parse_cc_map({"controls": {"density": entry}})


def test_the_kind_of_an_encoder_can_be_said() -> None:
    assert guess(sent((80, 1)), "binary_offset") == {"cc": 80, "relative": "binary_offset", "channel": 1}


@pytest.mark.parametrize("messages", [[], sent((64, 127)), sent((120, 0)), [b"\x90\x40\x40"], [b"", b"\xb0"]])
def test_nothing_that_could_be_learned_is_said_so(messages: list[bytes]) -> None:
    with pytest.raises(BridgeError, match="no controller moved"):
        guess(messages)


@settings(deadline=None)
@given(st.lists(st.tuples(st.just(0xB0), st.integers(0, 130), st.integers(0, 130)).map(bytes)))
def test_any_messages_give_an_entry_or_a_refusal(messages: list[bytes]) -> None:
    with contextlib.suppress(BridgeError):
        parse_cc_map({"controls": {"density": guess(messages)}})


def test_an_entry_is_written_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "sideman" / "map.yaml"
    assert write_entry(path, "temperature", {"cc": 74, "channel": 1}) == []
    path.write_text(
        "channel: 5\ncontrols:\n  top_p: {cc: 3, bits: 14}\n  min_p: off\n" + path.read_text().split("controls:\n")[1]
    )
    assert write_entry(path, "swing", {"nrpn": 5, "bits": 7, "channel": 2}) == []
    cc_map = load_cc_map(path)
    found = {control.name: control for control in cc_map.controls}
    assert cc_map.channel == 4
    assert found["temperature"] == Control("temperature", 74, channel=0)
    assert found["top_p"].bits == 14
    assert found["swing"].nrpn
    assert "min_p" not in found


def test_a_controller_serves_one_parameter_and_the_loser_is_named(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    write_entry(path, "temperature", {"cc": 74, "channel": 1})
    assert write_entry(path, "swing", {"cc": 74, "channel": 1}) == ["temperature"]
    assert write_entry(path, "swing", {"cc": 24, "channel": 1}) == ["density"]  # its default number
    assert write_entry(path, "swing", {"cc": 74, "channel": 1}) == []


PRESSED: list[tuple[str, list[bytes], dict[str, Any]]] = [
    ("a pad", [b"\x99\x24\x5a", b"\x89\x24\x00"], {"note": 36, "channel": 10}),
    ("a button", sent((90, 127), (90, 0)), {"cc": 90, "channel": 1}),
    ("a pad after its neighbour's release", [b"\x90\x25\x00", b"\x90\x24\x01"], {"note": 36, "channel": 1}),
]


@pytest.mark.parametrize(("what", "messages", "entry"), PRESSED, ids=[row[0] for row in PRESSED])
def test_what_was_pressed_is_told_by_what_it_sent(what: str, messages: list[bytes], entry: dict[str, Any]) -> None:
    assert guess_button(messages) == entry
    assert f"on channel {entry['channel']}" in describe(entry)
    assert parse_cc_map({"buttons": {"play": entry, "mode trade": {"note": 99}}})


@pytest.mark.parametrize("messages", [[], sent((64, 127)), sent((90, 5)), [b"\x90\x24\x00"]])
def test_no_press_is_said_so(messages: list[bytes]) -> None:
    with pytest.raises(BridgeError, match="no button was pressed"):
        guess_button(messages)


def test_buttons_and_knobs_take_controllers_from_each_other(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    assert write_entry(path, "play", {"cc": 74, "channel": 1}) == []
    assert write_entry(path, "swing", {"cc": 74, "channel": 1}) == ["play"]
    assert write_entry(path, "mode trade", {"cc": 74, "channel": 1}) == ["swing"]
    assert write_entry(path, "stop", {"note": 36, "channel": 10}) == []
    rest = {row.name: row.cc for row in COMMANDS if row.cc is not None and row.cc not in (102, 103)}
    assert {button.name: button.number for button in load_cc_map(path).buttons} == {
        "mode trade": 74, "stop": 36, **rest,
    }  # fmt: skip
    assert forget(path, "stop")
    assert {button.name: button.number for button in load_cc_map(path).buttons}["stop"] == 103


@pytest.mark.parametrize(
    ("name", "reason"),
    [("temprature", "did you mean 'temperature'"), ("style", "learn 'style NAME'"), ("mode swing", "not 'swing'")],
)
def test_what_cannot_be_learned_is_refused_in_one_line(
    name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["learn", name]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert reason in error


def test_what_was_learned_is_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.yaml"
    assert not forget(path, "temperature")
    write_entry(path, "temperature", {"cc": 74, "channel": 1})
    assert cli.main(["learn", "temperature", "--cancel", "--cc-map", str(path)]) == 0
    assert capsys.readouterr().out == "temperature: controller 20, as by default\n"
    assert load_cc_map(path) == parse_cc_map({})
    assert cli.main(["learn", "temperature", "--cancel", "--cc-map", str(path)]) == 0
    assert "nothing to forget" in capsys.readouterr().out


def test_what_was_said_of_its_pick_up_outlives_another_controller(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("controls:\n  temperature: {cc: 21, pick_up: true}\n")
    write_entry(path, "temperature", {"cc": 74, "channel": 1})
    (found,) = (control for control in load_cc_map(path).controls if control.name == "temperature")
    assert found == Control("temperature", 74, channel=0, pick_up=True)


def test_a_controller_of_another_channel_than_the_maps_is_taken_from_nobody(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("channel: 3\ncontrols:\n  temperature: 74\n")
    assert write_entry(path, "swing", {"cc": 74, "channel": 5}) == []
    assert write_entry(path, "swing", {"cc": 74, "channel": 3}) == ["temperature"]


@pytest.mark.parametrize("options", [[], ["--cancel"]])
def test_comments_that_writing_costs_are_kept_beside_it(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(learn_command, "_listen", lambda *_, **__: sent((75, 1), (75, 2)))
    path, kept = tmp_path / "map.yaml", tmp_path / "map.yaml.old"
    text = "controls:\n  temperature: {cc: 74, pick_up: true}\n  swing: 20  # the big knob\n"
    path.write_text(text)
    command = ["learn", "temperature", "--cc-map", str(path)]
    assert cli.main([*command, *options]) == 0
    assert f"the map as it was, with the comments that are lost in it now: {kept}\n" in capsys.readouterr().out
    assert kept.read_text() == text
    kept.unlink()
    for _ in range(2):
        assert cli.main([*command, *options]) == 0
    assert "as it was" not in capsys.readouterr().out
    assert not kept.exists()


def test_an_announced_encoder_is_one_or_refused() -> None:
    assert guess(sent((16, 1), (48, 1), (16, 1)), "twos_complement") == {
        "cc": 16, "relative": "twos_complement", "channel": 1,
    }  # fmt: skip
    with pytest.raises(BridgeError, match="NRPN 130 moved, and --relative is for controllers"):
        guess(sent((99, 1), (98, 2), (96, 0)), "twos_complement")


def test_a_broken_map_is_refused_and_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("controls: [1]")
    for options in ([], ["--cancel"]):
        assert cli.main(["learn", "temperature", "--cc-map", str(path), *options]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(CcMapError):
        forget(path, "temperature")
    assert path.read_text() == "controls: [1]"
    assert cli.main(["learn", "style"]) == 2


def turn(port: str, messages: list[list[int]], environment: dict[str, str]) -> None:
    """Sends controller messages to a port from a process of its own."""
    subprocess.run(
        [sys.executable, str(KNOB_PLAYER), port, json.dumps(messages)], env=environment, check=True, timeout=30
    )


@pytest.mark.real
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("jackd") is None, reason="jackd is not installed")
def test_a_knob_is_learned_and_then_turns_a_running_sideman(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    with running_jack() as server:
        command = [sys.executable, "-m", "bridge.cli", "learn", "temperature", "--cc-map", str(path)]
        learn = Lines(command, server.environment)
        try:
            learn.wait_for("move the controller")
            turn("Sideman Learn", [[0xB2, 75, value] for value in range(10)], server.environment)
            assert learn.join(20) == 0, learn.errors
        finally:
            learn.kill()
        assert learn.lines[1] == f"temperature: controller 75 on channel 3 (7 bits), written to {path}"
        with playing(server, options=["--cc-map", str(path)]) as (play, _):
            turn("Sideman In", [[0xB2, 75, 127], [0xB0, 24, 1], [0xB0, 20, 0]], server.environment)
            turn("Sideman Control", [[0xB0, 21, 0]], server.environment)
            assert [ask(play.osc_port, name) for name in ("temperature", "density", "top_p")] == [2.0, 0.0, 0.05]
            write_entry(path, "swing", {"cc": 76, "channel": 3})  # as `sideman learn` does beside it
            known = load_cc_map(path)
            play.wait_for(f"controllers {len(known.controls)} knobs and {len(known.buttons)} buttons, read anew", 10.0)
            turn("Sideman In", [[0xB2, 76, 127], [0xB0, 31, 0]], server.environment)
            assert ask(play.osc_port, "swing") == 0.75
            assert play.end() == 130
    assert play.errors == []
