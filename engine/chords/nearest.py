"""The quality of the model's vocabulary that a chord of any degrees comes nearest to."""

from __future__ import annotations

from collections.abc import Set

__all__ = ["NEAREST", "nearest_quality"]

# First row whose degrees the chord all has gives the quality. Richer chords lose what their row does not name: an
# altered ninth colours a dominant more than its altered fifth, a third more than a tension.
NEAREST: tuple[tuple[str, str], ...] = (
    ("4 b7", "7sus4"),  # 7sus4 9sus4 13sus4 7sus4b9, and 11, whose third is left out
    ("4", "sus4"),  # sus4 sus24 maj7sus4
    ("2 b7", "7sus4"),  # 7sus2: the nearer of the two sevenths without a third
    ("2", "sus2"),
    ("3 b7 b9", "7b9"),  # 7b9 13b9 7b9#11 7b9b13 7b9#5
    ("3 b7 #9", "7#9"),  # 7#9 7#9#5 7#9#11 7alt
    ("3 b7 #11", "7#11"),  # 7#11 9#11 13#11
    ("3 b7 b5", "7#11"),  # 7b5 9b5: the same pitch class
    ("3 b7 #5", "7#5"),  # 7#5 9#5 aug7
    ("3 b7 b13", "7#5"),  # 7b13 9b13: the same pitch class
    ("3 b7 13", "13"),
    ("3 b7 9", "9"),
    ("3 b7", "7"),  # 7 7add11 7no5
    ("3 7 9", "maj9"),  # maj9 maj11 maj13 maj9#11
    ("3 7", "maj7"),  # maj7 maj7#5 maj7#11 maj7b5
    ("3 6", "6"),  # 6 6/9
    ("3 #5", "aug"),
    ("3", ""),  # maj add9 add11 (b5)
    ("b3 b5 bb7", "dim7"),  # dim7 dim9
    ("b3 b5 6", "dim7"),  # m6b5: the same pitch classes
    ("b3 b5 b7", "m7b5"),  # m7b5 m9b5 m11b5 half diminished
    ("b3 b5", "dim"),  # dim dimMaj7 m(b5)
    ("b3 7", "mMaj7"),  # mMaj7 mMaj9
    ("b3 b7 9", "m9"),  # m9 m11 m13
    ("b3 b7", "m7"),  # m7 m7add11 m7b9 m7#5
    ("b3 6", "m6"),  # m6 m6/9
    ("b3", "m"),  # m madd9 m(#5)
    ("b7", "7"),  # 7no3
    ("7", "maj7"),  # maj7no3
    ("1", "5"),  # 5 (no3)
)


def nearest_quality(degrees: Set[str]) -> str:
    """Returns the quality for degrees as in {"1", "3", "5", "b7", "#11"}, which hold "1"."""
    return next(quality for needed, quality in NEAREST if degrees >= set(needed.split()))
