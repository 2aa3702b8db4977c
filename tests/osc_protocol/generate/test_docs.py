"""docs/osc.md says what the table says."""

from __future__ import annotations

from osc_protocol.generate.docs import PATH, render
from osc_protocol.table.parameters import COMMANDS, PARAMETERS


def test_the_page_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == render(), "run `python -m osc_protocol.generate.docs`"


def test_every_row_stands_on_the_page() -> None:
    for row in (*PARAMETERS, *COMMANDS):
        assert f"| {row.address} |" in render()
