"""Configs as YAML: one loader that names the unknown key and the nearest known one, and its inverse."""

from __future__ import annotations

import difflib
import math
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml

from engine.errors import ConfigError
from engine.model.config import Config, SourceConfig
from engine.model.controls import Control

# The same loader, compiled where PyYAML was built with it.
_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["YAML_ERRORS", "load_config", "parse_config", "shipped_configs", "to_yaml"]

YAML_ERRORS = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Raised by PyYAML for a text that is none, and for dates, numbers and tagged values that are none."""

T = TypeVar("T")
_SHIPPED = Path(__file__).parents[1] / "configs"
_KINDS = {bool: "true or false", tuple: "a list of names", str: "a word", int: "a whole number", float: "a number"}


def shipped_configs() -> list[str]:
    """Returns the names that load_config accepts without a path."""
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))


def load_config(name_or_path: str | Path) -> Config:
    """Loads a shipped config by name ("medium") or a YAML file by path.

    Raises ConfigError: no such config, broken YAML, an unknown key (the nearest one is named), a wrong type or range.
    """
    text = str(name_or_path)
    if text in shipped_configs():
        source = (_SHIPPED / f"{text}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise ConfigError(f"no config {text!r}: give a YAML file or one of {', '.join(shipped_configs())}")
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{text}: cannot be read as UTF-8 text ({error}): give a YAML file") from None
    return parse_config(source, text)


def parse_config(source: str, where: str) -> Config:
    """Reads a config from the text of a YAML file. ConfigError as of load_config; it begins with `where`."""
    try:
        data = yaml.load(source, Loader=_SafeLoader)
    except YAML_ERRORS as error:
        raise ConfigError(f"{where}: broken YAML: {' '.join(str(error).split())}") from None
    return _build(Config, {} if data is None else data, where=where)


def to_yaml(config: Config) -> str:
    """Returns the YAML that load_config reads back."""
    data = asdict(config)
    data["qlora"]["target_modules"] = list(data["qlora"]["target_modules"])
    for section, key in (("model", "controls"), ("training", "sources")):
        rows = data[section].pop(key)
        if rows:
            data[section][key] = [
                {
                    name: list(value) if isinstance(value, tuple) else value
                    for name, value in row.items()
                    if value != "" and value != ()
                }
                for row in rows
            ]
    return yaml.safe_dump(data, sort_keys=False)


def _build(cls: type[T], data: Any, where: str) -> T:
    """Builds a dataclass from a mapping, and nested dataclasses by their annotation."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected keys and values, got {type(data).__name__}")
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            near = difflib.get_close_matches(key if isinstance(key, str) else _shown(key), known, n=1, cutoff=0.0)
            raise ConfigError(f"{where}: unknown key {_shown(key)}: did you mean {near[0]!r}?")
        kind = hints[key]
        if isinstance(kind, type) and is_dataclass(kind):
            values[key] = _build(kind, value if value is not None else {}, where=f"{where}: {key}")
        elif kind in (tuple[Control, ...], tuple[SourceConfig, ...]):
            if not isinstance(value, list):
                raise ConfigError(f"{where}: {key}: {_shown(value)} is not a list of {key}")
            item_kind = get_args(kind)[0]
            values[key] = tuple(_build(item_kind, item, where=f"{where}: {key}") for item in value)
        elif kind == tuple[float, ...]:
            if not isinstance(value, list):
                raise ConfigError(f"{where}: {key}: {_shown(value)} is not a list of numbers")
            values[key] = tuple(_convert(item, 0.0, f"{where}: {key}") for item in value)
        elif known[key].default is MISSING:
            values[key] = _convert(value, "", f"{where}: {key}")
        else:
            values[key] = _convert(value, known[key].default, f"{where}: {key}")
    for key in sorted(name for name, f in known.items() if f.default is f.default_factory is MISSING):
        if key not in values:
            raise ConfigError(f"{where}: {key} is missing")
    try:
        return cls(**values)
    except ConfigError as error:  # a value out of range names itself; the file is known here
        raise ConfigError(f"{where.partition(': ')[0]}: {error}") from None


def _convert(value: Any, default: Any, where: str) -> Any:
    """Converts a value to the type of the field's default; YAML gives `1e-3` as text, which is meant as a number."""
    assert default is not MISSING
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
    elif isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif isinstance(default, str):
        if isinstance(value, str):
            return value
        if isinstance(value, bool):  # YAML reads an unquoted `no` as false
            return "yes" if value else "no"
    elif not isinstance(value, bool):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if math.isfinite(number) and (isinstance(default, float) or number == int(number)):
            return type(default)(number)
    raise ConfigError(f"{where}: {_shown(value)} is not {_KINDS[type(default)]}")


def _shown(value: Any) -> str:
    """Shows a value in a message; Python refuses to write numbers of thousands of digits."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."
