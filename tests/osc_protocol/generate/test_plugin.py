"""What is generated for the plug-in agrees with the table, and its numbers never change."""

from __future__ import annotations

from osc_protocol.generate.plugin import PATH, render
from osc_protocol.table.host_rows import BY_ID, ROWS, SEED, TEXTS, parameter_id, value_of
from osc_protocol.table.parameters import AUTO, BY_NAME, PARAMETERS, check


def test_the_plugin_has_the_rows_of_the_table() -> None:
    assert PATH.read_text(encoding="ascii") == render(), "run `python -m osc_protocol.generate.plugin`"


def test_every_parameter_is_a_number_or_a_text_of_the_project() -> None:
    assert {row.name for row in ROWS} | set(TEXTS) == {row.name for row in PARAMETERS} | {"chords"}


def test_no_two_parameters_share_a_number() -> None:
    assert len(BY_ID) == len(ROWS)
    assert parameter_id(SEED) not in BY_ID
    assert 1 not in BY_ID, "which is the plug-in's own"


def test_projects_of_today_know_the_numbers_of_tomorrow() -> None:
    assert parameter_id("temperature") == 3924994357


def test_every_number_of_a_row_is_a_legal_value() -> None:
    for row in ROWS:
        for number in (-1e9, -0.01, 0.0, 0.49, 3.7, 1e9):
            assert check(row.name, value_of(row, number)) == value_of(row, number)


def test_below_its_range_a_row_is_left_to_the_sideman() -> None:
    assert value_of(BY_NAME["density"], -0.05) == AUTO
    assert value_of(BY_NAME["density"], 0.0) == 0.0
    assert value_of(BY_NAME["role"], 0.0) == AUTO
    assert value_of(BY_NAME["temperature"], -1.0) == 0.05
