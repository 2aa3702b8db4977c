"""Everything the engine raises on bad input.

SidemanError                 one line for the user: what, where, the remedy
├── ChordError               a chord symbol or chart nobody can read
├── MidiFileError            a MIDI file that is missing, broken or empty
├── ConfigError              a YAML file with an unknown key or a value out of range
├── CheckpointError          a checkpoint or style that is missing, broken or made for another base
└── DataError                a folder of MIDI or shards that cannot be used
"""

from __future__ import annotations

import math
from importlib.util import find_spec

__all__ = [
    "CheckpointError",
    "ChordError",
    "ConfigError",
    "DataError",
    "MidiFileError",
    "SidemanError",
    "check_installed",
    "check_range",
]


class SidemanError(Exception):
    """Bad input. Its text is one line: what is wrong, where, and the remedy. The command line exits with 2."""


class ChordError(SidemanError):
    """A chord symbol or chart that cannot be read; names the position and the nearest legal symbol."""


class MidiFileError(SidemanError):
    """A MIDI file that is missing, broken or holds no notes."""


class ConfigError(SidemanError):
    """A configuration with an unknown key (the nearest known one is named) or a value out of range."""


class CheckpointError(SidemanError):
    """A checkpoint or style folder that is missing, incomplete or made for another base."""


class DataError(SidemanError):
    """A data folder that holds nothing usable."""


def check_installed(package: str, extra: str, what: str) -> None:
    """SidemanError where a package is missing. extra: brings it. what: needs it, as in "a plot"."""
    if find_spec(package) is None:
        raise SidemanError(f"{what} needs {package}, which is not installed: pip install 'sideman[{extra}]'")


def check_range(option: str, value: float | None, low: float, high: float = math.inf) -> None:
    """SidemanError where the value of an option lies outside low..high, nan too; None was not given."""
    if value is not None and not low <= value <= high:
        said, least, most = (number if isinstance(number, int) else f"{number:g}" for number in (value, low, high))
        legal = f" lies outside {least}..{most}" if high < math.inf else f": must be {least} or more"
        raise SidemanError(f"{option} {said}{legal}")
