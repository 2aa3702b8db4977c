"""Makes a motif, and phrases that develop it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.register import Line, Register, colour_at, is_strong
from engine.data.practice.hands.rhythm import word
from engine.data.practice.hands.scales import Harmony

__all__ = ["Motif", "make_motif", "motif_phrase"]


@dataclass(frozen=True)
class Motif:
    """An idea to develop: rhythm, and each note's distance from the first in scale steps."""

    rhythm: tuple[tuple[float, float], ...]
    steps: tuple[int, ...]


def make_motif(dice: Dice, meter: int, level: int) -> Motif:
    """Draws a motif of one bar, three to eight notes, with a shape that can be recognised."""
    while True:
        rhythm = [*word(dice, 2, max(1, level))]
        beat = 2.0
        while beat < meter:
            beats = 2 if meter - beat >= 2 else 1
            rhythm += [(beat + onset, length) for onset, length in word(dice, beats, min(1, level))]
            beat += beats
        if 3 <= len(rhythm) <= 8:
            break
    steps, at = [0], 0
    direction = dice.pick((-1, 1))
    for _ in rhythm[1:]:
        if dice.chance(0.3):
            direction = -direction
        at += direction * dice.weigh(((6, 1), (3, 2), (1, 3), (0.8, 4), (0.6, 0)))
        steps.append(at)
    return Motif(tuple(rhythm), tuple(steps))


def motif_phrase(dice: Dice, harmony: Harmony, motif: Motif, start: float, bars: int, register: Register) -> Line:
    """Plays the motif, then bar by bar repeats, sequences, inverts, shortens or displaces it, fitted to the chords."""
    meter = harmony.chart.beats_per_bar
    line: Line = []
    anchor = register.fold(harmony.at(start).near[round(0.5 * register.at + 0.5 * register.centre)])
    drift = dice.pick((-2, -1, 1, 2))
    for bar in range(bars):
        rhythm, steps = motif.rhythm, motif.steps
        shift = 0.0
        if bar:
            change = dice.weigh(((4, "repeat"), (5, "sequence"), (1.5, "invert"), (2, "fragment"), (1.5, "displace")))
            if change == "sequence":
                anchor = register.fold(anchor + drift)
            elif change == "invert":
                steps = tuple(-step for step in steps)
            elif change == "fragment":
                half = max(2, len(rhythm) // 2)
                cut = [(onset, length) for onset, length in rhythm[:half] if onset < 2]
                again = [(onset + 2, length) for onset, length in cut if onset + 2 < meter] if dice.chance(0.6) else []
                rhythm, steps = tuple(cut + again), (*steps[: len(cut)], *steps[: len(again)])
            elif change == "displace":
                shift = dice.pick((0.5, 1.0))
        line += _state(harmony, rhythm, steps, start + bar * meter + shift, start + (bar + 1) * meter, anchor, register)
    if line:
        onset, length, pitch = line[-1]
        line[-1] = (onset, max(length, 0.9) if dice.chance(0.5) else length, colour_at(harmony, onset, 1.0).near[pitch])
        register.at = pitch
    return line


def _state(
    harmony: Harmony,
    rhythm: tuple[tuple[float, float], ...],
    steps: tuple[int, ...],
    start: float,
    end: float,
    anchor: int,
    register: Register,
) -> Line:
    """Plays the motif once: steps in the scale of each note's chord, strong and long notes moved onto chord tones."""
    line: Line = []
    before = -1
    for (onset, length), step in zip(rhythm, steps, strict=True):
        beat = start + onset
        if beat > end - 0.4:
            break
        colour = colour_at(harmony, beat, length)
        pitch = colour.near[anchor]
        table = colour.up if step > 0 else colour.down
        for _ in range(abs(step)):
            pitch = table[pitch]
        if length >= 0.75 or is_strong(beat, harmony):
            pitch = colour.near[pitch]
        elif pitch == before and step != 0:
            pitch = table[pitch]
        pitch = register.fold(pitch)
        before = pitch
        line.append((beat, length, pitch))
    return line
