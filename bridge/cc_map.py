"""Which controller turns which parameter: the table's default numbers, and the user's YAML file over them.

channel: all               # or 1..16: where the controllers of the In port are heard
pick_up: false             # true: a knob that stands elsewhere acts once it has passed the value in force
controls:
  temperature: 74                                  # a controller number
  top_p: {cc: 16, bits: 14}                        # MSB on 16, LSB on 48
  density: {nrpn: 1025}                            # 14 bits through 99, 98, 6, 38; bits: 7 leaves 38 out
  swing: {cc: 80, relative: twos_complement}       # an endless encoder; or sign_magnitude, binary_offset
  polyphony: {cc: 27, channel: 3, pick_up: true}
  min_p: off                                       # no controller
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast, get_args

import yaml

from bridge.errors import CcMapError
from engine.user_folders import user_place
from osc_protocol.parameters import BY_NAME, PARAMETERS, nearest
from osc_protocol.twins import has_position

__all__ = ["CcMap", "Control", "Relative", "load_cc_map", "parse_cc_map", "read_user_file", "user_cc_map"]

Relative: TypeAlias = Literal["twos_complement", "sign_magnitude", "binary_offset"]
RELATIVE: Final[tuple[Relative, ...]] = get_args(Relative)
MAX_FILE: Final = 65536  # bytes

_TAKEN: Final = {6: "data entry", 38: "data entry", 64: "the sustain pedal"} | dict.fromkeys(range(96, 102), "NRPN")
_TOP_KEYS: Final = ("channel", "pick_up", "controls")
_CONTROL_KEYS: Final = ("cc", "nrpn", "bits", "relative", "channel", "pick_up")


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
    """Controls by parameter, one each at most. channel: 0..15; None hears all."""

    controls: tuple[Control, ...]
    channel: int | None = None


def user_cc_map() -> Path:
    """The user's own file; SIDEMAN_CC_MAP names another. It need not exist yet."""
    return user_place("SIDEMAN_CC_MAP", "controllers.yaml", "config")


def load_cc_map(path: Path | None = None) -> CcMap:
    """The map of a file; None: the user's own, or the table's defaults if there is none. CcMapError."""
    if path is None and not user_cc_map().exists():
        return parse_cc_map({})
    path = path or user_cc_map()
    return parse_cc_map(read_user_file(path), str(path))


def read_user_file(path: Path) -> dict[str, object]:
    """The YAML of a file as it stands, an empty file as no entries. CcMapError if it is no mapping, or unreadable."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise CcMapError(f"{path} has more than {MAX_FILE} bytes: is it a controller map?")
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CcMapError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CcMapError(f"{path} is not UTF-8 text: save it as such") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date that is none
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark is not None else ""
        raise CcMapError(f"{path}{where}: no YAML: {getattr(error, 'problem', None) or 'not readable'}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise CcMapError(f"{path}: the file holds `controls:` and entries under it, not {type(content).__name__}")
    return content


def parse_cc_map(content: Mapping[str, object], where: str = "the controller map") -> CcMap:
    """The map that a file's content means, the table's defaults filled in. CcMapError names the entry."""
    for key in content:
        if key not in _TOP_KEYS:
            raise CcMapError(f"{where}: there is no key {key!r}{nearest(str(key), _TOP_KEYS)}")
    channel = _channel(content.get("channel", "all"), where)
    pick_up = _flag(content.get("pick_up", False), f"{where}: pick_up")
    entries = content.get("controls") or {}
    if not isinstance(entries, dict):
        raise CcMapError(f"{where}: controls: holds `parameter: number` entries, not {_show(entries)}")
    chosen: dict[str, Control] = {}
    for name, entry in entries.items():
        row = BY_NAME.get(str(name))
        if row is None:
            raise CcMapError(f"{where}: there is no parameter {_show(name)}{nearest(str(name), BY_NAME)}")
        if not has_position(row):
            raise CcMapError(f"{where}: {name} takes text, which no controller stands for: remove the entry")
        if entry is False or entry == "off":
            continue
        control = _control(row.name, entry, pick_up, f"{where}: {name}")
        _check_free(control, chosen.values(), where)
        chosen[row.name] = control
    used = frozenset[int]().union(*(control.numbers for control in chosen.values()))
    for row in PARAMETERS:
        if row.cc is not None and row.name not in entries and row.cc not in used:
            chosen[row.name] = Control(row.name, row.cc, pick_up=pick_up, is_default=True)
    return CcMap(tuple(chosen[row.name] for row in PARAMETERS if row.name in chosen), channel)


def _control(name: str, entry: object, pick_up: bool, where: str) -> Control:
    if isinstance(entry, int) and not isinstance(entry, bool):
        entry = {"cc": entry}
    if not isinstance(entry, dict):
        raise CcMapError(f"{where}: give a controller number 0..119, `off`, or {{cc: N}}, not {_show(entry)}")
    for key in entry:
        if key not in _CONTROL_KEYS:
            raise CcMapError(f"{where}: there is no key {_show(key)}{nearest(str(key), _CONTROL_KEYS)}")
    if ("cc" in entry) == ("nrpn" in entry):
        raise CcMapError(f"{where}: give either cc or nrpn")
    nrpn, relative = "nrpn" in entry, entry.get("relative")
    bits = _whole(entry.get("bits", 14 if nrpn else 7), 7, 14, f"{where}: bits")
    if bits not in (7, 14):
        raise CcMapError(f"{where}: bits is 7 or 14, not {bits}")
    if relative is not None and relative not in RELATIVE:
        raise CcMapError(f"{where}: relative is {', '.join(RELATIVE[:-1])} or {RELATIVE[-1]}, not {_show(relative)}")
    if relative is not None and (nrpn or bits != 7):
        raise CcMapError(f"{where}: a relative encoder is a controller of 7 bits: leave nrpn and bits out")
    if nrpn:
        number = _whole(entry["nrpn"], 0, 16382, f"{where}: nrpn")  # 16383 selects none
    else:
        number = _whole(entry["cc"], 0, 119 if bits == 7 else 31, f"{where}: cc")
        for used in Control(name, number, bits=bits).numbers:
            if used in _TAKEN:
                raise CcMapError(f"{where}: controller {used} is {_TAKEN[used]}: choose another one")
    channel = _channel(entry["channel"], where) if "channel" in entry else None
    own_pick_up = _flag(entry.get("pick_up", pick_up), f"{where}: pick_up")
    return Control(name, number, nrpn, bits, cast("Relative | None", relative), channel, own_pick_up)


def _check_free(control: Control, others: object, where: str) -> None:
    for other in cast("tuple[Control, ...]", others):
        same = control.nrpn and other.nrpn and control.number == other.number
        both = same or control.numbers & other.numbers
        if both and (control.channel is None or other.channel is None or control.channel == other.channel):
            raise CcMapError(f"{where}: {other.name} and {control.name} share a controller: give each its own")


def _channel(value: object, where: str) -> int | None:
    return None if value == "all" else _whole(value, 1, 16, f"{where}: channel") - 1


def _whole(value: object, low: int, high: int, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CcMapError(f"{where} takes {low}..{high}, not {_show(value)}")
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise CcMapError(f"{where} is true or false, not {_show(value)}")
    return value


def _show(value: object) -> str:
    if isinstance(value, int) and abs(value) > 2**63:
        return "a huge number"
    return repr(value)[:60]
