"""The parameter table as OSCQuery describes an address space (https://github.com/Vidvox/OSCQueryProposal)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from osc_protocol.parameters import COMMANDS, PARAMETERS, Command, Parameter, Value
from osc_protocol.twins import MIDI, NORM, has_position, to_norm

__all__ = ["ATTRIBUTES", "ENGINE_COMMANDS", "host_info", "tree"]

NOTHING, READ, WRITE = 0, 1, 2  # bits of ACCESS
ATTRIBUTES: Final = ("ACCESS", "CLIPMODE", "CONTENTS", "DESCRIPTION", "FULL_PATH", "RANGE", "TYPE", "UNIT", "VALUE")
_ANSWERED: Final = (
    "/sideman/get",
    "/sideman/ping",
    "/sideman/subscribe",
    "/sideman/feedback",
)  # make no sense on a panel
ENGINE_COMMANDS: Final = tuple(row for row in COMMANDS if row.address not in _ANSWERED)
"""Commands that a surface can offer as buttons and fields."""

_CONTAINERS: Final = {
    "/": "All that Sideman can be told.",
    "/sideman": "The sideman.",
    "/sideman/param": "Parameters in their own ranges.",
    "/sideman/norm": "The same parameters, 0..1.",
    "/sideman/midi": "The same parameters, 0..127.",
    "/sideman/transport": "Tempo and position.",
}


def host_info(name: str, host: str, osc_port: int) -> dict[str, Any]:
    """The answer to `?HOST_INFO`. Bound to all addresses, OSC is where HTTP was found: no OSC_IP says so."""
    served = dict.fromkeys(("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "CLIPMODE", "UNIT"), True)
    missing = dict.fromkeys(("TAGS", "CRITICAL", "LISTEN", "PATH_CHANGED", "OSC_STREAMING", "HTML", "ECHO"), False)
    where = {} if host == "0.0.0.0" else {"OSC_IP": host}
    return {"NAME": name, **where, "OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP", "EXTENSIONS": served | missing}


def tree(get_value: Callable[[str], Value]) -> dict[str, Any]:
    """The root node with all nodes under it, values as they are now."""
    root = _container("/")
    for row in PARAMETERS:
        value = get_value(row.name)
        _put(root, row.address, _parameter(row, value))
        if has_position(row):
            norm = to_norm(row, value)
            _put(root, NORM + row.name, _twin(row, "f", 1.0, norm))
            _put(root, MIDI + row.name, _twin(row, "i", 127, int(norm * 127 + 0.5)))
    for command in ENGINE_COMMANDS:
        _put(root, command.address, _command(command))
    return root


def _container(path: str) -> dict[str, Any]:
    description = {"DESCRIPTION": _CONTAINERS[path]} if path in _CONTAINERS else {}
    return {"FULL_PATH": path, "ACCESS": NOTHING, **description, "CONTENTS": {}}


def _parameter(row: Parameter, value: Value) -> dict[str, Any]:
    node: dict[str, Any] = {"TYPE": row.type, "ACCESS": READ | WRITE, "VALUE": [value], "DESCRIPTION": row.help}
    if row.choices:
        node["RANGE"] = [{"VALS": list(row.choices)}]
    elif row.low is not None:
        node |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    return node | ({"UNIT": [row.unit]} if row.unit else {})


def _twin(row: Parameter, tag: str, top: float, value: float) -> dict[str, Any]:
    return {
        "TYPE": tag, "ACCESS": READ | WRITE, "VALUE": [value], "DESCRIPTION": row.help,
        "RANGE": [{"MIN": 0 * top, "MAX": top}], "CLIPMODE": ["both"],
    }  # fmt: skip


def _command(row: Command) -> dict[str, Any]:
    node: dict[str, Any] = {"TYPE": row.types or "I", "ACCESS": WRITE, "DESCRIPTION": row.help}
    if row.low is not None:
        node |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    return node


def _put(root: dict[str, Any], address: str, leaf: dict[str, Any]) -> None:
    """Hangs a node in the tree; one may have a value and nodes under it, as /sideman/style has."""
    node, path = root, ""
    for part in address.strip("/").split("/"):
        path += "/" + part
        node = node.setdefault("CONTENTS", {}).setdefault(part, _container(path))
    if not node["CONTENTS"]:
        del node["CONTENTS"]
    node.update(leaf)
