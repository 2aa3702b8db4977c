"""The parameter table's face: its rows, and values checked, read and written as the table has them.

osc_protocol/table/rows.py is the table.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from osc_protocol.errors import ParameterError
from osc_protocol.table.row import Command, Parameter, TypeTag, Value
from osc_protocol.table.rows import (
    BY_ADDRESS,
    BY_CC,
    BY_NAME,
    COMMAND_BY_ADDRESS,
    COMMANDS,
    CONTROL_NAMES,
    DEFAULT_BPM,
    DEFAULTS,
    HIGHEST_BPM,
    LOWEST_BPM,
    NEXT,
    PARAMETERS,
)
from osc_protocol.table.scaling import AUTO, cc_to_choice, cc_to_value, choice_to_cc, value_to_cc

__all__ = [
    "AUTO", "BY_ADDRESS", "BY_CC", "BY_NAME", "COMMANDS", "COMMAND_BY_ADDRESS", "CONTROL_NAMES", "DEFAULTS",
    "DEFAULT_BPM", "DEFAULT_OUT_PORT", "DEFAULT_PORT", "HIGHEST_BPM", "LOWEST_BPM", "MAX_TEXT", "NEXT", "PARAMETERS",
    "Command", "Parameter", "ParameterError", "Setting", "Value", "check", "check_arguments", "from_cc", "in_type",
    "legal_range", "nearest", "parse", "settings", "to_cc", "values_of",
]  # fmt: skip

DEFAULT_PORT: Final = 9123  # UDP in
DEFAULT_OUT_PORT: Final = 9124  # UDP out, for peers that listen on one fixed port
MAX_TEXT: Final = 1024  # characters; a long chord chart fits, a flood does not


def check(name: str, value: object) -> Value:
    """Checks a value and returns it as the table has it: float, int or str.

    Controllers send what they can, so an int is taken for a float and a whole float for an int. Refused with
    ParameterError: an unknown name, a wrong type (bool too), NaN, infinity, a value outside the range or the choices.
    """
    row = BY_NAME.get(name)
    if row is None:
        raise ParameterError(f"there is no parameter {name!r}{nearest(name, BY_NAME)}")
    return _coerce(row.name, row, row.type, value)


@dataclass(frozen=True)
class Setting:
    """A parameter and a value that the table allows: making one is the check, so whoever is given one need not check.

    ParameterError as for `check`.
    """

    name: str
    value: Value

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", check(self.name, self.value))


def settings(**values: Value) -> tuple[Setting, ...]:
    """Makes settings of values by their names. ParameterError as for `check`."""
    return tuple(Setting(name, value) for name, value in values.items())


def values_of(settings: Iterable[Setting]) -> dict[str, Value]:
    """Returns the values by their names."""
    return {setting.name: setting.value for setting in settings}


def parse(name: str, text: str) -> Setting:
    """Parses a value that a person has typed, as on a command line; a unique beginning of a choice stands for it.

    ParameterError as for `check`.
    """
    row = BY_NAME.get(name)
    if row is None or row.type == "s":
        begun = [choice for choice in row.choices if choice.startswith(text)] if row is not None else []
        return Setting(name, begun[0] if len(begun) == 1 else text)
    try:
        return Setting(name, text if row.auto and text == AUTO else float(text))
    except ValueError as error:
        if isinstance(error, ParameterError):
            raise
        kind = "a number" if row.type == "f" else "a whole number"
        raise ParameterError(f"{name} takes {kind} {legal_range(row)}, not {_show(text)}") from None


def in_type(row: Parameter, value: Value) -> Value:
    """The value in the row's own OSC type, where nothing else can be told: AUTO as a number is -1."""
    if row.type == "s":
        return str(value)
    number = -1 if value == AUTO else value
    return float(number) if row.type == "f" else int(number)


def check_arguments(address: str, arguments: tuple[object, ...]) -> tuple[Value, ...]:
    """Checks the arguments of a command as `check` does. ParameterError for a wrong address, count, type or range."""
    row = COMMAND_BY_ADDRESS.get(address)
    if row is None:
        raise ParameterError(f"there is no command {address!r}{nearest(address, COMMAND_BY_ADDRESS)}")
    if not arguments and row.bare is not None:
        return (row.bare,)
    if len(arguments) != len(row.types):
        raise ParameterError(f"{address} takes {_count(len(row.types))}, not {len(arguments)}: {_shape(row)}")
    return tuple(
        _coerce(address, row, tag, value)  # type: ignore[arg-type]
        for tag, value in zip(row.types, arguments, strict=True)
    )


def legal_range(row: Parameter | Command) -> str:
    """Says what the row accepts: `0.05..2.0`, `0..1 or auto`, `follow, changes, trade or continue`, `text`."""
    if row.choices:
        return ", ".join(row.choices[:-1]) + " or " + row.choices[-1]
    if row.low is None or row.high is None:
        return "text" if (row.type if isinstance(row, Parameter) else row.types) == "s" else "nothing"
    or_auto = f" or {AUTO}" if isinstance(row, Parameter) and row.auto else ""
    if isinstance(row.low, float):
        return f"{row.low:.12g}..{row.high:.12g}{or_auto}"
    return f"{row.low}..{row.high}{or_auto}"


def from_cc(row: Parameter, position: int) -> Value:
    """Returns the value of a controller position 0..127: linear, both ends exact; choices lie in equal parts.

    Of a row with AUTO position 0 is that, and the numbers begin at 1. ParameterError for rows of free text.
    """
    if row.choices:
        return row.choices[cc_to_choice(len(row.choices), position)]
    low, high = _limits(row)
    return cc_to_value(row.type, low, high, position, row.auto)


def to_cc(row: Parameter, value: Value) -> int:
    """The controller position 0..127 that lies nearest to a legal value. ParameterError for rows of free text."""
    if row.choices:
        return choice_to_cc(len(row.choices), row.choices.index(str(value)))
    low, high = _limits(row)
    return value_to_cc(low, high, value, row.auto)


def nearest(text: str, known: object) -> str:
    """`: did you mean 'x'?` for a likely slip, else empty. known: an iterable of names."""
    matches = difflib.get_close_matches(text[:200], list(known), n=1)  # type: ignore[call-overload]
    return f": did you mean {matches[0]!r}?" if matches else ""


def _limits(row: Parameter) -> tuple[float, float]:
    if row.low is None or row.high is None:
        raise ParameterError(f"{row.name} takes {legal_range(row)}, which no controller position stands for")
    return row.low, row.high


def _coerce(what: str, row: Parameter | Command, tag: TypeTag, value: object) -> Value:
    if tag == "s":
        return _text(what, row, value)
    kind = "a number" if tag == "f" else "a whole number"
    if isinstance(row, Parameter) and row.auto and _means_auto(value):
        return AUTO
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {_show(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {value}")
    if tag == "i" and value != int(value):
        raise ParameterError(f"{what} takes {kind} {legal_range(row)}, not {value}")
    low, high = row.low, row.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise ParameterError(f"{what} {_show(value)} lies outside {legal_range(row)}")
    return float(value) if tag == "f" else int(value)


def _means_auto(value: object) -> bool:
    """The word, or a number that a fader of -1..1 sends where numbers alone can be sent."""
    return value == AUTO or (isinstance(value, int | float) and not isinstance(value, bool) and -1 <= value < 0)


def _text(what: str, row: Parameter | Command, value: object) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}")
    if len(value) > MAX_TEXT:
        raise ParameterError(f"{what} takes at most {MAX_TEXT} characters, not {len(value)}")
    if not value.isprintable():
        raise ParameterError(f"{what} takes one line of printable text, not {_show(value)}")
    if row.choices and value not in row.choices:
        raise ParameterError(f"{what} takes {legal_range(row)}, not {_show(value)}{nearest(value, row.choices)}")
    return value


def _show(value: object) -> str:
    if isinstance(value, int) and abs(value) > 2**63:
        return "a huge number"  # repr() refuses ints of thousands of digits
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _count(number: int) -> str:
    return "no argument" if number == 0 else "one argument" if number == 1 else f"{number} arguments"


def _shape(row: Command) -> str:
    words = {"f": "a number", "i": "a whole number", "s": "text"}
    if not row.types:
        return f"send {row.address} alone"
    wanted = " and ".join(words[tag] for tag in row.types)
    return f"send {wanted}" + (f" {legal_range(row)}" if row.low is not None or row.choices else "")
