"""Computes what `auto` means while styles are in use: their pianists' typical values, weighed as the styles are."""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.controls import Control
from engine.styles.style import Style

__all__ = ["PIANIST", "REPETITION", "blended", "typical_of"]

Values = Mapping[str, str | float]

REPETITION = 1.1  # of a pianist at full weight: adapted, a base strikes a key again twice as often as he does
PIANIST = 0.5  # of all weight: from here on a label is the pianist's, as a value always is in part
THE_PIANISTS = ("groove", "left_hand")  # auto leaves them to a style: asked for, they would bring back the base's
SOLO = "solo"  # the role that a pianist's pieces have anyway, in a manner of their own


def typical_of(style: Style, controls: Mapping[str, Control]) -> dict[str, str | float]:
    """Returns a style's values as Session.set_auto takes them: labels, or 0..1; only for controls the base knows."""
    values: dict[str, str | float] = {}
    for name, value in style.controls.items():
        control = controls.get(name)
        if control is None:
            continue
        if isinstance(value, str):
            if value in control.labels:
                values[name] = value
        elif control.edges:
            values[name] = control.level(value) / (control.levels - 1)
    return values


def blended(auto: Values, styles: Mapping[str, Values], weights: Mapping[str, float]) -> dict[str, str | float]:
    """Returns what auto stands for under styles of these weights, where without styles it would stand for `auto`.

    A measured value is the mean of the styles', by weight; what is missing to a weight of 1 is auto's share, if auto
    has an opinion. A label is the heaviest style's, from a weight of PIANIST on. From there on, too, groove and left
    hand, and a soloist's role and manner, are how the pianist plays, and auto asks for none (docs/STYLES.md has what
    that is worth); other roles are a part in the music, and stay with their manner.
    """
    total = sum(weights.get(name, 0.0) for name in styles)
    result = dict(auto)
    if total <= 0:
        return result
    rest = max(0.0, 1.0 - total)
    for control in sorted({control for values in styles.values() for control in values}):
        holders = {name: weights.get(name, 0.0) for name, values in styles.items() if control in values}
        weight = sum(holders.values())
        heaviest = max(holders, key=lambda name: holders[name])
        label = styles[heaviest][control]
        if weight <= 0:
            continue
        if isinstance(label, str):
            if holders[heaviest] >= PIANIST * max(1.0, total):
                result[control] = label
            continue
        mean = sum(share * float(styles[name][control]) for name, share in holders.items()) / weight
        without = auto.get(control)
        result[control] = (weight * mean + rest * without) / (weight + rest) if isinstance(without, float) else mean
    if max(weights.get(name, 0.0) for name in styles) >= PIANIST * max(1.0, total):
        for control in THE_PIANISTS:
            result.pop(control, None)
        if result.get("role", SOLO) == SOLO:
            result.pop("role", None)
            if not any("manner" in values for values in styles.values()):
                result.pop("manner", None)
    return result
