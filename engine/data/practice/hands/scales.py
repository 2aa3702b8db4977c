"""Lists the notes that fit a chord: chord-scale theory as tables in which lines move by steps."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

from engine.chords import Chart, Chord
from engine.chords.scales import SCALES
from engine.vocabulary import QUALITIES

__all__ = ["AVOID", "CHORD_SCALES", "Harmony", "Palette", "palette"]

_OTHER_SCALES = {
    "lydian dominant": (0, 2, 4, 6, 7, 9, 10),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
    "half-whole": (0, 1, 3, 4, 6, 7, 9, 10),
    "locrian natural 9": (0, 2, 3, 5, 6, 8, 10),
    "lydian augmented": (0, 2, 4, 6, 8, 9, 11),
    "altered with fifth": (0, 1, 3, 4, 7, 8, 10),
}
_TONIC = ("major", "lydian")
_MINOR = ("dorian", "minor", "phrygian")
_DOMINANT = ("mixolydian", "lydian dominant", "phrygian dominant")

CHORD_SCALES: dict[str, tuple[str, ...]] = {
    "": ("major", "mixolydian", "lydian"), "m": _MINOR, "dim": ("locrian", "diminished"),
    "aug": ("whole tone", "lydian augmented"),
    "sus4": ("mixolydian", "major"), "sus2": ("major", "mixolydian"), "5": ("major", "mixolydian", "minor"),
    "6": _TONIC, "m6": ("melodic minor", "dorian"), "7": _DOMINANT, "maj7": _TONIC, "m7": _MINOR,
    "mMaj7": ("melodic minor", "harmonic minor"), "m7b5": ("locrian natural 9", "locrian"), "dim7": ("diminished",),
    "7sus4": ("mixolydian", "dorian"), "9": ("mixolydian", "lydian dominant"), "maj9": _TONIC,
    "m9": ("dorian", "minor"),
    "13": ("mixolydian", "lydian dominant"), "7b9": ("half-whole", "phrygian dominant"),
    "7#9": ("altered with fifth", "half-whole"), "7#11": ("lydian dominant",), "7#5": ("whole tone", "altered"),
}  # fmt: skip
"""The scales of a quality, the usual one first. The chords around decide: the one that shares most tones wins."""


def _intervals(name: str) -> tuple[int, ...]:
    return _OTHER_SCALES.get(name) or SCALES[name]


# A scale tone a half step above a chord tone blurs it when held: the fourth over a major third, the ninth over a b9.
AVOID: dict[tuple[str, str], frozenset[int]] = {
    (quality, name): frozenset(
        i for i in _intervals(name) if i not in QUALITIES[quality] and (i - 1) % 12 in QUALITIES[quality]
    )
    for quality, names in CHORD_SCALES.items()
    for name in names
}


@dataclass(frozen=True)
class Palette:
    """A chord's notes on the keyboard. Each table is indexed by pitch 0..127.

    up, down: the next scale tone; tone_up, tone_down: the next chord tone; near: the nearest chord tone (itself where
    it is one); rich: the nearest note that may be held, tensions among them. tones, held, scale: pitch classes.
    """

    root: int
    quality: str
    up: tuple[int, ...]
    down: tuple[int, ...]
    tone_up: tuple[int, ...]
    tone_down: tuple[int, ...]
    near: tuple[int, ...]
    rich: tuple[int, ...]
    tones: frozenset[int]
    held: frozenset[int]
    scale: frozenset[int]


@cache
def palette(root: int, quality: str, scale_name: str) -> Palette:
    """Makes the tables of a chord under one of its scales."""
    tones = frozenset((root + i) % 12 for i in QUALITIES[quality])
    scale = tones | frozenset((root + i) % 12 for i in _intervals(scale_name))
    held = scale - frozenset((root + i) % 12 for i in AVOID[quality, scale_name])
    return Palette(
        root, quality, _next(scale, 1), _next(scale, -1), _next(tones, 1), _next(tones, -1), _nearest(tones),
        _nearest(held), tones, held, scale,
    )  # fmt: skip


def _next(classes: frozenset[int], step: int) -> tuple[int, ...]:
    table = []
    for pitch in range(128):
        at = pitch + step
        while at % 12 not in classes:
            at += step
        table.append(min(127, max(0, at)))
    return tuple(table)


def _nearest(classes: frozenset[int]) -> tuple[int, ...]:
    table = []
    for pitch in range(128):
        near = [pitch + d for d in (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5) if (pitch + d) % 12 in classes]
        table.append(min(127, max(0, near[0])))
    return tuple(table)


@cache
def _fitting(quality: str, before: tuple[int, str] | None, after: tuple[int, str] | None) -> str:
    """Returns the scale of a quality that shares most tones with the chords around, given relative to its root."""
    names = CHORD_SCALES[quality]

    def shared(name: str) -> int:
        scale = set(_intervals(name))
        return sum(
            (root + i) % 12 in scale for chord in (before, after) if chord for root, q in (chord,) for i in QUALITIES[q]
        )

    return max(names, key=shared)  # the first of equals: the usual one


class Harmony:
    """A chart as palettes: `palettes[i]` belongs to `spans[i]`; `at(beat)` is the one in force, to half a beat.

    tonic: the pitch class that the music comes home to; None: the last chord's root.
    """

    def __init__(self, chart: Chart, tonic: int | None = None) -> None:
        self.chart, self.spans = chart, chart.spans
        chords: list[Chord] = [span.chord for span in chart.spans if span.chord is not None]
        assert len(chords) == len(chart.spans), "practice charts have no N.C."
        self.chords = chords
        self.tonic = chords[-1].root if tonic is None else tonic
        self.palettes = []
        for at, chord in enumerate(chords):
            before = chords[at - 1] if at else None
            after = chords[at + 1] if at + 1 < len(chords) else None
            name = _fitting(chord.quality, _relative(before, chord), _relative(after, chord))
            self.palettes.append(palette(chord.root, chord.quality, name))
        starts = [span.start_beat - 1e-6 for span in chart.spans]
        self.span_of = [max(0, bisect_right(starts, half / 2) - 1) for half in range(2 * chart.beats)]

    def index(self, beat: float) -> int:
        """Returns the index of the span at a beat; the first before the start, the last after the end."""
        return self.span_of[min(len(self.span_of) - 1, max(0, int(beat * 2 + 1e-6)))]

    def at(self, beat: float) -> Palette:
        """Returns the palette in force at a beat."""
        return self.palettes[self.index(beat)]


def _relative(chord: Chord | None, to: Chord) -> tuple[int, str] | None:
    return None if chord is None else ((chord.root - to.root) % 12, chord.quality)
