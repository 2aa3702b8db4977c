"""The parameter table as OSCQuery describes an address space (https://github.com/Vidvox/OSCQueryProposal)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from osc_protocol.table.parameters import (
    BY_NAME,
    COMMANDS,
    CONTROL_NAMES,
    PARAMETERS,
    Command,
    Parameter,
    Value,
    in_type,
    to_cc,
)
from osc_protocol.table.twins import MIDI, NORM, has_position, to_norm
from osc_protocol.wire.replies import ASKED

__all__ = ["ATTRIBUTES", "ENGINE_COMMANDS", "PATHS_OF", "describe", "host_info", "value_at"]

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
    ASKED: "What applies now of parameters that can be left to the sideman; auto where nothing is asked.",
    "/sideman/transport": "Tempo and position.",
}


def host_info(host: str, osc_port: int) -> dict[str, Any]:
    """The answer to `?HOST_INFO`. Bound to all addresses, OSC is where HTTP was found: no OSC_IP says so."""
    served = dict.fromkeys(
        ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "CLIPMODE", "UNIT", "LISTEN", "OSC_STREAMING"), True
    )
    missing = dict.fromkeys(("TAGS", "CRITICAL", "PATH_CHANGED", "HTML", "ECHO"), False)
    where = {} if host == "0.0.0.0" else {"OSC_IP": host}
    return {"NAME": "Sideman", **where, "OSC_PORT": osc_port, "OSC_TRANSPORT": "UDP", "EXTENSIONS": served | missing}


def describe(path: str, get_value: Callable[[str], Value], get_asked: Callable[[str], Value]) -> dict[str, Any] | None:
    """The node of a path with all nodes under it, values as they are now; None where there is none.

    path: its empty parts do not count, `/` and the empty path are the root.
    """
    node = _NODES.get("/" + "/".join(part for part in path.split("/") if part))
    return None if node is None else _with_values(node, get_value, get_asked)


def value_at(path: str, get_value: Callable[[str], Value], get_asked: Callable[[str], Value]) -> Value:
    """The value of a row's own address, of a twin's or of what is asked, in its TYPE. KeyError for any other path."""
    row, prefix = _VALUES[path]
    if prefix == ASKED:
        return in_type(row, get_asked(row.name))
    value = get_value(row.name)
    if prefix is None:
        return in_type(row, value)
    return to_norm(row, value) if prefix == NORM else to_cc(row, value)


def _with_values(
    node: dict[str, Any], get_value: Callable[[str], Value], get_asked: Callable[[str], Value]
) -> dict[str, Any]:
    told = dict(node)
    if "VALUE" in node:
        told["VALUE"] = [value_at(node["FULL_PATH"], get_value, get_asked)]
    if "CONTENTS" in node:
        told["CONTENTS"] = {name: _with_values(child, get_value, get_asked) for name, child in node["CONTENTS"].items()}
    return told


def _container(path: str) -> dict[str, Any]:
    description = {"DESCRIPTION": _CONTAINERS[path]} if path in _CONTAINERS else {}
    return {"FULL_PATH": path, "ACCESS": NOTHING, **description, "CONTENTS": {}}


def _parameter(row: Parameter) -> dict[str, Any]:
    node: dict[str, Any] = {
        "TYPE": row.type, "ACCESS": READ | WRITE, "VALUE": [in_type(row, row.default)], "DESCRIPTION": row.help,
    }  # fmt: skip
    if row.choices:
        node["RANGE"] = [{"VALS": list(row.choices)}]
    elif row.low is not None:  # a host sends numbers of the TYPE alone: below 0 lies AUTO
        node |= {"RANGE": [{"MIN": -1.0 if row.auto else row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    if row.auto:
        node["DESCRIPTION"] += " Below 0: auto."
    return node | ({"UNIT": [row.unit]} if row.unit else {})


def _twin(row: Parameter, prefix: str) -> dict[str, Any]:
    tag, low, high = ("f", -1.0 if row.auto else 0.0, 1.0) if prefix == NORM else ("i", 0, 127)
    auto = "" if not row.auto else " Below 0: auto." if prefix == NORM else " 0: auto."
    return {
        "TYPE": tag, "ACCESS": READ | WRITE, "VALUE": [low], "DESCRIPTION": row.help + auto,
        "RANGE": [{"MIN": low, "MAX": high}], "CLIPMODE": ["both"],
    }  # fmt: skip


def _asked(row: Parameter) -> dict[str, Any]:
    return _parameter(row) | {"ACCESS": READ, "DESCRIPTION": f"What applies of {row.name} now."}


def _command(row: Command) -> dict[str, Any]:
    node: dict[str, Any] = {"TYPE": row.types or "I", "ACCESS": WRITE, "DESCRIPTION": row.help}
    if row.low is not None:
        node |= {"RANGE": [{"MIN": row.low, "MAX": row.high}], "CLIPMODE": ["both"]}
    if row.choices:
        node |= {"RANGE": [{"VALS": list(row.choices)}]}
    return node


def _tree() -> dict[str, Any]:
    root = _container("/")
    for row in PARAMETERS:
        _put(root, row.address, _parameter(row))
        if has_position(row):
            _put(root, NORM + row.name, _twin(row, NORM))
            _put(root, MIDI + row.name, _twin(row, MIDI))
    for name in CONTROL_NAMES:
        _put(root, f"{ASKED}/{name}", _asked(BY_NAME[name]))
    for command in ENGINE_COMMANDS:
        _put(root, command.address, _command(command))
    return root


def _put(root: dict[str, Any], address: str, leaf: dict[str, Any]) -> None:
    """Hangs a node in the tree; one may have a value and nodes under it, as /sideman/style has."""
    node, path = root, ""
    for part in address.strip("/").split("/"):
        path += "/" + part
        node = node.setdefault("CONTENTS", {}).setdefault(part, _container(path))
    if not node["CONTENTS"]:
        del node["CONTENTS"]
    node.update(leaf)


def _flat(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    children = node.get("CONTENTS", {}).values()
    return {node["FULL_PATH"]: node} | {path: leaf for child in children for path, leaf in _flat(child).items()}


_NODES: Final = _flat(_tree())
_SET: Final = {row.address: (row, None) for row in PARAMETERS} | {
    prefix + row.name: (row, prefix) for row in PARAMETERS if has_position(row) for prefix in (NORM, MIDI)
}
_VALUES: Final = _SET | {f"{ASKED}/{name}": (BY_NAME[name], ASKED) for name in CONTROL_NAMES}
PATHS_OF: Final = {row.name: tuple(path for path, (other, _) in _SET.items() if other is row) for row in PARAMETERS}
"""Every path that tells a row's value, by its name."""
