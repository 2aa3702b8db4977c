"""Command-line options of the parameter table: `--top-p 0.9` for `top_p`, one option a row."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection

from osc_protocol.table.parameters import PARAMETERS, Parameter, ParameterError, Setting, Value, legal_range, parse

__all__ = ["add_parameter_options", "parameters_from"]

_DESTINATION = "parameter_"  # keeps a row's name clear of the command's own arguments
_TYPES = {"f": float, "i": int, "s": str}


def add_parameter_options(parser: argparse.ArgumentParser, *, skip: Collection[str] = ("mode",)) -> None:
    """One option for every row of the table but those in `skip`; absent options leave the default in force.

    parser: gains a group of options. skip: names that the command has its own option for, or no use for.
    """
    group = parser.add_argument_group("parameters")
    for row in PARAMETERS:
        if row.name in skip:
            continue
        default = f"default {row.default}" if row.default != "" else "none by default"
        group.add_argument(
            "--" + row.name.replace("_", "-"),
            dest=_DESTINATION + row.name,
            type=_reader(row),
            metavar=row.name.rpartition("_")[2].upper() if row.type == "s" else "N",
            help=f"{row.help} [{legal_range(row)}; {default}]".replace("%", "%%"),
        )


def parameters_from(args: argparse.Namespace) -> tuple[Setting, ...]:
    """Returns the parameters given on the command line. ParameterError for one out of range."""
    return tuple(
        value if isinstance(value, Setting) else Setting(name.removeprefix(_DESTINATION), value)
        for name, value in vars(args).items()
        if name.startswith(_DESTINATION) and value is not None
    )


def _reader(row: Parameter) -> Callable[[str], Value | Setting]:
    """What argparse reads the option with. A range is checked later, by a message that names the parameter."""
    if not (row.auto or row.choices):
        return _TYPES[row.type]

    def read(text: str) -> Setting:
        try:
            return parse(row.name, text)
        except ParameterError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
