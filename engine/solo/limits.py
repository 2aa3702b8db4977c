"""Limits that leave nothing to play are refused before anything is played; live, one knob turns after the other."""

from __future__ import annotations

from collections.abc import Collection

from engine.chords.scales import scale_mask
from engine.errors import SidemanError
from osc_protocol.table.parameters import DEFAULTS, Setting, values_of

__all__ = ["check_limits"]


def check_limits(params: Collection[Setting]) -> None:
    """SidemanError: the lowest note lies above the highest, or the scale has no note between them; no such scale."""
    asked = {**DEFAULTS, **values_of(params)}
    low, high, scale = int(asked["register_low"]), int(asked["register_high"]), str(asked["scale"])
    if low > high:
        raise SidemanError(
            f"register_low {low} lies above register_high {high}, which leaves no note to play: "
            f"give a lowest note of {high} at most"
        )
    mask = scale_mask(scale)
    if not any(mask >> pitch % 12 & 1 for pitch in range(low, high + 1)):
        raise SidemanError(
            f"no note of {scale!r} lies from register_low {low} to register_high {high}: give an octave between them"
        )
