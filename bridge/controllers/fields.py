"""Checks single fields of the controller map's file; each refusal names the place and the legal range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridge.errors import CcMapError
from osc_protocol.table.parameters import nearest

__all__ = ["check_keys", "controller", "midi_channel", "show", "truth", "whole"]

_TAKEN: Final = {6: "data entry", 38: "data entry", 64: "the sustain pedal"} | dict.fromkeys(range(96, 102), "NRPN")


def check_keys(entry: Mapping[Any, object], known: Iterable[str], where: str) -> None:
    """Raises CcMapError for an unknown key, naming the nearest known one."""
    for key in entry:
        if key not in tuple(known):
            raise CcMapError(f"{where}: there is no key {show(key)}{nearest(str(key), known)}")


def controller(value: object, bits: int, where: str) -> int:
    """Reads a controller number that nothing else needs, 0..119; 0..31 if it is the MSB of 14 bits."""
    number = whole(value, 0, 119 if bits == 7 else 31, where)
    for used in (number,) if bits == 7 else (number, number + 32):
        if used in _TAKEN:
            raise CcMapError(f"{where.rpartition(':')[0]}: controller {used} is {_TAKEN[used]}: choose another one")
    return number


def midi_channel(value: object, where: str) -> int | None:
    """Reads a channel: 1..16 as 0..15, `all` as None."""
    return None if value == "all" else whole(value, 1, 16, f"{where}: channel") - 1


def whole(value: object, low: int, high: int, where: str) -> int:
    """Reads an int in the range, which True is not."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CcMapError(f"{where} takes {low}..{high}, not {show(value)}")
    return value


def truth(value: object, where: str) -> bool:
    """Reads true or false."""
    if not isinstance(value, bool):
        raise CcMapError(f"{where} is true or false, not {show(value)}")
    return value


def show(value: object) -> str:
    """Shows the value in at most 60 characters."""
    if isinstance(value, int) and abs(value) > 2**63:
        return "a huge number"  # repr() refuses ints of thousands of digits
    return repr(value)[:60]
