"""Names the chord that a set of pitch classes over a bass most likely is."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.arrays import F64
from engine.chords.chord import Chord
from engine.vocabulary import CHORD, QUALITIES

__all__ = ["identify"]

# The fit of a chord is a sum of costs; the cheapest chord wins. The numbers only need to order the readings of a
# voicing: tests/engine/chords/test_tracker.py holds the table that they were set by.
_NO_OTHER = 2.5  # what a missing tone costs: thirds, sevenths and altered tones define the chord
_NO_ROOT = {"13": 0.5}  # left-hand voicings leave the root to the bass player, the thirteenth most of all
_NO_ROOT_OTHER = 1.1
_NO_FIFTH = {
    "6": 0.9,
    "m6": 0.9,
}  # a perfect fifth is the first tone to go; but a sixth without it is an inverted triad
_NO_FIFTH_OTHER = 0.3
_NO_NINTH_OF_13 = 0.1
_FOREIGN_TONE = 2.0  # what a tone costs that the chord does not know, unless it is a tension of its family
_TENSIONS = {
    "major": {2: 0.6, 9: 0.7, 6: 1.9},
    "dominant": {2: 0.6, 9: 0.6, 1: 0.9, 3: 0.9, 6: 0.9, 8: 0.9},
    "minor": {2: 0.6, 5: 0.9, 9: 1.2},
    "suspended": {2: 0.6, 5: 0.9, 9: 0.9},
}
_BASS = {0: 0.0, 7: 0.7, 3: 0.7, 4: 0.7, 10: 0.9, 11: 1.1}  # inversions
_BASS_OTHER_TONE = 1.4
_BASS_FOREIGN = 2.2
_RARITY = {
    "": 0.0, "m": 0.0, "7": 0.1, "maj7": 0.1, "m7": 0.1, "6": 0.2, "m6": 0.3, "m7b5": 0.3, "dim": 0.3, "dim7": 0.2,
    "aug": 0.3, "sus4": 0.3, "sus2": 0.4, "7sus4": 0.3, "9": 0.2, "maj9": 0.2, "m9": 0.2, "13": 0.3, "mMaj7": 0.5,
    "7b9": 0.3, "7#9": 0.4, "7#11": 0.4, "7#5": 0.4, "5": 0.4,
}  # fmt: skip
_MAX_COST = 5.0  # beyond it the notes are a cluster, no chord
_DYADS = frozenset({"", "m", "5", "7", "maj7"})  # two notes, the root one of them, may only stand for these
_MAX_DYAD_COST = 3.2


@lru_cache(maxsize=4096 * 12)
def identify(pitch_classes: int, bass: int) -> Chord | None:
    """Names the chord of a 12-bit set of pitch classes (bit 0 = C) over the lowest one; inverted, it has a slash bass.

    None for fewer than two pitch classes, and for clusters that fit no chord. Takes some 20 us at first sight.
    """
    if pitch_classes.bit_count() < 2:
        return None
    played = np.array([pitch_classes >> pc & 1 for pc in range(12)], dtype=np.float64)  # (12,)
    cost = _MISSING @ (1 - played) + _FOREIGN @ played + _BASS_COST[:, bass] + _PRIOR  # (288,)
    dyad = pitch_classes.bit_count() == 2
    if dyad:
        cost = np.where(_IS_DYAD & (played[_ROOT] > 0), cost, np.inf)
    best = int(cost.argmin())
    if cost[best] > (_MAX_DYAD_COST if dyad else _MAX_COST):
        return None
    chord = Chord.from_id(CHORD + best)
    assert chord is not None
    # Without its root a voicing stands over somebody else's bass: its lowest note is no slash bass.
    rooted = played[chord.root] > 0 and bass != chord.root
    return Chord(chord.root, chord.quality, bass) if rooted else chord


def _missing_cost(quality: str, interval: int) -> float:
    if interval == 0:
        return _NO_ROOT.get(quality, _NO_ROOT_OTHER)
    if interval == 7 and quality != "5":
        return _NO_FIFTH.get(quality, _NO_FIFTH_OTHER)
    if (quality, interval) == ("13", 2):
        return _NO_NINTH_OF_13
    return _NO_OTHER


def _family(tones: tuple[int, ...]) -> str:
    if 4 in tones:
        return "dominant" if 10 in tones else "major"
    return "minor" if 3 in tones else "suspended"


def _tables() -> tuple[F64, F64, F64, F64]:
    """Returns (288, 12) costs of a tone's absence, its presence and its being the bass, and (288,) costs of a chord."""
    missing, foreign, bass = np.zeros((288, 12)), np.zeros((288, 12)), np.zeros((288, 12))
    prior = np.zeros(288)
    for root in range(12):
        for index, (quality, tones) in enumerate(QUALITIES.items()):
            row = root * len(QUALITIES) + index
            prior[row] = _RARITY[quality]
            for interval in range(12):
                pc = (root + interval) % 12
                if interval in tones:
                    missing[row, pc] = _missing_cost(quality, interval)
                    bass[row, pc] = _BASS.get(interval, _BASS_OTHER_TONE)
                else:
                    foreign[row, pc] = _TENSIONS[_family(tones)].get(interval, _FOREIGN_TONE)
                    bass[row, pc] = _BASS_FOREIGN
    return missing, foreign, bass, prior


_MISSING, _FOREIGN, _BASS_COST, _PRIOR = _tables()
_ROOT = np.repeat(np.arange(12), len(QUALITIES))  # (288,)
_IS_DYAD = np.array([quality in _DYADS for _ in range(12) for quality in QUALITIES])
