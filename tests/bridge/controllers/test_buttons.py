"""Laws of buttons and pads: one press is one act, a pad's note is no music, every command has its button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.controllers.buttons import BUTTON_NAMES, Buttons, button_packet
from bridge.controllers.cc_control import CcControl
from bridge.controllers.map import load_cc_map, parse_cc_map
from bridge.errors import CcMapError
from osc_protocol.table.parameters import COMMAND_BY_ADDRESS, COMMANDS
from osc_protocol.wire.codec import decode
from tests.support.osc.fake_engine import FakeEngine
from tests.support.waiting import until

CC, ON, OFF = 0xB0, 0x90, 0x80


def pressed(entry: Any, *messages: tuple[int, int, int], name: str = "play", **top: Any) -> int:
    """How often a button of this entry acted on the messages."""
    cc_map = parse_cc_map({"buttons": {name: entry}, **top})
    buttons = Buttons([button for button in cc_map.buttons if not button.is_default], cc_map.channel)
    return sum(buttons.press(bytes(message))[1] is not None for message in messages)


PRESSES: list[tuple[str, Any, list[tuple[int, int, int]], int]] = [
    ("pressed and let go", 90, [(CC, 90, 127), (CC, 90, 0)] * 3, 3),
    ("a pad without a release", 90, [(CC, 90, 127)] * 3, 3),
    ("a knob swept up is one press", 90, [(CC, 90, value) for value in range(128)], 1),
    ("too little is no press", 90, [(CC, 90, 63)], 0),
    ("another number", 90, [(CC, 91, 127)], 0),
    ("a note", {"note": 36}, [(ON, 36, 90), (OFF, 36, 0)] * 2, 2),
    ("a soft note", {"note": 36}, [(ON, 36, 1)], 1),
    ("a note that ends by velocity 0", {"note": 36}, [(ON, 36, 90), (ON, 36, 0), (ON, 36, 50)], 2),
    ("its channel", {"note": 36, "channel": 10}, [(ON | 9, 36, 90)], 1),
    ("another channel", {"note": 36, "channel": 10}, [(ON, 36, 90)], 0),
    ("a note is no controller", {"note": 36}, [(CC, 36, 127)], 0),
]


@pytest.mark.parametrize(("what", "entry", "messages", "count"), PRESSES, ids=[row[0] for row in PRESSES])
def test_one_press_is_one_act(what: str, entry: Any, messages: list[tuple[int, int, int]], count: int) -> None:
    assert pressed(entry, *messages) == count


def test_the_maps_channel_counts_where_a_button_has_none() -> None:
    assert pressed({"note": 36}, (ON, 36, 90), (ON | 2, 36, 90), channel=3) == 1


@pytest.mark.parametrize("row", [row for row in COMMANDS if row.cc is not None], ids=lambda row: row.name)
def test_every_button_of_the_table_sends_its_command(row: Any) -> None:
    engine = FakeEngine()
    road = CcControl(engine.server(), parse_cc_map({}))
    assert not road.from_in(bytes((CC, row.cc, 127)))  # a controller goes on to the session, which ignores it
    road.from_control(bytes((CC | 5, row.cc, 127)))
    road.close()
    assert engine.commands == [(row.address, () if row.bare is None else (row.bare,))] * 2


@pytest.mark.parametrize("name", BUTTON_NAMES)
def test_what_a_button_can_do_is_a_command_that_needs_no_argument_or_has_a_choice(name: str) -> None:
    (message,) = decode(button_packet(name, ""))
    command = COMMAND_BY_ADDRESS[message.address]
    if command.choices:
        assert name == f"{command.name} {message.arguments[0]}"
    else:
        assert message.arguments == (() if command.types == "" else (command.bare,))


@pytest.mark.parametrize(
    ("name", "address", "value"),
    [
        ("role comping", "/sideman/role", "comping"), ("density auto", "/sideman/param/density", "auto"),
        ("density 0.5", "/sideman/param/density", 0.5), ("keep_clear 12", "/sideman/param/keep_clear", 12),
        ("ending 4", "/sideman/ending", 4),
        ("again 5-8", "/sideman/again", "5-8"), ("keep 1-4 7", "/sideman/keep", "1-4 7"),
        ("capture 8", "/sideman/capture", 8), ("scale D dorian", "/sideman/param/scale", "D dorian"),
    ],
)  # fmt: skip
def test_a_button_sets_any_parameter_outright_and_ends_in_so_many_bars(name: str, address: str, value: object) -> None:
    assert decode(button_packet(name, "")) == [(address, (value,))]


def test_a_pad_sets_a_mode_or_a_style_outright_and_is_not_played() -> None:
    engine = FakeEngine()
    entries = {"mode trade": {"note": 40}, "style left hand": {"note": 41, "channel": 10}}
    road = CcControl(engine.server(), parse_cc_map({"buttons": entries}))
    assert road.from_in(bytes((ON, 40, 90)))
    assert road.from_in(bytes((OFF, 40, 0)))
    assert road.from_in(bytes((ON | 9, 41, 90)))
    assert not road.from_in(bytes((ON, 41, 90)))
    assert not road.from_in(bytes((ON, 60, 90)))
    road.close()
    assert (engine.values["mode"], engine.values["style"]) == ("trade", "left hand")


WRONG = [
    ("buttons: {paly: 90}", "did you mean 'play'"),
    ("buttons: {mode swing: 90}", "follow, changes, trade, continue or comp, not 'swing'"),
    ("buttons: {temperature 9: 90}", "temperature 9.0 lies outside 0.05..2"),
    ("buttons: {temperature: 90}", "no button does 'temperature'"),
    ("buttons: {ending 65: 90}", "65 lies outside 0..64"),
    ("buttons: {play 2: 90}", "no button does 'play 2'"),
    ("buttons: {play: {cc: 90, note: 3}}", "either cc or note"),
    ("buttons: {play: {channel: 3}}", "either cc or note"),
    ("buttons: {play: loud}", "give a controller number"),
    ("buttons: {play: {note: 128}}", "0..127, not 128"),
    ("buttons: {play: {note: 1, nrpn: 3}}", "no key 'nrpn'"),
    ("buttons: {play: 64}", "64 is the sustain pedal"),
    ("buttons: {play: 90, stop: 90}", "share a controller"),
    ("buttons: {play: {note: 9}, stop: {note: 9, channel: 2}}", "share a controller"),
    ("buttons: {play: 90}\ncontrols: {swing: 90}", "share a controller"),
    ("buttons: {play: 33}\ncontrols: {swing: {cc: 1, bits: 14}}", "share a controller"),
    ("buttons: [play]", "holds `what it does: number`"),
    ("buttons: {nothing: off}", "no button does 'nothing'"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[row[0] for row in WRONG])
def test_bad_buttons_are_refused_in_one_line(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(CcMapError) as caught:
        load_cc_map(path)
    assert reason in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_number_of_the_users_own_takes_it_from_the_table() -> None:
    cc_map = parse_cc_map(yaml.safe_load("buttons: {play: 20, panic: off}\ncontrols: {density: 103}"))
    rest = {row.name: row.cc for row in COMMANDS if row.cc is not None and row.cc not in (102, 103, 104)}
    assert {button.name: button.number for button in cc_map.buttons} == {"play": 20} | rest
    assert "temperature" not in {control.name for control in cc_map.controls}  # 20 by default


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.binary(max_size=4) | st.tuples(st.integers(128, 255), st.integers(0, 127), st.integers(0, 127)).map(bytes)
    )
)
def test_any_bytes_are_taken(messages: list[bytes]) -> None:
    buttons = Buttons(parse_cc_map({"buttons": {"play": {"note": 5}}}).buttons, None)
    for message in messages:
        assert isinstance(buttons.press(message)[0], bool)


# --- a map that changes while it is played by ----------------------------------------------------------------------


def save(path: Path, text: str) -> None:
    """At once, as editors do: the watch must not meet half of it."""
    beside = path.with_suffix(".new")
    beside.write_text(text)
    beside.replace(path)


def test_a_map_is_taken_over_while_it_is_played_by_and_a_broken_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.controllers.cc_control.WATCH_S", 0.02)
    path = tmp_path / "map.yaml"
    save(path, "controls: {temperature: 74}")
    engine, said, moved = FakeEngine(), list[tuple[str, str]](), list[bytes]()
    road = CcControl(engine.server(), load_cc_map(path), moved.append, lambda what, text: said.append((what, text)))
    save(path, "controls: {density: 75}\nbuttons: {play: {note: 3}}")
    until(lambda: len(said) == 1)
    known = load_cc_map(path)
    assert said[0] == ("controllers", f"{len(known.controls)} knobs and {len(known.buttons)} buttons, read anew")
    until(lambda: bytes((CC, 75, 0)) in moved)
    road.from_in(bytes((CC, 74, 127)))
    road.from_in(bytes((CC, 75, 127)))
    assert road.from_in(bytes((ON, 3, 9)))
    until(lambda: engine.commands == [("/sideman/play", ())])
    assert (engine.values["temperature"], engine.values["density"]) == (0.8, 1.0)
    save(path, "controls: [broken")
    until(lambda: len(said) == 2)
    assert said[1][0] == "error"
    assert "the controllers stay as they were" in said[1][1]
    road.from_in(bytes((CC, 75, 0)))
    until(lambda: engine.values["density"] == "auto")
    path.unlink()
    until(lambda: len(said) == 3)
    road.from_in(bytes((CC, 24, 127)))
    until(lambda: engine.values["density"] == 1.0)
    road.close()
    assert len(said) == 3


def test_a_map_that_was_changed_while_the_model_was_loaded_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.controllers.cc_control.WATCH_S", 0.02)
    path, said = tmp_path / "map.yaml", list[str]()
    save(path, "buttons: {play: {note: 36}}")
    read_first = load_cc_map(path)
    save(path, "buttons: {play: {note: 40}}")
    road = CcControl(FakeEngine().server(), read_first, None, lambda what, text: said.append(what))
    until(lambda: said == ["controllers"])
    assert road.from_in(bytes((ON, 40, 90)))
    road.close()


def test_a_pad_that_becomes_a_button_while_it_is_held_is_let_go_as_music(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.controllers.cc_control.WATCH_S", 0.02)
    path, said = tmp_path / "map.yaml", list[str]()
    save(path, "buttons: {play: {note: 36}}")
    road = CcControl(FakeEngine().server(), load_cc_map(path), None, lambda what, text: said.append(what))
    assert not road.from_in(bytes((ON, 40, 90)))  # `sideman learn` hears the same press, and writes it down
    save(path, "buttons: {play: {note: 40}}")
    until(lambda: said == ["controllers"])
    assert not road.from_in(bytes((OFF, 40, 0)))  # else the key would be down for ever
    assert road.from_in(bytes((ON, 40, 90)))
    assert road.from_in(bytes((ON, 40, 0)))
    road.close()


def test_the_users_own_map_is_found_once_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.controllers.cc_control.WATCH_S", 0.02)
    monkeypatch.setenv("SIDEMAN_CC_MAP", str(tmp_path / "own.yaml"))
    said: list[tuple[str, str]] = []
    road = CcControl(FakeEngine().server(), load_cc_map(), None, lambda what, text: said.append((what, text)))
    (tmp_path / "own.yaml").write_text("controls: {density: 75}")
    until(lambda: len(said) == 1)
    road.close()
    assert said[0][0] == "controllers"


@pytest.mark.parametrize("names", [("play", "stop"), ("stop", "play")])
def test_where_every_channel_is_heard_a_pad_that_names_it_goes_first(names: tuple[str, ...]) -> None:
    entries = {"play": {"note": 36}, "stop": {"note": 36, "channel": 10}}
    cc_map = parse_cc_map({"channel": 3, "buttons": {name: entries[name] for name in names}})
    buttons = Buttons(cc_map.buttons, None)
    assert buttons.press(bytes((ON | 9, 36, 90)))[1] == button_packet("stop", "")
    assert buttons.press(bytes((ON | 2, 36, 90)))[1] == button_packet("play", "")
