"""The rows of the parameter table as a plug-in's host knows them: numbers under numbers that never change.

The plug-in has the same rows from `python -m osc_protocol.generate.plugin`.
"""

from __future__ import annotations

from typing import Final

from osc_protocol.table.parameters import AUTO, PARAMETERS, Parameter, Value

__all__ = ["AUTO_ROOM", "BY_ID", "CHORDS", "ROWS", "SEED", "TEXTS", "parameter_id", "value_of"]

SEED: Final = "seed"  # a parameter of the plug-in that the table has as a command
CHORDS: Final = "chords"
ROWS: Final = tuple(row for row in PARAMETERS if row.low is not None or row.choices)
TEXTS: Final = (CHORDS, *(row.name for row in PARAMETERS if row not in ROWS))
"""What a project keeps as text; hosts know parameters that are numbers alone."""
AUTO_ROOM: Final = 0.05  # of a row's range, below it: there the number means AUTO


def parameter_id(name: str) -> int:
    """Returns the number by which hosts and projects know a row: FNV-1a of its name, which no later row can move."""
    number = 2166136261
    for byte in name.encode("ascii"):
        number = (number ^ byte) * 16777619 & 0xFFFFFFFF
    return number


BY_ID: Final = {parameter_id(row.name): row for row in ROWS}


def value_of(row: Parameter, number: float) -> Value:
    """Returns the row's value for a host's number, which counts choices from 0 and has AUTO below a row's range."""
    if row.choices:
        return row.choices[min(max(round(number), 0), len(row.choices) - 1)]
    assert row.low is not None
    assert row.high is not None
    if row.auto and number < row.low:
        return AUTO
    number = min(max(number, row.low), row.high)
    return round(number) if row.type == "i" else float(number)
