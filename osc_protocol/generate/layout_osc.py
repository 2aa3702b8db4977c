"""An Open Stage Control session made from the parameter table: every row with a widget, its range and its address."""

from __future__ import annotations

import json
from typing import Any, Final

from osc_protocol.oscquery.tree import ENGINE_COMMANDS
from osc_protocol.table.parameters import (
    AUTO,
    COMMAND_BY_ADDRESS,
    DEFAULT_PORT,
    PARAMETERS,
    Command,
    Parameter,
    in_type,
)

__all__ = ["FEEDBACK_PORT", "open_stage_control"]

FEEDBACK_PORT: Final = 8080  # where Open Stage Control listens unless it is told otherwise
_COLUMNS: Final = 4
_IN_A_LINE: Final = 5  # choices; more stand in a grid


def open_stage_control(port: int = DEFAULT_PORT, feedback_port: int = FEEDBACK_PORT) -> str:
    """The session file's text. port: the engine's; feedback_port: the one that Open Stage Control listens on."""
    target = [f"127.0.0.1:{port}"]
    cells = [_cell(_name(row.name), _widget(row), row.help) for row in PARAMETERS]
    pressed = [row for row in ENGINE_COMMANDS if row.is_pressed]
    cells += [_cell(_name(row.name), _field(row), row.help) for row in ENGINE_COMMANDS if row not in pressed]
    buttons = [_button(row) for row in pressed]
    feedback = {"on": feedback_port, "typeTags": "i", "comments": "Ask for the values, and for every change of them."}
    buttons.append(_button(COMMAND_BY_ADDRESS["/sideman/feedback"]) | {"label": "Show values"} | feedback)
    cells.append(_cell("Sideman", {"type": "panel", "id": "buttons", "layout": "horizontal", "widgets": buttons}, ""))
    for cell in cells:
        for widget in cell["widgets"][1:]:
            for leaf in widget.get("widgets", [widget]):
                leaf["target"] = target
    root = {"type": "root", "id": "root", "layout": "grid", "gridTemplate": _COLUMNS, "widgets": cells, "tabs": []}
    session = {"createdWith": "Open Stage Control", "version": "1.30.1", "type": "session", "content": root}
    return json.dumps(session, indent=2, ensure_ascii=False) + "\n"


def _name(text: str) -> str:
    return text.removesuffix("_ms").replace("_", " ").capitalize()


def _cell(title: str, widget: dict[str, Any], comment: str) -> dict[str, Any]:
    heading = {"type": "text", "id": f"{widget['id']}_title", "default": title, "height": 24, "expand": False}
    return {
        "type": "panel", "id": f"{widget['id']}_cell", "layout": "vertical", "comments": comment,
        "widgets": [heading, widget | {"expand": True}],
    }  # fmt: skip


def _widget(row: Parameter) -> dict[str, Any]:
    common = {"id": row.name, "address": row.address, "typeTags": row.type, "default": in_type(row, row.default)}
    if row.choices:
        layout = "horizontal" if len(row.choices) <= _IN_A_LINE else "grid"
        return {"type": "switch", "values": list(row.choices), "layout": layout, "gridTemplate": _COLUMNS, **common}
    if row.low is None:
        return {"type": "input", "asYouType": False, **common}
    kind = {"type": "knob"} if row.widget == "knob" else {"type": "fader", "horizontal": True}
    decimals = 0 if row.type == "i" else 3
    ends: dict[str, Any] = {"min": row.low, "max": row.high}
    if row.auto:  # the lowest twentieth of the way sends numbers below 0
        ends = {"min": {AUTO: -1}, "5%": row.low, "max": row.high}
    return {**kind, "range": ends, "decimals": decimals, "unit": row.unit, **common}


def _field(row: Command) -> dict[str, Any]:
    return {
        "type": "input",
        "id": row.name.replace(" ", "_"),
        "address": row.address,
        "typeTags": row.types,
        "asYouType": False,
    }


def _button(row: Command) -> dict[str, Any]:
    """Its argument where it has one; else 1, which presses."""
    name, label = row.name.replace(" ", "_"), _name(row.name)
    on: dict[str, Any] = {"on": 1} if row.bare is None else {"on": row.bare, "typeTags": row.types}
    return {"type": "button", "id": name, "label": label, "mode": "tap", "address": row.address, "off": 0, **on}
