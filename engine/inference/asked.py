"""What is asked of a stream: the table's values, what "auto" stands for, and what all of it comes to for the model."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from engine.arrays import F32
from engine.inference.draw.leaning import SWUNG
from engine.model.controls import MEASURED, UNKNOWN, Control, asked_level
from engine.styles.style import Style
from engine.styles.typical import REPETITION, blended, typical_of
from osc_protocol.table.parameters import AUTO, CONTROL_NAMES, DEFAULTS, Value

__all__ = ["Asked"]

BEND_ALONE = ("density", "loudness")  # as auto they are a tendency; a solo's own ups and downs stay
BEHIND = ("comping", "accompany")  # roles that have none, and would fill what another's solo leaves


class Asked:
    """One stream's wishes. A session owns it.

    values: the parameter table's, by name. auto: what is meant where a control is left to the sideman. here: what is
    asked in this place instead of the table's values, 0..1 of measured controls. bpm: None where no beat is known.
    """

    def __init__(self, controls: Sequence[Control]) -> None:
        """controls: those that the base was trained with."""
        self.values: dict[str, Value] = dict(DEFAULTS)
        self.auto: dict[str, str | float] = {}
        self.here: dict[str, float] = {}
        self.bpm: float | None = None
        self._controls = {control.name: control for control in controls}
        self._typical: dict[str, dict[str, str | float]] = {}  # what is meant under a style, by its name
        self._weights: dict[str, float] = {}  # of the styles in use

    def copy(self) -> Asked:
        """Returns the same wishes for another stream. Both know the typical values of the same styles."""
        other = copy.copy(self)
        other.values, other.auto, other._weights = dict(self.values), dict(self.auto), dict(self._weights)
        return other

    def learn_style(self, name: str, style: Style) -> None:
        """Takes up the typical values of a style under that name."""
        self._typical[name] = typical_of(style, self._controls)

    def use_styles(self, weights: Mapping[str, float]) -> None:
        """Lets auto stand for the typical values of these styles, name -> weight; each was learnt before."""
        self._weights = dict(weights)

    def of(self, name: str) -> str | float:
        """Returns what is asked of a control in this place, or what "auto" stands for."""
        value = self.here.get(name, self.values[name])
        if value != AUTO:
            return value
        in_use = {style: self._typical[style] for style in self._weights}
        return blended(self.auto, in_use, self._weights).get(name, AUTO)

    def for_model(self) -> tuple[F32, dict[str, float]]:
        """Returns (K,) levels of the base's controls, in their order, and what the draw leans towards.

        A level is UNKNOWN where nothing is asked. The draw leans towards quantities, by name of a measured control.
        """
        asked = {name: asked_level(self._controls.get(name), self.of(name)) for name in CONTROL_NAMES}
        if self.bpm is not None and "tempo" in self._controls:
            asked["tempo"] = float(self._controls["tempo"].bin(self.bpm))
        levels = np.array([asked.get(name, UNKNOWN) for name in self._controls], dtype=np.float32)
        targets = {
            name: self._controls[name].quantity(asked[name])
            for name in MEASURED
            if name in self._controls and self._listens_for(name)
        }
        return levels, targets

    @property
    def repetition(self) -> float:
        """How much pitches heard lately are penalised: as asked, and more under a style, whose pianist repeats less."""
        weight = min(1.0, sum(self._weights.values()))
        return float(self.values["repetition"]) * (1.0 + weight * (REPETITION - 1.0))

    @property
    def leans(self) -> bool:
        """Whether waits lean towards the beat: a groove that swings keeps its own time."""
        return self.of("groove") not in SWUNG

    def _listens_for(self, name: str) -> bool:
        """Whether the draw leans towards a measured control: to what is asked, and where a role's hands lie.

        A pianist's typical values are tendencies: his adapter plays as he does, and the draw would bend that.
        """
        if name in self.here or self.values[name] != AUTO:
            return True
        if name in BEND_ALONE and not (name == "density" and self.of("role") in BEHIND):
            return False
        return name in self.auto and not any(
            weight > 0 and name in self._typical[style] for style, weight in self._weights.items()
        )
