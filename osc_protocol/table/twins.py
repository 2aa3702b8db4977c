"""Two more addresses of every row that has an order: `/sideman/norm/NAME` 0..1 and `/sideman/midi/NAME` 0..127.

Many controllers know no other ranges. Both are linear between the row's limits, both ends exact; a row of choices is
cut into equal parts. Of a number that can be AUTO, that is below 0 on the first, and 0 on the second, where the
numbers begin at 1. Rows of free text have no twin.
"""

from __future__ import annotations

import math
from typing import Final

from osc_protocol.errors import ParameterError
from osc_protocol.table.parameters import AUTO, PARAMETERS, Parameter, Value, from_cc

__all__ = [
    "BY_TWIN",
    "MIDI",
    "NORM",
    "check_twin",
    "from_norm",
    "from_position",
    "has_position",
    "to_norm",
    "to_position",
]

NORM: Final = "/sideman/norm/"
MIDI: Final = "/sideman/midi/"
_FIRST: Final = 1 / 127  # of a controller's way: there the numbers of a row with AUTO begin
_DECIMALS: Final = 6  # finer than a 32-bit float tells apart in the widest row, coarse enough that 0.85 comes back


def has_position(row: Parameter) -> bool:
    """Whether a fader can stand for the row: it has limits or choices."""
    return row.low is not None or bool(row.choices)


BY_TWIN: Final = {prefix + row.name: row for prefix in (NORM, MIDI) for row in PARAMETERS if has_position(row)}


def from_norm(row: Parameter, norm: float) -> Value:
    """The value at 0..1 of the row's range; below 0 AUTO where the row has it. ParameterError for rows of free text."""
    if row.choices:
        return row.choices[min(math.floor(norm * len(row.choices)), len(row.choices) - 1)]
    if row.auto and norm < 0:
        return AUTO
    low, high = _limits(row)
    value = low + (high - low) * norm
    return math.floor(value + 0.5) if row.type == "i" else round(value, _DECIMALS)


def to_norm(row: Parameter, value: Value) -> float:
    """Where a legal value lies in the row's range, 0..1; -1 for AUTO. ParameterError for rows of free text."""
    if row.choices:
        return row.choices.index(str(value)) / (len(row.choices) - 1)
    if value == AUTO:
        return -1.0
    low, high = _limits(row)
    return min(1.0, max(0.0, (float(value) - low) / (high - low)))


def from_position(row: Parameter, position: float) -> Value:
    """The value at 0..1 of a controller's way, on which AUTO has a place too. ParameterError for rows of free text."""
    if not row.auto:
        return from_norm(row, position)
    if position < _FIRST / 2:
        return AUTO
    return from_norm(row, max(0.0, (position - _FIRST) / (1 - _FIRST)))


def to_position(row: Parameter, value: Value) -> float:
    """Where a legal value lies on a controller's way, 0..1. ParameterError for rows of free text."""
    if row.auto:
        return 0.0 if value == AUTO else _FIRST + (1 - _FIRST) * to_norm(row, value)
    return to_norm(row, value)


def check_twin(address: str, arguments: tuple[object, ...]) -> tuple[str, Value]:
    """A message to a twin -> the row's name and the value meant. T and F stand for the two ends.

    ParameterError for anything but one number of the twin's range. address: a key of BY_TWIN.
    """
    row = BY_TWIN[address]
    is_norm = address.startswith(NORM)
    top = 1 if is_norm else 127
    legal = f"one number 0..{top}" + (f", or -1 for {AUTO}" if row.auto and is_norm else "")
    if len(arguments) != 1:
        raise ParameterError(f"{address} takes {legal}, not {len(arguments)}")
    position = arguments[0]
    if isinstance(position, bool):
        position = top if position else 0
    bottom = -1 if row.auto and is_norm else 0
    if not isinstance(position, int | float) or not bottom <= position <= top:  # NaN compares false
        shown = repr(position)
        raise ParameterError(f"{address} takes {legal}, not {shown if len(shown) < 60 else 'that'}")
    if is_norm:
        return row.name, from_norm(row, position)
    if position != int(position):
        return row.name, from_position(row, position / top)
    return row.name, from_cc(row, int(position))  # as the same knob on the CC road rounds it


def _limits(row: Parameter) -> tuple[float, float]:
    if row.low is None or row.high is None:
        raise ParameterError(f"{row.name} takes text: no position of a controller stands for it")
    return row.low, row.high
