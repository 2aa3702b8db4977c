"""Laws of the controller map: the table's numbers, the user's over them, one line for what makes no sense."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.controllers.map import CcMap, Control, load_cc_map, parse_cc_map, user_cc_map
from bridge.errors import CcMapError
from osc_protocol.table.parameters import PARAMETERS


def controls(cc_map: CcMap) -> dict[str, Control]:
    return {control.name: control for control in cc_map.controls}


def test_the_maps_that_the_pages_show_can_be_copied() -> None:
    pages = (Path(__file__).parents[3] / "docs").glob("*.md")
    maps = [text for page in pages for text in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)]
    shown = [yaml.safe_load(text) for text in maps]
    shown = [each for each in shown if {"controls", "buttons"} & set(each)]
    assert shown, "docs/osc.md shows one"
    for each in shown:
        assert parse_cc_map(each).buttons


def test_without_a_file_the_table_holds() -> None:
    found = controls(parse_cc_map({}))
    assert {name: control.number for name, control in found.items()} == {
        row.name: row.cc for row in PARAMETERS if row.cc is not None
    }
    assert all(control.is_default and control.bits == 7 for control in found.values())


def test_every_kind_of_entry_is_read() -> None:
    text = """
    channel: 3
    pick_up: true
    controls:
      temperature: 74
      top_p: {cc: 16, bits: 14}
      density: {nrpn: 1025}
      swing: {cc: 80, relative: twos_complement}
      polyphony: {cc: 27, channel: 4, pick_up: false}
      mode: 90
      min_p: off
    """
    cc_map = parse_cc_map(yaml.safe_load(text))
    found = controls(cc_map)
    assert cc_map.channel == 2
    assert found["temperature"] == Control("temperature", 74, pick_up=True)
    assert found["top_p"] == Control("top_p", 16, bits=14, pick_up=True)
    assert found["density"] == Control("density", 1025, nrpn=True, bits=14, pick_up=True)
    assert found["swing"] == Control("swing", 80, relative="twos_complement", pick_up=True)
    assert found["polyphony"] == Control("polyphony", 27, channel=3)
    assert found["mode"].number == 90
    assert "min_p" not in found
    assert found["velocity"] == Control("velocity", 29, pick_up=True, is_default=True)


def test_a_number_of_the_users_own_leaves_the_row_that_had_it_by_default() -> None:
    found = controls(parse_cc_map({"controls": {"temperature": 24, "swing": {"cc": 0, "bits": 14}}}))
    assert found["temperature"].number == 24
    assert "density" not in found  # 24 by default
    assert "humanise" not in found  # 32, now the LSB of swing


WRONG = [
    ("controls: {temprature: 74}", "did you mean 'temperature'"),
    ("control: {temperature: 74}", "no key 'control': did you mean 'controls'"),
    ("controls: {style: 74}", "style takes text"),
    ("controls: {temperature: 120}", "0..119, not 120"),
    ("controls: {temperature: hot}", "give a controller number"),
    ("controls: {temperature: true}", "give a controller number"),
    ("controls: {temperature: 1.5}", "give a controller number"),
    ("controls: {temperature: {cc: 64}}", "64 is the sustain pedal"),
    ("controls: {temperature: {cc: 98}}", "98 is NRPN"),
    ("controls: {temperature: {cc: 6, bits: 14}}", "is data entry"),
    ("controls: {temperature: {cc: 40, bits: 14}}", "0..31, not 40"),
    ("controls: {temperature: {cc: 40, bits: 8}}", "7 or 14, not 8"),
    ("controls: {temperature: {cc: 40, nrpn: 8}}", "either cc or nrpn"),
    ("controls: {temperature: {channel: 1}}", "either cc or nrpn"),
    ("controls: {temperature: {nrpn: 16383}}", "0..16382, not 16383"),
    ("controls: {temperature: {cc: 40, relative: yes}}", "twos_complement, sign_magnitude or binary_offset"),
    ("controls: {temperature: {nrpn: 4, relative: binary_offset}}", "leave nrpn and bits out"),
    ("controls: {temperature: {cc: 40, chanel: 3}}", "did you mean 'channel'"),
    ("controls: {temperature: {cc: 40, channel: 0}}", "1..16, not 0"),
    ("controls: {temperature: 40, density: 40}", "share a controller"),
    ("controls: {temperature: {cc: 8, bits: 14}, density: 40}", "share a controller"),
    ("controls: {temperature: {nrpn: 8}, density: {nrpn: 8}}", "share a controller"),
    ("controls: [temperature]", "holds `parameter: number`"),
    ("channel: 17", "1..16, not 17"),
    ("pick_up: sometimes", "true or false"),
    ("- 1", "holds `controls:`"),
    ("controls: {temperature: 74", "no YAML"),
    ("a: b: c", "line 1"),
    ("controls: {temperature: 74, temperature: 75}", "line 1: 'temperature' stands twice"),
    ("controls: {temperature: 74}\nbuttons: {play: 90}\ncontrols: {top_p: 75}", "line 3: 'controls' stands twice"),
    ("!!python/object/apply:os.system [ls]", "no YAML"),
]


@pytest.mark.parametrize(("text", "reason"), WRONG, ids=[row[0] for row in WRONG])
def test_bad_maps_are_refused_in_one_line_that_names_the_file(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(CcMapError) as caught:
        load_cc_map(path)
    message = str(caught.value)
    assert reason in message
    assert str(path) in message
    assert len(message.splitlines()) == 1


def test_one_controller_on_two_channels_is_two() -> None:
    entries = {"temperature": {"cc": 40, "channel": 1}, "density": {"cc": 40, "channel": 2}}
    assert {"temperature", "density"} <= set(controls(parse_cc_map({"controls": entries})))


OWN = {"cc": 20, "channel": 5}  # temperature's number by default


@pytest.mark.parametrize(
    ("content", "free"),
    [
        ({"channel": 3, "controls": {"temperature": 20, "density": OWN}}, True),
        ({"channel": 5, "controls": {"temperature": 20, "density": OWN}}, False),
        ({"controls": {"temperature": 20, "density": OWN}}, False),
        ({"channel": 3, "controls": {"temperature": {"cc": 20, "channel": 3}, "density": 20}}, False),
        ({"channel": 3, "controls": {"density": OWN}}, True),
        ({"channel": 3, "controls": {"temperature": 20}, "buttons": {"play": OWN}}, True),
        ({"channel": 3, "buttons": {"play": {"note": 36}, "stop": {"note": 36, "channel": 10}}}, True),
        ({"channel": 10, "buttons": {"play": {"note": 36}, "stop": {"note": 36, "channel": 10}}}, False),
    ],
)
def test_one_without_a_channel_has_the_maps_and_clashes_only_there(content: dict[str, Any], free: bool) -> None:
    if not free:
        with pytest.raises(CcMapError, match="share a controller"):
            parse_cc_map(content)
        return
    cc_map = parse_cc_map(content)
    asked = {*content.get("controls", {}), *content.get("buttons", {})}
    assert asked <= {control.name for control in cc_map.controls} | {button.name for button in cc_map.buttons}


def test_a_default_yields_only_where_it_is_heard() -> None:
    assert "temperature" in controls(parse_cc_map({"channel": 3, "controls": {"density": OWN}}))
    assert "temperature" not in controls(parse_cc_map({"channel": 5, "controls": {"density": OWN}}))
    assert "temperature" not in controls(parse_cc_map({"controls": {"density": OWN}}))


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIDEMAN_CC_MAP", str(tmp_path / "own.yaml"))
    assert user_cc_map() == tmp_path / "own.yaml"
    assert load_cc_map() == parse_cc_map({})
    (tmp_path / "own.yaml").write_text("")
    assert load_cc_map() == parse_cc_map({})
    (tmp_path / "own.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CcMapError, match="not UTF-8"):
        load_cc_map()
    (tmp_path / "own.yaml").write_bytes(b"#" * 70000)
    with pytest.raises(CcMapError, match="is it a controller map"):
        load_cc_map()
    with pytest.raises(CcMapError, match="cannot be read"):
        load_cc_map(tmp_path / "nowhere.yaml")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60) | st.text("{}[]:,-&*!|>\n abc0123", max_size=60))
def test_any_text_is_a_map_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "replace"))
    with contextlib.suppress(CcMapError):
        assert isinstance(load_cc_map(path), CcMap)
