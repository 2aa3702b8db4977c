"""Scale names become masks of pitch classes."""

from __future__ import annotations

import pytest

from engine.chords.scales import ALL_PITCH_CLASSES, SCALES, scale_mask
from engine.errors import SidemanError


@pytest.mark.parametrize(
    ("text", "pitch_classes"),
    [
        ("off", set(range(12))),
        (" OFF ", set(range(12))),
        ("C major", {0, 2, 4, 5, 7, 9, 11}),
        ("D dorian", {0, 2, 4, 5, 7, 9, 11}),
        ("Bb  Harmonic   Minor", {10, 0, 1, 3, 5, 6, 9}),
        ("F# minor pentatonic", {6, 9, 11, 1, 4}),
        ("B chromatic", set(range(12))),
    ],
)
def test_a_scale_allows_its_pitch_classes(text: str, pitch_classes: set[int]) -> None:
    assert {c for c in range(12) if scale_mask(text) >> c & 1} == pitch_classes


@pytest.mark.parametrize("name", SCALES)
def test_twelve_roots_turn_the_mask_around(name: str) -> None:
    mask = scale_mask(f"C {name}")
    for root, letter in enumerate(("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")):
        assert scale_mask(f"{letter} {name}") == (mask << root | mask >> 12 - root) & ALL_PITCH_CLASSES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("D dorain", "unknown scale 'dorain': did you mean 'dorian'"),
        ("D", "unknown scale ''"),
        ("", "is no root"),
        ("dorian", "is no root"),
        ("K major", "is no root"),
        ("Cm7 major", "is no root"),
        ("C/E major", "is no root"),
        ("N.C. major", "is no root"),
    ],
)
def test_a_scale_nobody_knows_is_refused(text: str, words: str) -> None:
    with pytest.raises(SidemanError) as refusal:
        scale_mask(text)
    assert words in str(refusal.value)
