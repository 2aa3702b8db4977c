"""What a row of the parameter table is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Command", "Parameter", "TypeTag", "Value"]

Value: TypeAlias = float | int | str
TypeTag: TypeAlias = Literal["f", "i", "s"]
Widget: TypeAlias = Literal["knob", "slider", "stepper", "choice", "text"]


@dataclass(frozen=True)
class Parameter:
    """One row. low and high are None for text; choices is empty where any text is legal.

    auto: besides its numbers the row takes AUTO, which leaves the choice to the sideman; where only a number can be
    sent or told, any from -1 to below 0 stands for it. A row of choices has AUTO among them.
    """

    name: str
    type: TypeTag  # the OSC type tag
    low: float | int | None
    high: float | int | None
    default: Value
    unit: str  # "" for plain numbers
    help: str  # one sentence
    address: str
    cc: int | None  # MIDI controller number
    widget: Widget
    choices: tuple[str, ...] = ()
    auto: bool = False
    meanings: Mapping[str, str] = field(default_factory=dict, hash=False)  # of choices that need one


@dataclass(frozen=True)
class Command:
    """One OSC command: `types` holds a tag per argument; low..high bounds its numbers, choices its text, where given.

    bare: the argument that is meant where none is given, as by a button.
    """

    address: str
    types: str
    help: str
    low: float | int | None = None
    high: float | int | None = None
    cc: int | None = None  # of the MIDI button that sends it
    bare: Value | None = None
    choices: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`mode next` for /sideman/mode/next."""
        return self.address.removeprefix("/sideman/").replace("/", " ")

    @property
    def is_pressed(self) -> bool:
        """Whether a button can send it without saying more."""
        return not self.types or self.bare is not None
