"""Laws of what the table lets a player ask: the shipped base can be asked it all, the small one says that it cannot."""

from __future__ import annotations

import argparse

import pytest

from bridge.app.arguments import add_arguments, settings_from
from bridge.commands import play as play_command
from engine.errors import SidemanError
from engine.inference.asked import Asked
from engine.inference.session import Session
from engine.model.checkpoint import Checkpoint, checkpoint_folder, load_checkpoint
from osc_protocol.table.parameters import AUTO, BY_NAME, CONTROL_NAMES, Parameter, from_cc, values_of

rows = pytest.mark.parametrize("row", [BY_NAME[name] for name in CONTROL_NAMES], ids=lambda row: row.name)


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(None)


@rows
def test_the_tables_choices_are_the_labels_of_the_shipped_base(row: Parameter, shipped: Checkpoint) -> None:
    control = next(control for control in shipped.model.controls if control.name == row.name)
    assert sorted(control.labels) == sorted(set(row.choices) - {AUTO})
    assert bool(control.edges) == row.auto


@rows
def test_every_position_of_a_knob_is_asked_of_the_shipped_base_and_can_be_read(
    row: Parameter, shipped: Checkpoint
) -> None:
    session = Session(shipped)
    assert session.asked()[row.name] == AUTO
    for position in range(0, 128, 7):
        value = from_cc(row, position)
        session.set_params(**{row.name: value})
        assert session.asked()[row.name] == value
    session.set_params(**{row.name: AUTO})
    assert session.asked()[row.name] == AUTO


@rows
def test_what_auto_stands_for_can_be_read_until_something_is_asked(row: Parameter, shipped: Checkpoint) -> None:
    meant, asked = (row.choices[1], row.choices[2]) if row.choices else (0.25, 0.75)
    session = Session(shipped)
    session.set_auto({row.name: meant})
    assert session.asked()[row.name] == meant
    session.set_params(**{row.name: asked})
    assert session.asked()[row.name] == asked
    session.set_params(**{row.name: AUTO})
    assert session.asked()[row.name] == meant


@pytest.mark.parametrize(("role", "listens"), [("comping", True), ("accompany", True), ("solo", False)])
def test_autos_density_is_listened_for_behind_a_solo_and_a_tendency_in_one(
    role: str, listens: bool, shipped: Checkpoint
) -> None:
    asked = Asked(shipped.model.controls)
    asked.auto = {"role": role, "density": 0.5, "loudness": 0.5}
    assert set(asked.for_model()[1]) == ({"density"} if listens else set())
    asked.values["density"] = 0.6
    assert set(asked.for_model()[1]) == {"density"}


@rows
def test_the_small_base_is_left_to_itself_and_says_why(row: Parameter) -> None:
    session = Session(load_checkpoint(checkpoint_folder("small")))
    session.set_params(**{row.name: AUTO})
    with pytest.raises(SidemanError, match=f"leave {row.name} at auto, or take the shipped base"):
        session.set_params(**{row.name: row.choices[1] if row.choices else 0.5})
    assert session.asked()[row.name] == AUTO


def test_play_says_before_the_first_note_that_its_base_cannot_be_asked() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    args = parser.parse_args(["--checkpoint", "small", "--chords", "C | F", "--role", "comp"])
    settings = settings_from(args)
    assert values_of(settings.values)["role"] == "comping"
    with pytest.raises(SidemanError, match="role comping: this base was not trained to be asked that"):
        play_command._load_with_style(play_command.load_engine, args, settings)
