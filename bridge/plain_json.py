"""JSON with types: what it can say, and how the fields of a dataclass are read from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Final, TypeAlias

from engine.errors import SidemanError

__all__ = ["Json", "Reader", "items", "number", "read_fields"]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Reader: TypeAlias = Callable[[Json], object]
"""Reads one value. SidemanError, ValueError, TypeError or LookupError: it is none."""


def items(value: Json) -> Sequence[Json]:
    """The values of an array. TypeError: it is none."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise TypeError(f"{value!r} is no array")


def number(value: Json) -> int:
    """A whole number. TypeError: it is none."""
    if isinstance(value, int):
        return value
    raise TypeError(f"{value!r} is no whole number")


def _exactly(*kinds: type) -> Reader:
    def read(value: Json) -> object:
        if type(value) not in kinds:
            raise ValueError(f"{value!r} is of another kind")
        return value

    return read


_READERS: Final[Mapping[str, Reader]] = {
    "bool": _exactly(bool),
    "int": _exactly(int),
    "float": _exactly(int, float),
    "float | None": _exactly(int, float, type(None)),
    "str": _exactly(str),
}


def read_fields(kind: type, values: Mapping[str, Json], more: Mapping[str, Reader] | None = None) -> dict[str, object]:
    """The fields of a dataclass of plain values, by name. more: readers for other types, by their annotation.

    ValueError, with the field's name: it is missing or of another type.
    """
    readers = {**_READERS, **(more or {})}
    found = {}
    for field in fields(kind):
        try:
            found[field.name] = readers[str(field.type)](values[field.name])
        except (SidemanError, ValueError, TypeError, LookupError) as error:
            raise ValueError(field.name) from error
    return found
