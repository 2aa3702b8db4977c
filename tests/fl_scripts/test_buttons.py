"""Laws of the FL script's buttons, and of the user's own map of knobs and pads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from osc_protocol.table.parameters import COMMANDS
from tests.support.fl.host import FakeFL
from tests.support.fl.rig import Studio, folder_with

BUTTONS = [row for row in COMMANDS if row.cc is not None]


@pytest.mark.parametrize("row", BUTTONS, ids=lambda row: row.name)
def test_every_button_sends_its_command_at_each_press(row: Any, studio: Studio) -> None:
    studio.engine.commands.clear()
    for _ in range(3):
        assert studio.fl.control_change(row.cc, 127).handled
        assert studio.fl.control_change(row.cc, 0).handled
    studio.run(0.5)
    assert studio.engine.commands == [(row.address, () if row.bare is None else (row.bare,))] * 3
    assert studio.hint == row.name.replace("_", " ").capitalize()
    studio.check()


OWN = (
    'CONTROLS = {("cc", 74): "temperature", ("note", 36): "play", ("note", 40): "mode trade",\n'
    ' ("note", 44): "style left hand", ("cc", 21): None, ("note", 51): "link", ("cc", 90): "panic",\n'
    ' ("note", 45): "role comping", ("note", 46): "density auto", ("note", 47): "bass 0.25",\n'
    ' ("note", 48): "ending 2"}\n'
)


def test_the_users_own_map_turns_and_presses(tmp_path: Path, profile: str) -> None:
    studio = Studio(profile, folder=folder_with(tmp_path, OWN))
    studio.run(2.0)
    studio.engine.commands.clear()
    studio.fl.control_change(74, 127)
    studio.fl.control_change(90, 127)
    assert not studio.fl.control_change(21, 3).handled
    studio.engine.values["density"] = 0.7
    for note in (36, 40, 44, 45, 46, 47, 48):
        assert studio.fl.note_on(note, 100).handled
        assert studio.fl.note_off(note).handled
    assert not studio.fl.note_on(60, 100).handled
    studio.run(1.0)
    values = studio.engine.values
    assert (values["temperature"], values["mode"], values["style"], values["top_p"]) == (2.0, "trade", "left hand", 0.9)
    assert (values["role"], values["density"], values["bass"]) == ("comping", "auto", 0.25)
    assert sorted(studio.engine.commands) == [("/sideman/ending", (2,)), ("/sideman/panic", ()), ("/sideman/play", ())]
    studio.check()


@pytest.mark.parametrize(
    ("controls", "complaint"),
    [
        ('CONTROLS = {("cc", 74): "temprature"}', "there is no 'temprature'"),
        ('CONTROLS = {("cc", 200): "play"}', "the number is 0 to 127"),
        ('CONTROLS = {74: "play"}', "a control is"),
        ('CONTROLS = {("note", 7): "density"}', "a pad turns nothing"),
        ("CONTROLS = {", "is left out"),
        ("", "is left out"),
    ],
)
def test_a_slip_in_the_map_is_told_and_the_rest_works(
    controls: str, complaint: str, tmp_path: Path, profile: str
) -> None:
    studio = Studio(profile, folder=folder_with(tmp_path, controls))
    studio.run(2.0)
    assert [line for line in studio.fl.output if complaint in line and "sideman_map.py" in line]
    studio.fl.control_change(21, 127)
    studio.run(0.5)
    assert studio.engine.values["top_p"] == 1.0
    studio.check()


def test_a_free_knob_is_linked_to_what_was_tweaked_last_in_fl(tmp_path: Path, profile: str) -> None:
    folder = folder_with(tmp_path, OWN)
    fl = FakeFL(folder, profile).load("device_SidemanKnobs")
    fl.note_on(51, 100)
    assert fl.hints[-1] == "Sideman: move a knob first, then link it"
    assert not fl.control_change(30 + 11, 5, channel=2).handled  # FL's own links need it
    for tweaked, words in (
        (False, "found nothing tweaked"),
        (True, "now turns"),
        (True, "turns something in FL already"),
    ):
        fl.tweaked = tweaked
        assert fl.note_on(51, 100).handled
        fl.note_off(51)
        assert words in fl.hints[-1]
    assert fl.links == [(41, 3)]
    assert fl.dispatched == []
    old = FakeFL(folder, profile, missing=frozenset({"device.linkToLastTweaked"})).load("device_SidemanKnobs")
    old.control_change(41, 5)
    old.note_on(51, 100)
    assert "cannot be linked by this FL" in old.hints[-1]
    assert (fl.disabled, old.disabled) == (None, None)


def test_the_forwarder_hands_on_what_the_map_knows(tmp_path: Path, profile: str) -> None:
    fl = FakeFL(folder_with(tmp_path, OWN), profile).load("device_SidemanKnobs")
    assert fl.note_on(36, 100).handled
    assert fl.control_change(102, 127).handled
    assert not fl.note_on(60, 100).handled
    assert fl.dispatched == [(0, 0x90 | 36 << 8 | 100 << 16), (0, 0xB0 | 102 << 8 | 127 << 16)]
