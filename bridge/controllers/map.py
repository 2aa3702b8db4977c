"""The controller map: the table's default numbers, and the user's YAML file that overrides them.

channel: all               # or 1..16: where the controllers of the In port are heard
pick_up: false             # true: a knob that stands elsewhere acts once it has passed the value in force
controls:
  temperature: 74                                  # a controller number
  top_p: {cc: 16, bits: 14}                        # MSB on 16, LSB on 48
  density: {nrpn: 1025}                            # 14 bits through 99, 98, 6, 38; bits: 7 leaves 38 out
  swing: {cc: 80, relative: twos_complement}       # an endless encoder; or sign_magnitude, binary_offset
  polyphony: {cc: 27, channel: 3, pick_up: true}
  min_p: off                                       # no controller
buttons:                                           # bridge/controllers/buttons.py says what they can do
  play: {note: 36, channel: 10}
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import yaml

from bridge.controllers.buttons import Button, button_packet
from bridge.controllers.fields import check_keys, controller, midi_channel, show, truth, whole
from bridge.errors import CcMapError
from engine.model.config_file import YAML_ERRORS
from engine.user_folders import user_place
from osc_protocol.table.parameters import BY_NAME, COMMANDS, PARAMETERS, nearest
from osc_protocol.table.twins import has_position

__all__ = ["CcMap", "Control", "Relative", "load_cc_map", "parse_cc_map", "read_user_file", "user_cc_map"]

Relative: TypeAlias = Literal["twos_complement", "sign_magnitude", "binary_offset"]
RELATIVE: Final[tuple[Relative, ...]] = get_args(Relative)
MAX_FILE: Final = 65536  # bytes

_TOP_KEYS: Final = ("channel", "pick_up", "controls", "buttons")
_CONTROL_KEYS: Final = ("cc", "nrpn", "bits", "relative", "channel", "pick_up")
_BUTTON_KEYS: Final = ("cc", "note", "channel")


@dataclass(frozen=True)
class Control:
    """One controller. number: of the controller, of the MSB of a 14-bit pair (0..31), or of the NRPN (0..16383)."""

    name: str  # of the parameter
    number: int
    nrpn: bool = False
    bits: int = 7
    relative: Relative | None = None
    channel: int | None = None  # 0..15; None: the map's own
    pick_up: bool = False
    is_default: bool = False  # from the table, not from the user

    @property
    def top(self) -> int:
        """The highest position."""
        return (1 << self.bits) - 1

    @property
    def numbers(self) -> frozenset[int]:
        """The controller numbers that it alone uses; none for an NRPN."""
        if self.nrpn:
            return frozenset()
        return frozenset({self.number, self.number + 32} if self.bits == 14 else {self.number})


@dataclass(frozen=True)
class CcMap:
    """Controls by parameter and buttons by what they do, one each at most. channel: 0..15; None hears all."""

    controls: tuple[Control, ...]
    channel: int | None = None
    buttons: tuple[Button, ...] = ()
    path: Path | None = field(default=None, compare=False)  # of the file that it was read from, or will be once it is


class _TwiceError(Exception):
    """A key that stands twice in one mapping, and on which line."""


class _Loader(yaml.SafeLoader):
    """YAML as ever, but that no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise _TwiceError(f"line {key.start_mark.line + 1}: {show(key.value)} stands twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def user_cc_map() -> Path:
    """Returns the path of the user's file, or the one in SIDEMAN_CC_MAP. It need not exist yet."""
    return user_place("SIDEMAN_CC_MAP", "controllers.yaml", "config")


def load_cc_map(path: Path | None = None) -> CcMap:
    """Loads the map of a file; None: the user's own, or the table's defaults if there is none. CcMapError."""
    if path is None and not user_cc_map().exists():
        return replace(parse_cc_map({}), path=user_cc_map())
    path = path or user_cc_map()
    return replace(parse_cc_map(read_user_file(path), str(path)), path=path)


def read_user_file(path: Path) -> dict[str, object]:
    """Reads a file's YAML, an empty file as no entries. CcMapError if it is no mapping, or unreadable."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise CcMapError(f"{path} has more than {MAX_FILE} bytes: is it a controller map?")
        content = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # a SafeLoader
    except OSError as error:
        raise CcMapError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CcMapError(f"{path} is not UTF-8 text: save it as such") from error
    except _TwiceError as twice:
        raise CcMapError(f"{path}, {twice}: YAML would lose the first: make one of both") from twice
    except YAML_ERRORS as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise CcMapError(f"{path}{where}: no YAML: {getattr(error, 'problem', None) or 'not readable'}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CcMapError(f"{path}: the file holds `controls:` and entries under it, not {type(content).__name__}")
    return content


def parse_cc_map(content: Mapping[str, object], where: str = "the controller map") -> CcMap:
    """Makes the map of a file's content, with the table's defaults filled in. CcMapError names the entry."""
    check_keys(content, _TOP_KEYS, where)
    channel = midi_channel(content.get("channel", "all"), where)
    pick_up = truth(content.get("pick_up", False), f"{where}: pick_up")
    entries = content.get("controls") or {}
    if not isinstance(entries, dict):
        raise CcMapError(f"{where}: controls: holds `parameter: number` entries, not {show(entries)}")
    chosen: dict[str, Control] = {}
    for name, entry in entries.items():
        row = BY_NAME.get(str(name))
        if row is None:
            raise CcMapError(f"{where}: there is no parameter {show(name)}{nearest(str(name), BY_NAME)}")
        if not has_position(row):
            raise CcMapError(f"{where}: {name} takes text, which no controller stands for: remove the entry")
        if entry is False or entry == "off":
            continue
        control = _control(row.name, entry, pick_up, f"{where}: {name}")
        _check_free(control, chosen.values(), channel, where)
        chosen[row.name] = control
    pressed = content.get("buttons") or {}
    if not isinstance(pressed, dict):
        raise CcMapError(f"{where}: buttons: holds `what it does: number` entries, not {show(pressed)}")
    buttons: list[Button] = []
    for name, entry in pressed.items():
        if entry is False or entry == "off":
            button_packet(str(name), where)
            continue
        button = _button(str(name), entry, f"{where}: {name}")
        _check_free(button, [*chosen.values(), *buttons], channel, where)
        buttons.append(button)
    taken: list[Control | Button] = [*chosen.values(), *buttons]
    heard = (item for item in taken if item.channel is None or channel in (None, item.channel))  # where defaults are
    used = frozenset[int]().union(*(item.numbers for item in heard))
    for row in PARAMETERS:
        if row.cc is not None and row.name not in entries and row.cc not in used:
            chosen[row.name] = Control(row.name, row.cc, pick_up=pick_up, is_default=True)
    for command in COMMANDS:
        if command.cc is not None and command.name not in pressed and command.cc not in used:
            buttons.append(Button(command.name, command.cc, is_default=True))
    return CcMap(tuple(chosen[row.name] for row in PARAMETERS if row.name in chosen), channel, tuple(buttons))


def _either(entry: object, other: str, keys: Iterable[str], where: str) -> dict[str, Any]:
    """Returns an entry as its keys: a bare number is a controller's, else it has either `cc` or the other one."""
    if isinstance(entry, int) and not isinstance(entry, bool):
        entry = {"cc": entry}
    if not isinstance(entry, dict):
        raise CcMapError(
            f"{where}: give a controller number 0..119, `off`, {{cc: N}} or {{{other}: N}}, not {show(entry)}"
        )
    check_keys(entry, keys, where)
    if ("cc" in entry) == (other in entry):
        raise CcMapError(f"{where}: give either cc or {other}")
    return entry


def _button(name: str, entry: object, where: str) -> Button:
    button_packet(name, where)
    row = _either(entry, "note", _BUTTON_KEYS, where)
    channel = midi_channel(row["channel"], where) if "channel" in row else None
    if "note" in row:
        return Button(name, whole(row["note"], 0, 127, f"{where}: note"), True, channel)
    return Button(name, controller(row["cc"], 7, f"{where}: cc"), channel=channel)


def _control(name: str, entry: object, pick_up: bool, where: str) -> Control:
    row = _either(entry, "nrpn", _CONTROL_KEYS, where)
    nrpn, relative = "nrpn" in row, row.get("relative")
    bits = whole(row.get("bits", 14 if nrpn else 7), 7, 14, f"{where}: bits")
    if bits not in (7, 14):
        raise CcMapError(f"{where}: bits is 7 or 14, not {bits}")
    if relative is not None and relative not in RELATIVE:
        raise CcMapError(f"{where}: relative is {', '.join(RELATIVE[:-1])} or {RELATIVE[-1]}, not {show(relative)}")
    if relative is not None and (nrpn or bits != 7):
        raise CcMapError(f"{where}: a relative encoder is a controller of 7 bits: leave nrpn and bits out")
    if nrpn:
        number = whole(row["nrpn"], 0, 16382, f"{where}: nrpn")  # 16383 selects none
    else:
        number = controller(row["cc"], bits, f"{where}: cc")
    channel = midi_channel(row["channel"], where) if "channel" in row else None
    own_pick_up = truth(row.get("pick_up", pick_up), f"{where}: pick_up")
    return Control(name, number, nrpn, bits, cast("Relative | None", relative), channel, own_pick_up)


def _check_free(wanted: Control | Button, others: Iterable[Control | Button], channel: int | None, where: str) -> None:
    """CcMapError: one of the others hears the same controller. channel: of the map, for those without their own."""
    for other in others:
        same = wanted.number == other.number and (_kind(wanted) == _kind(other) != "cc")
        both = same or wanted.numbers & other.numbers
        ours, theirs = (channel if item.channel is None else item.channel for item in (wanted, other))
        if both and (ours is None or theirs is None or ours == theirs):
            raise CcMapError(f"{where}: {other.name} and {wanted.name} share a controller: give each its own")


def _kind(item: Control | Button) -> str:
    if isinstance(item, Button):
        return "note" if item.is_note else "cc"
    return "nrpn" if item.nrpn else "cc"
