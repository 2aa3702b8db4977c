"""Laws of the exported surfaces: every row and command is on them, what they send is taken, they come out the same."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from bridge import cli
from osc_protocol.generate.layout_osc import open_stage_control
from osc_protocol.generate.layout_touchosc import touchosc, touchosc_xml
from osc_protocol.oscquery.tree import ENGINE_COMMANDS
from osc_protocol.table.parameters import PARAMETERS, Parameter, Value
from osc_protocol.wire.codec import encode
from tests.support.osc.fake_engine import FakeEngine

rows = pytest.mark.parametrize("row", PARAMETERS, ids=lambda row: row.name)
ADDRESSES = {row.address for row in (*PARAMETERS, *ENGINE_COMMANDS)} | {"/sideman/feedback"}


def widgets(node: dict[str, Any]) -> list[dict[str, Any]]:
    """All widgets under one, itself too."""
    return [node, *(leaf for child in node.get("widgets", ()) for leaf in widgets(child))]


def session() -> list[dict[str, Any]]:
    return [leaf for leaf in widgets(json.loads(open_stage_control())["content"]) if "address" in leaf]


def nodes() -> list[Element]:
    return [node for node in fromstring(touchosc_xml()).iter("node") if node.find("messages/osc") is not None]


def address_of(node: Element) -> str:
    return node.findtext("messages/osc/path/partial/value") or ""


def test_both_surfaces_hold_every_row_and_command_and_nothing_else() -> None:
    assert {widget["address"] for widget in session()} == ADDRESSES
    assert {address_of(node) for node in nodes()} == ADDRESSES


def test_ids_are_their_own() -> None:
    ids = [leaf["id"] for leaf in widgets(json.loads(open_stage_control())["content"])]
    assert len(set(ids)) == len(ids)
    ids = [node.get("ID") for node in fromstring(touchosc_xml()).iter("node")]
    assert len(set(ids)) == len(ids)


def test_an_export_comes_out_the_same_every_time() -> None:
    assert open_stage_control() == open_stage_control()
    assert touchosc() == touchosc()
    assert zlib.decompress(touchosc()) == touchosc_xml()


@rows
def test_what_open_stage_control_sends_is_taken(row: Parameter) -> None:
    (widget,) = (widget for widget in session() if widget["address"] == row.address)
    assert widget["target"] == ["127.0.0.1:9123"]
    assert widget["typeTags"] == row.type
    ends = widget.get("range", {})
    if row.low is not None:
        lowest = {"min": {"auto": -1}, "5%": row.low} if row.auto else {"min": row.low}
        assert ends == lowest | {"max": row.high}
    numbers = [number["auto"] if isinstance(number, dict) else number for number in ends.values()]
    sent: list[Value] = [widget["default"], *numbers, *widget.get("values", ())]
    server = FakeEngine().server()
    assert [server.handle_packet(encode(row.address, value)) for value in sent] == [[]] * len(sent)


@rows
def test_what_touchosc_sends_is_taken(row: Parameter) -> None:
    server = FakeEngine().server()
    found = [node for node in nodes() if address_of(node) == row.address]
    assert len(found) == max(1, len(row.choices)) + row.auto
    pressed = []
    for node in found:
        (partial,) = node.findall("messages/osc/arguments/partial")
        kind, text = partial.findtext("type"), partial.findtext("value") or ""
        if kind == "CONSTANT":
            assert (node.get("type"), partial.findtext("conversion")) == ("BUTTON", "STRING")
            assert server.handle_packet(encode(row.address, text)) == []
            pressed.append(text)
            continue
        assert partial.findtext("conversion") == {"f": "FLOAT", "i": "INTEGER", "s": "STRING"}[row.type]
        if row.low is not None:
            assert node.get("type") == "FADER"
            for key, end in (("scaleMin", row.low), ("scaleMax", row.high)):
                assert float(partial.findtext(key) or "nan") == end
    assert pressed == [*row.choices] + ["auto"] * row.auto


@pytest.mark.parametrize("command", ENGINE_COMMANDS, ids=lambda row: row.address)
def test_buttons_press_and_fields_carry_one_argument(command: Any) -> None:
    (node,) = (node for node in nodes() if address_of(node) == command.address)
    (widget,) = (widget for widget in session() if widget["address"] == command.address)
    assert len(node.findall("messages/osc/arguments/partial")) == len(command.types)
    if command.types and command.bare is None:
        assert (node.get("type"), widget["type"]) == ("TEXT", "input")
    else:
        assert (node.get("type"), widget["type"]) == ("BUTTON", "button")
        engine = FakeEngine()
        engine.server().handle_packet(encode(command.address, widget["on"]))
        assert engine.commands == [(command.address, () if command.bare is None else (command.bare,))]


def test_every_control_of_touchosc_lies_on_the_page_and_on_no_other() -> None:
    root = fromstring(touchosc_xml())[0]

    def frame(node: Element) -> tuple[int, int, int, int]:
        (box,) = [
            entry.find("value") for entry in node.findall("properties/property") if entry.findtext("key") == "frame"
        ]
        assert box is not None
        x, y, w, h = (int(box.findtext(key) or -1) for key in "xywh")
        return x, y, x + w, y + h

    page, boxes = frame(root), [frame(node) for node in root.findall("children/node")]
    assert all(page[0] <= x0 < x1 <= page[2] and page[1] <= y0 < y1 <= page[3] for x0, y0, x1, y1 in boxes)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        assert all(x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0 for u0, v0, u1, v1 in boxes[:number])


@pytest.mark.parametrize("surface", ["open-stage-control", "touchosc"])
def test_the_command_writes_the_file_and_says_what_to_do(
    surface: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "surface"
    options = ["osc", "layout", surface, "-o", str(path), "--osc-port", "9555", "--feedback-port", "7777"]
    assert cli.main(options) == 0
    assert "Show values" in capsys.readouterr().out
    content = path.read_bytes()
    text = (zlib.decompress(content) if surface == "touchosc" else content).decode()
    assert "7777" in text
    assert surface == "touchosc" or "127.0.0.1:9555" in text


@pytest.mark.parametrize(
    "options", [["-o", "nowhere/x"], ["-o", "x", "--osc-port", "0"], ["-o", "x", "--feedback-port", "70000"]]
)
def test_what_cannot_be_written_is_refused_in_one_line(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["osc", "layout", "touchosc", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
