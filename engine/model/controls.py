"""The controls: what the model can be asked, and how a level of one becomes rows of an embedding.

A query carries, beside its token and its beat, one number for each control, its level:

    -1                      unknown: nothing is asked
    a label's index         a role, a groove, ...
    0 .. levels - 1         of a measured quantity; between two whole levels their rows are mixed, so a knob is smooth

The controls stand in a checkpoint's config.yaml, in the order of the rows of `control_emb.weight`: each has one row a
level, then its row for unknown. docs/MODEL.md describes the shipped base's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F32, I64
from engine.errors import ConfigError, SidemanError
from osc_protocol.table.parameters import AUTO, CONTROL_NAMES, Value

__all__ = ["BASS_BELOW", "MEASURED", "UNKNOWN", "Control", "ControlRows", "asked_level", "check_askable"]

UNKNOWN = -1.0
MEASURED = ("density", "loudness", "register", "thickness", "bass")
"""Controls that are quantities of the music itself: engine/data/controls measures them."""
BASS_BELOW = 57  # A3: what is lower is bass


@dataclass(frozen=True)
class Control:
    """Named alternatives, or a quantity cut into levels at its edges. ConfigError: neither, both, or broken ones."""

    name: str
    labels: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()  # rising; level i holds quantities from edges[i - 1] up to edges[i]

    def __post_init__(self) -> None:
        if bool(self.labels) == bool(self.edges):
            raise ConfigError(f"control {self.name!r}: give either labels or edges")
        if len(set(self.labels)) < len(self.labels):
            raise ConfigError(f"control {self.name!r}: a label stands there twice")
        if any(high <= low for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ConfigError(f"control {self.name!r}: the edges do not rise")

    @property
    def levels(self) -> int:
        """The number of levels that can be asked."""
        return len(self.labels) or len(self.edges) + 1

    def bin(self, quantity: float) -> int:
        """Returns the whole level that holds a quantity, in the unit of the edges."""
        return int(np.searchsorted(self.edges, quantity, side="right"))

    def level(self, quantity: float) -> float:
        """Returns the level of a quantity, interpolated between the middles of levels and clipped at the outer ones."""
        return float(np.interp(quantity, self._middles(), np.arange(self.levels)))

    def quantity(self, level: float) -> float:
        """Returns the quantity in the middle of a measured control's level, in the unit of the edges."""
        return float(np.interp(level, np.arange(self.levels), self._middles()))

    def _middles(self) -> list[float]:
        edges = np.asarray(self.edges, dtype=np.float64)
        inner = (edges[1:] + edges[:-1]) / 2
        first, last = (edges[0] / 2, 2 * edges[-1] - inner[-1]) if len(inner) else (edges[0], edges[0])
        return [first, *inner.tolist(), last]


def asked_level(control: Control | None, value: Value) -> float:
    """Returns the level of a label, or of 0..1 of a measured control; UNKNOWN for AUTO and what it lacks."""
    if control is None or value == AUTO:
        return UNKNOWN
    if control.labels:
        return float(control.labels.index(str(value))) if value in control.labels else UNKNOWN
    return float(value) * (control.levels - 1)


def check_askable(controls: Sequence[Control], name: str, value: Value) -> None:
    """Checks a value of the table against a base's controls. SidemanError: the base was not trained with it."""
    if name not in CONTROL_NAMES or value == AUTO:
        return
    if asked_level(next((control for control in controls if control.name == name), None), value) == UNKNOWN:
        raise SidemanError(
            f"{name} {value}: this base was not trained to be asked that: leave {name} at {AUTO}, "
            "or take the shipped base"
        )


class ControlRows:
    """Where each control's rows lie in the embedding, and how levels mix them. Immutable."""

    def __init__(self, controls: Sequence[Control]) -> None:
        self.names = tuple(control.name for control in controls)
        self.levels = np.array([control.levels for control in controls], dtype=np.int64)
        self._measured = np.array([bool(control.edges) for control in controls], dtype=bool)
        self.first = np.cumsum(self.levels + 1) - (self.levels + 1)
        self.count = int((self.levels + 1).sum())  # rows of the embedding
        self.unknown: F32 = np.full(len(self.names), UNKNOWN, dtype=np.float32)

    def check(self, levels: npt.ArrayLike) -> F32:
        """Returns (K,) levels as float32. ValueError: a wrong count, NaN, out of a control's range, half a label."""
        values = np.asarray(levels, dtype=np.float32)
        if values.shape != self.unknown.shape:
            raise ValueError(f"{values.shape} levels: give {len(self.names)}, one a control")
        asked = values != UNKNOWN
        fits = (values >= 0) & (values <= self.levels - 1) & (self._measured | (values == np.floor(values)))
        for i in np.flatnonzero(asked & ~fits)[:1]:
            kind = "0 to" if self._measured[i] else "a whole number of 0 to"
            raise ValueError(
                f"{self.names[i]} level {values[i]:g}: give {kind} {self.levels[i] - 1}, or -1 for unknown"
            )
        return values

    def mix(self, levels: F32) -> tuple[I64, F32]:
        """Returns (..., 2 K) rows and their weights for (..., K) legal levels; the query gets the weighted sum."""
        lower = np.floor(levels)
        share = levels - lower
        low = np.where(levels < 0, self.levels, lower.astype(np.int64))
        high = np.where(share > 0, low + 1, low)
        rows = np.concatenate([low, high], axis=-1) + np.concatenate([self.first, self.first])
        return rows, np.concatenate([1 - share, share], axis=-1).astype(np.float32)
