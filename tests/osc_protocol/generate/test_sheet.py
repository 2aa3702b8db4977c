"""The printed sheet for FL Studio says what the table, the cables and the guide say."""

from __future__ import annotations

import re

from bridge.midi.cables import CABLES
from osc_protocol.generate.sheet import PATH, render
from osc_protocol.table.parameters import COMMANDS, PARAMETERS


def test_the_sheet_is_up_to_date() -> None:
    assert PATH.read_text(encoding="utf-8") == render(), "run `python -m osc_protocol.generate.sheet`"


def test_every_controller_stands_on_it_with_its_number() -> None:
    for row in (*PARAMETERS, *COMMANDS):
        if row.cc is not None:
            assert f"<b>{row.cc}</b>{row.name.replace('_', ' ')}" in render()


def test_it_names_every_cable_with_the_guides_port_numbers() -> None:
    guide = (PATH.parents[1] / "FL_STUDIO.md").read_text(encoding="utf-8")
    for cable, number in zip(CABLES, ("11", "12", "10"), strict=True):
        assert re.search(rf"<code>{cable}</code>[^<]*port <b>{number}</b>", render())
        assert re.search(rf"`{cable}`[^.]*port (to )?{number}", " ".join(guide.split()))


def test_it_is_one_page_of_text() -> None:
    lines = [line for line in render().splitlines() if line.startswith(("<li>", "<h"))]
    listed = sum(line.startswith("<li><b>") for line in lines)
    assert len(lines) - listed + listed / 4 < 55, "an A4 page holds so many lines at this size"
