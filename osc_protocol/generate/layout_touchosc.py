"""A TouchOSC layout made from the parameter table: zlib-compressed XML, as the app itself writes it.

TouchOSC publishes no specification. What is written here is what its editor's own files hold: nodes with properties,
values and messages; a message's address and arguments are lists of partials, a partial scales a control's 0..1.
"""

from __future__ import annotations

import uuid
import zlib
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from osc_protocol.oscquery.tree import ENGINE_COMMANDS
from osc_protocol.table.parameters import AUTO, PARAMETERS, Command, Parameter

__all__ = ["FEEDBACK_PORT", "touchosc", "touchosc_xml"]

FEEDBACK_PORT: Final = 9000  # TouchOSC's receive port, as its documentation has it
_IN_A_CELL: Final = 5  # controls; more take a whole line
_COLUMNS, _CELL_W, _CELL_H, _TITLE_H, _WORD_H, _GAP = 4, 300, 110, 30, 20, 10  # pixels
_CONVERSION: Final = {"f": "FLOAT", "i": "INTEGER", "s": "STRING"}


def touchosc(feedback_port: int = FEEDBACK_PORT) -> bytes:
    """The .tosc file's bytes. feedback_port: the app's receive port, in its connection settings."""
    return zlib.compress(touchosc_xml(feedback_port), 9)


def touchosc_xml(feedback_port: int = FEEDBACK_PORT) -> bytes:
    """The XML inside it."""
    cells: list[tuple[str, list[tuple[Element, str]]]] = [(row.name, _controls(row)) for row in PARAMETERS]
    cells += [(command.name, [(_command(command), "")]) for command in ENGINE_COMMANDS]
    cells.append(("show values", [(_button("/sideman/feedback", "INTEGER", str(feedback_port)), "")]))
    places = _places([len(controls) for _, controls in cells])
    document = Element("lexml", version="3")
    size = (0, 0, _COLUMNS * _CELL_W + _GAP, (places[-1][1] + 1) * _CELL_H + _GAP)
    children = SubElement(_place(_node(document, "GROUP", "sideman"), size), "children")
    for (name, controls), (column, row, columns) in zip(cells, places, strict=True):
        left, top = column * _CELL_W + _GAP, row * _CELL_H + _GAP
        width = columns * _CELL_W - _GAP
        label = _node(children, "LABEL", f"{name} title")
        _place(label, (left, top, width, _TITLE_H))
        _value(label, "text", name.replace("_", " ").capitalize())
        share = width // len(controls)
        for index, (control, word) in enumerate(controls):
            x, y, w, h = left + index * share, top + _TITLE_H, share - 2, _CELL_H - _TITLE_H - _GAP
            if word:  # under a button, which itself shows none
                h -= _WORD_H
                caption = _node(children, "LABEL", f"{name} {word} caption")
                _value(_place(caption, (x, y + h, w, _WORD_H)), "text", word)
            children.append(_place(control, (x, y, w, h)))
    return bytes(tostring(document, encoding="UTF-8", xml_declaration=True))


def _places(counts: list[int]) -> list[tuple[int, int, int]]:
    """(column, row, columns) of each cell, by how many controls it holds."""
    places: list[tuple[int, int, int]] = []
    column = row = 0
    for count in counts:
        columns = 1 if count <= _IN_A_CELL else _COLUMNS
        if column + columns > _COLUMNS:
            column, row = 0, row + 1
        places.append((column, row, columns))
        column += columns
    return places


def _controls(row: Parameter) -> list[tuple[Element, str]]:
    """A row's controls, each with the word under it."""
    if row.choices:
        return [(_button(row.address, "STRING", choice), choice) for choice in row.choices]
    if row.low is None or row.high is None:
        return [(_field(row.address, "s"), "")]
    fader = _node(None, "FADER", row.name)
    _property(fader, "i", "orientation", "1")  # from left to right
    at = row.low if row.default == AUTO else float(row.default)
    _value(fader, "x", f"{(at - row.low) / (row.high - row.low):.6g}")
    _message(fader, row.address, "x", "ANY", ("VALUE", _CONVERSION[row.type], "x", row.low, row.high), receive=True)
    return [(fader, ""), (_button(row.address, "STRING", AUTO), AUTO)] if row.auto else [(fader, "")]


def _command(row: Command) -> Element:
    """A field for its argument, or a button where it needs none."""
    if not row.types:
        return _button(row.address)
    if row.bare is None:
        return _field(row.address, row.types)
    return _button(row.address, "STRING" if row.types == "s" else "INTEGER", str(row.bare))


def _field(address: str, tag: str) -> Element:
    field = _node(None, "TEXT", address)
    _value(field, "text", "")
    _message(field, address, "text", "ANY", ("VALUE", _CONVERSION[tag], "text", 0, 1), receive=True)
    return field


def _button(address: str, conversion: str = "", constant: str = "") -> Element:
    """Momentary; acts when pressed, with one constant argument or none."""
    button = _node(None, "BUTTON", f"{address} {constant}".strip())
    _property(button, "i", "buttonType", "0")
    _value(button, "x", "0")
    _message(button, address, "x", "RISE", ("CONSTANT", conversion, constant, 0, 1) if conversion else None)
    return button


def _node(parent: Element | None, kind: str, name: str) -> Element:
    node = Element("node", type=kind) if parent is None else SubElement(parent, "node", type=kind)
    node.set("ID", str(uuid.uuid5(uuid.NAMESPACE_URL, f"sideman:{kind}:{name}")))  # the same at every export
    for part in ("properties", "values", "messages"):
        SubElement(node, part)
    _property(node, "s", "name", name)
    return node


def _place(node: Element, frame: tuple[int, int, int, int]) -> Element:
    _property(node, "r", "frame", "")
    value = node.findall("properties/property/value")[-1]
    for key, number in zip("xywh", frame, strict=True):
        SubElement(value, key).text = str(number)
    return node


def _property(node: Element, tag: str, key: str, text: str) -> None:
    entry = SubElement(node.findall("properties")[0], "property", type=tag)
    SubElement(entry, "key").text = key
    SubElement(entry, "value").text = text


def _value(node: Element, key: str, default: str) -> None:
    entry = SubElement(node.findall("values")[0], "value")
    fields = (("key", key), ("locked", "0"), ("lockedDefaultCurrent", "0"), ("default", default), ("defaultPull", "0"))
    for name, text in fields:
        SubElement(entry, name).text = text


def _message(
    node: Element,
    address: str,
    variable: str,
    condition: str,
    argument: tuple[str, str, str, float, float] | None,
    receive: bool = False,
) -> None:
    message = SubElement(node.findall("messages")[0], "osc")
    flags = (
        ("enabled", "1"),
        ("send", "1"),
        ("receive", str(int(receive))),
        ("feedback", "0"),
        ("connections", "00001"),
    )
    for name, text in flags:
        SubElement(message, name).text = text
    trigger = SubElement(SubElement(message, "triggers"), "trigger")
    SubElement(trigger, "var").text = variable
    SubElement(trigger, "condition").text = condition
    _partial(SubElement(message, "path"), "CONSTANT", "STRING", address, 0, 1)
    arguments = SubElement(message, "arguments")
    if argument is not None:
        _partial(arguments, *argument)


def _partial(parent: Element, kind: str, conversion: str, value: str, low: float, high: float) -> None:
    partial = SubElement(parent, "partial")
    fields = (("type", kind), ("conversion", conversion), ("value", value))
    for name, text in (*fields, ("scaleMin", f"{low:g}"), ("scaleMax", f"{high:g}")):
        SubElement(partial, name).text = text
