"""Scales by name, to which the solo can be locked: `D dorian` -> its pitch classes."""

from __future__ import annotations

import difflib

from engine.chords import parse_chord
from engine.errors import ChordError, SidemanError

__all__ = ["ALL_PITCH_CLASSES", "SCALES", "scale_mask"]

ALL_PITCH_CLASSES = 0xFFF

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "diminished": (0, 2, 3, 5, 6, 8, 9, 11),
    "altered": (0, 1, 3, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}


def scale_mask(text: str) -> int:
    """Returns the 12-bit mask of `off` or `ROOT NAME`, bit c for pitch class c.

    SidemanError names the nearest scale.
    """
    if text.strip().lower() == "off":
        return ALL_PITCH_CLASSES
    root_text, _, name = text.strip().partition(" ")
    name = " ".join(name.lower().split())
    try:
        root = parse_chord(root_text)
    except ChordError:
        root = None
    if root is None or root.quality or root.bass is not None:
        raise SidemanError(
            f"scale {text!r}: {root_text!r} is no root: write a note and a scale, such as `D dorian`, or off"
        )
    if name not in SCALES:
        near = difflib.get_close_matches(name, SCALES, n=1, cutoff=0.0)[0]
        raise SidemanError(f"scale {text!r}: unknown scale {name!r}: did you mean {near!r}? Known: {', '.join(SCALES)}")
    return sum(1 << ((root.root + step) % 12) for step in SCALES[name])
