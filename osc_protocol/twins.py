"""Two more addresses of every row that has an order: `/sideman/norm/NAME` 0..1 and `/sideman/midi/NAME` 0..127.

Many controllers know no other ranges. Both are linear between the row's limits, both ends exact; a row of choices is
cut into equal parts. A row that can be left to the sideman has AUTO at the lowest position, 0 of 127, and its numbers
from 1 of 127 on. Rows of free text have no twin.
"""

from __future__ import annotations

import math
from typing import Final

from osc_protocol.errors import ParameterError
from osc_protocol.parameters import AUTO, PARAMETERS, Parameter, Value, from_cc

__all__ = ["BY_TWIN", "MIDI", "NORM", "check_twin", "from_norm", "has_position", "to_norm"]

NORM: Final = "/sideman/norm/"
MIDI: Final = "/sideman/midi/"
_FIRST: Final = 1 / 127  # where the numbers of a row with AUTO begin
_DECIMALS: Final = 6  # finer than a 32-bit float tells apart in the widest row, coarse enough that 0.85 comes back


def has_position(row: Parameter) -> bool:
    """Whether a fader can stand for the row: it has limits or choices."""
    return row.low is not None or bool(row.choices)


BY_TWIN: Final = {prefix + row.name: row for prefix in (NORM, MIDI) for row in PARAMETERS if has_position(row)}


def from_norm(row: Parameter, position: float) -> Value:
    """The value at 0..1 of the row's range. ParameterError for rows of free text."""
    if row.choices:
        return row.choices[min(math.floor(position * len(row.choices)), len(row.choices) - 1)]
    low, high = _limits(row)
    if row.auto:
        if position < _FIRST / 2:
            return AUTO
        position = max(0.0, (position - _FIRST) / (1 - _FIRST))
    value = low + (high - low) * position
    return math.floor(value + 0.5) if row.type == "i" else round(value, _DECIMALS)


def to_norm(row: Parameter, value: Value) -> float:
    """Where a legal value lies in the row's range, 0..1. ParameterError for rows of free text."""
    if row.choices:
        return row.choices.index(str(value)) / (len(row.choices) - 1)
    if value == AUTO:
        return 0.0
    low, high = _limits(row)
    share = min(1.0, max(0.0, (float(value) - low) / (high - low)))
    return _FIRST + (1 - _FIRST) * share if row.auto else share


def check_twin(address: str, arguments: tuple[object, ...]) -> tuple[str, Value]:
    """A message to a twin -> the row's name and the value meant. T and F stand for the two ends.

    ParameterError for anything but one number of the twin's range. address: a key of BY_TWIN.
    """
    row = BY_TWIN[address]
    top = 1 if address.startswith(NORM) else 127
    if len(arguments) != 1:
        raise ParameterError(f"{address} takes one number 0..{top}, not {len(arguments)}")
    position = arguments[0]
    if isinstance(position, bool):
        position = top if position else 0
    if not isinstance(position, int | float) or not 0 <= position <= top:  # NaN compares false
        shown = repr(position)
        raise ParameterError(f"{address} takes one number 0..{top}, not {shown if len(shown) < 60 else 'that'}")
    if top == 1 or position != int(position):
        return row.name, from_norm(row, position / top)
    return row.name, from_cc(row, int(position))  # as the same knob on the CC road rounds it


def _limits(row: Parameter) -> tuple[float, float]:
    if row.low is None or row.high is None:
        raise ParameterError(f"{row.name} takes text: no position of a controller stands for it")
    return row.low, row.high
