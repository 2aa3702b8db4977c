"""Chords on the keyboard: the textbook's voicings, each as near to the last one as it can lie.

The books are Levine's "The Jazz Piano Book" and Mehegan's "Contemporary Piano Styles": shells, rootless A and B forms,
fourths, drop 2, open tenths.
"""

from __future__ import annotations

import itertools
from functools import cache, lru_cache

from engine.chords import Chord
from engine.data.practice.hands.scales import Palette

__all__ = ["KINDS", "RANGES", "is_clear", "voicing"]

# quality -> third, fifth, seventh and ninth as pianists voice it, in semitones above the root. What a chord has not
# gets the nearest thing: a triad's seventh is its root, a sus chord's third its fourth.
_ANATOMY: dict[str, tuple[int, int, int, int]] = {
    "": (4, 7, 12, 14), "m": (3, 7, 12, 14), "dim": (3, 6, 12, 12), "aug": (4, 8, 12, 12), "sus4": (5, 7, 12, 12),
    "sus2": (2, 7, 12, 14), "5": (7, 7, 12, 12), "6": (4, 7, 9, 14), "m6": (3, 7, 9, 14), "7": (4, 7, 10, 14),
    "maj7": (4, 7, 11, 14), "m7": (3, 7, 10, 14), "mMaj7": (3, 7, 11, 14), "m7b5": (3, 6, 10, 12),
    "dim7": (3, 6, 9, 12), "7sus4": (5, 7, 10, 14), "9": (4, 7, 10, 14), "maj9": (4, 7, 11, 14), "m9": (3, 7, 10, 14),
    "13": (4, 9, 10, 14), "7b9": (4, 7, 10, 13), "7#9": (4, 7, 10, 15), "7#11": (4, 6, 10, 14), "7#5": (4, 8, 10, 12),
}  # fmt: skip

# kind -> lowest and highest pitch.
RANGES: dict[str, tuple[int, int]] = {
    "shell": (38, 60), "rootless": (45, 64), "three": (45, 63), "fourths": (43, 63), "open": (33, 62),
    "close": (47, 64), "high": (55, 74), "upper": (61, 79), "drop2": (56, 77), "triad": (60, 79),
}  # fmt: skip
KINDS = tuple(RANGES)
"""shell 1-7, 1-3-7; rootless 3-5-7-9 and 7-9-3-5; three 3-7-9, 7-3-5; fourths; open 1-5-10, 1-7-10; close inversions;
high: rootless for a right hand over a walking bass; upper: a right hand over the left hand's shell; drop2; triad."""


# Over these any fourths of the scale will do; elsewhere the third or the seventh must tell the chord.
_MODAL = frozenset({"m", "m7", "m9", "sus4", "7sus4"})


def is_clear(pitches: tuple[int, ...]) -> bool:
    """Whether a chord sounds clear: no seconds below C3, no thirds below E2, nowhere two half steps in a row."""
    gaps = [(low, high - low) for low, high in itertools.pairwise(pitches)]
    if any(gap < 1 or (low < 48 and gap < 3) or (low < 40 and gap < 5) for low, gap in gaps):
        return False
    return all(a[1] + b[1] > 2 for a, b in itertools.pairwise(gaps))


def voicing(kind: str, chord: Chord, colour: Palette, previous: tuple[int, ...]) -> tuple[int, ...]:
    """Returns rising pitches of a chord in one of KINDS, nearest to `previous` (empty: the middle of the range)."""
    return _nearest(kind, chord, colour.held, previous)


@lru_cache(maxsize=1 << 16)
def _nearest(kind: str, chord: Chord, held: frozenset[int], previous: tuple[int, ...]) -> tuple[int, ...]:
    low, high = RANGES[kind]
    middle = (low + high) / 2

    def distance(pitches: tuple[int, ...]) -> float:
        moved = 0.0
        if previous:
            moved = abs(pitches[0] - previous[0]) + abs(pitches[-1] - previous[-1])
            moved += sum(min(abs(pitch - old) for old in previous) for pitch in pitches[1:-1])
        return moved + 0.35 * abs(pitches[0] + pitches[-1] - 2 * middle)

    return min(_candidates(kind, chord, held), key=distance)


@cache
def _candidates(kind: str, chord: Chord, held: frozenset[int]) -> tuple[tuple[int, ...], ...]:
    """Every clear placement within the kind's range; where there is none, the bass and a chord tone."""
    low, high = RANGES[kind]
    found: list[tuple[int, ...]] = []
    for stack in _stacks(kind, chord, held):
        for octave in range(-2, 8):
            pitches = tuple(12 * octave + chord.root + i for i in stack)
            if pitches[0] >= low and pitches[-1] <= high and is_clear(pitches):
                found.append(pitches)
    if not found:
        bottom = chord.root if chord.bass is None else chord.bass
        lows = [pitch for pitch in range(low, high - 4) if pitch % 12 == bottom]
        tops = [pitch for pitch in range(low, high + 1) if pitch % 12 in chord.pitch_classes()]
        found = [(bass, top) for bass in lows for top in tops if 5 <= top - bass <= 16]
    return tuple(found)


def _stacks(kind: str, chord: Chord, held: frozenset[int]) -> list[tuple[int, ...]]:
    """The kind's shapes in semitones above the root, rising."""
    third, fifth, seventh, ninth = _ANATOMY[chord.quality]
    triad = seventh == 12
    tenth = third + 12 if third < 5 else ninth  # a fourth or a fifth above the octave is more than a hand reaches
    rooted = kind in ("shell", "open")
    if rooted and chord.bass is not None and chord.bass != chord.root:
        # A slash chord keeps its bass at the bottom, two chord tones above it.
        bass = (chord.bass - chord.root) % 12
        above = [
            i for i in sorted({third, fifth, seventh % 12, third + 12, fifth + 12, seventh % 12 + 12}) if i >= bass + 4
        ]
        return [(bass, a, b) for a in above for b in above if 3 <= b - a <= 9 and b - bass <= 16]
    if kind == "shell":
        if triad:
            return [(0, fifth), (0, third, fifth), (0, fifth, 12)]
        return [(0, seventh), (0, third, seventh), (0, seventh, tenth)]
    if kind == "open":
        return [(0, fifth, tenth)] if triad else [(0, fifth, tenth), (0, seventh, tenth), (0, fifth, seventh, tenth)]
    if kind in ("rootless", "high") and not triad:
        return [_rising((third, fifth, seventh, ninth)), _rising((seventh - 12, ninth - 12, third, fifth))]
    if kind == "three" and not triad:
        return [
            _rising((third, seventh, ninth)),
            _rising((seventh - 12, third, fifth)),
            _rising((third, fifth, seventh)),
        ]
    if kind == "fourths":
        guides = {(chord.root + i) % 12 for i in (third, seventh)}
        shapes: list[tuple[int, ...]] = []
        for at in range(12):
            stack = (at, at + 5, at + 10)
            classes = {(chord.root + i) % 12 for i in stack}
            if classes <= held and (classes & guides or chord.quality in _MODAL):
                shapes.append(stack)
        if shapes:
            return shapes
    tones = _rising((third, fifth, 12, 12) if triad else (third, fifth, seventh, ninth if kind == "upper" else 12))
    inversions = [_rising((*tones[at:], *(i + 12 for i in tones[:at]))) for at in range(len(tones))]
    if kind == "drop2" and len(tones) == 4:
        return [tuple(sorted((*shape[:2], shape[2] - 12, shape[3]))) for shape in inversions]
    if kind == "triad" and triad:
        return inversions
    if kind in ("upper", "close", "triad") and len(tones) == 4:
        # Three fingers are enough: each inversion without one of its inner notes, and whole for close.
        thinner = [shape[:1] + shape[2:] for shape in inversions] + [shape[:2] + shape[3:] for shape in inversions]
        guides = {third % 12, seventh % 12}
        kept = [shape for shape in thinner if guides <= {i % 12 for i in shape}]
        return [*inversions, *kept] if kind == "close" else kept
    return inversions


def _rising(stack: tuple[int, ...]) -> tuple[int, ...]:
    """Sorted, each note once."""
    return tuple(sorted(set(stack)))
