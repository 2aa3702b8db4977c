"""Rhythms of a right hand, written as musicians count them, and phrases built of them."""

from __future__ import annotations

from engine.data.practice.hands.dice import Dice

__all__ = ["Beats", "phrase_rhythm", "word"]

Beats = list[tuple[float, float]]
"""(onset, length) in beats, rising."""

_VALUES = {"2": 2.0, "4.": 1.5, "4": 1.0, "8.": 0.75, "8": 0.5, "16": 0.25, "t": 1 / 3, "T": 2 / 3, "s": 1 / 6}

# Half-bar words by liveliness, then one-beat words. r: rest; t, T: one and two thirds of a beat; s: a sixth.
_HALVES = (
    ("2", "4. 8", "r8 4.", "4 4", "r4 4", "4 r4", "8 r4 8", "r4 8 8", "r8 4 8", "8 4.", "r4. 8"),
    ("8 8 4", "4 8 8", "8 4 8", "r8 8 8 8", "8 8 8 8", "4. 8", "r8 8 4", "t t t 4", "8 8 r8 8", "4 T t", "8. 16 4"),
    ("8 8 8 8", "8 8 8 8", "8 8 8 8", "8 8 8 8", "r8 8 8 8", "8 8 8 r8", "t t t 8 8", "8 8 t t t", "8 4 8", "8 8 4"),
    (
        "16 16 16 16 16 16 16 16", "16 16 16 16 8 8", "8 8 16 16 16 16", "8 16 16 16 16 16 16", "t t t t t t",
        "16 16 16 16 4",
    ),
    (
        "s s s s s s s s s s s s", "s s s s s s 8 8", "16 16 16 16 s s s s s s", "16 16 16 16 16 16 16 16",
        "t t t s s s s s s", "8 16 16 s s s s s s",
    ),
)  # fmt: skip
_BEATS = (
    ("4", "r8 8", "4", "8 8", "r4"),
    ("8 8", "4", "t t t", "r8 8", "8. 16"),
    ("8 8", "8 8", "8 8", "t t t", "r8 8"),
    ("16 16 16 16", "8 16 16", "16 16 8", "t t t"),
    ("s s s s s s", "16 16 16 16", "t t t"),
)


def _read(text: str) -> Beats:
    beat, row = 0.0, []
    for value in text.split():
        length = _VALUES[value.lstrip("r")]
        if not value.startswith("r"):
            row.append((beat, length))
        beat += length
    return row


_HALF_WORDS = tuple(tuple(_read(text) for text in words) for words in _HALVES)
_BEAT_WORDS = tuple(tuple(_read(text) for text in words) for words in _BEATS)


def word(dice: Dice, beats: int, level: int) -> Beats:
    """Draws the rhythm of one or two beats; level 0 sparse, 1 mixed, 2 eighths, 3 double time, 4 sextuplets."""
    return dice.pick((_BEAT_WORDS if beats == 1 else _HALF_WORDS)[level])


def phrase_rhythm(dice: Dice, start: float, end: float, meter: int, level: int, lively: int) -> Beats:
    """Notes from start to end, its last one held. Words lie on half bars (in three: two beats and one).

    lively: the highest level that the tempo allows; now and then a word goes one level up.
    """
    rhythm: Beats = []
    beat = start - start % 1
    while beat < end - 1e-6:
        in_bar = round(beat) % meter
        beats = 2 if in_bar + 2 <= meter and (meter == 4 or in_bar == 0) and in_bar % 2 == 0 else 1
        now = min(lively, level + 1) if dice.chance(0.14) else max(0, level - 1) if dice.chance(0.14) else level
        rhythm += [(beat + onset, length) for onset, length in word(dice, beats, now)]
        beat += beats
    rhythm = [(onset, length) for onset, length in rhythm if start - 1e-6 <= onset < end - 1e-6]
    if rhythm:  # the last note rings into the rest
        onset, length = rhythm[-1]
        rhythm[-1] = (onset, max(length, min(2.0, end - onset)) if dice.chance(0.6) else min(length, 0.5))
    return rhythm
