"""The chord type: one of the vocabulary's 12 roots x 24 qualities, and its bass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from engine.errors import ChordError
from engine.vocabulary import PITCH_NAMES, QUALITIES, chord_id, chord_parts

__all__ = ["Chord", "ChordLabels", "add_label"]


@dataclass(frozen=True)
class Chord:
    """root 0..11 (C = 0), quality one of engine.vocabulary.QUALITIES, bass 0..11 where it is not the root.

    The model's chord token knows root and quality; the bass is kept for display and for the player, and so is what a
    person wrote, `C#m7(11)` for the model's `Dbm7`. ChordError for a value outside the vocabulary.
    """

    root: int
    quality: str
    bass: int | None = None
    written: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.root < 12:
            raise ChordError(f"chord root {self.root} lies outside 0..11: pass a pitch class, C = 0")
        if self.quality not in QUALITIES:
            raise ChordError(f"chord quality {self.quality!r} is unknown: use one of {', '.join(map(repr, QUALITIES))}")
        if self.bass is not None and not 0 <= self.bass < 12:
            raise ChordError(f"chord bass {self.bass} lies outside 0..11: pass a pitch class, C = 0")

    @classmethod
    def from_id(cls, token: int) -> Chord | None:
        """The chord of a vocabulary id, None for NO_CHORD. ValueError for any other token."""
        parts = chord_parts(token)
        return None if parts is None else cls(*parts)

    @property
    def id(self) -> int:
        """Vocabulary id, 401..688."""
        return chord_id(self.root, self.quality)

    @property
    def name(self) -> str:
        """Canonical symbol, as in `C`, `F#7b9`, `C/E`; parse_chord reads it back to the same chord."""
        bass = "" if self.bass is None or self.bass == self.root else f"/{PITCH_NAMES[self.bass]}"
        return f"{PITCH_NAMES[self.root]}{self.quality}{bass}"

    @property
    def label(self) -> str:
        """What was written, or the name where nobody wrote it: for markers and displays."""
        return self.written or self.name

    def pitch_classes(self) -> tuple[int, ...]:
        """Chord tones 0..11, the root first. A bass foreign to the quality is not among them."""
        return tuple((self.root + interval) % 12 for interval in QUALITIES[self.quality])

    def __str__(self) -> str:
        return self.name


ChordLabels: TypeAlias = list[tuple[float, Chord | None]]
"""(onset_s, chord) of every change, rising from 0.0; None where there is no chord."""


def add_label(labels: ChordLabels, onset_s: float, chord: Chord | None) -> None:
    """Appends a chord from onset_s on, if it is a change. The first label starts at 0.0, without a chord if need be."""
    if not labels and onset_s > 0 and chord is not None:
        labels.append((0.0, None))
    if not labels or labels[-1][1] != chord:
        labels.append((onset_s if labels else 0.0, chord))
