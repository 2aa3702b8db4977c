"""Plays phrases from a stock instead of between targets: blues licks, and guide tones that are held."""

from __future__ import annotations

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.register import Line, Register, colour_at, is_strong
from engine.data.practice.hands.scales import Harmony

__all__ = ["blues_lick", "long_notes"]

# (onset, length, semitones above the key's tonic): common property of the blues.
_LICKS: tuple[tuple[tuple[float, float, int], ...], ...] = (
    ((0, 0.5, 12), (0.5, 0.5, 10), (1, 0.5, 7), (1.5, 0.5, 6), (2, 0.5, 5), (2.5, 0.5, 3), (3, 0.9, 0)),
    ((0, 0.12, 3), (0.12, 0.38, 4), (0.5, 0.5, 7), (1, 0.5, 9), (1.5, 1.4, 12)),
    ((0, 1 / 3, 7), (1 / 3, 1 / 3, 6), (2 / 3, 1 / 3, 5), (1, 0.5, 3), (1.5, 0.5, 0), (2, 0.9, 0)),
    ((0.5, 0.5, 0), (1, 0.5, 3), (1.5, 0.5, 5), (2, 0.12, 6), (2.12, 0.88, 7), (3, 0.5, 10), (3.5, 0.5, 7)),
    ((0, 0.5, 7), (0.5, 0.5, 9), (1, 0.5, 12), (1.5, 0.5, 9), (2, 0.12, 3), (2.12, 0.38, 4), (2.5, 0.9, 0)),
    ((0, 0.5, 10), (0.5, 0.5, 12), (1.5, 0.5, 10), (2, 0.5, 12), (2.5, 0.5, 7), (3, 0.12, 3), (3.12, 0.8, 4)),
    (
        (0, 1, 12), (1, 1 / 3, 10), (4 / 3, 1 / 3, 7), (5 / 3, 1 / 3, 5), (2, 0.5, 7), (2.5, 0.5, 5), (3, 0.5, 3),
        (3.5, 0.4, 0),
    ),
    ((0, 0.5, 0), (0.5, 0.5, 3), (1, 0.5, 4), (1.5, 0.5, 7), (2, 0.5, 9), (2.5, 1.2, 7)),
)  # fmt: skip


def blues_lick(dice: Dice, harmony: Harmony, tonic: int, start: float, bars: int, register: Register) -> Line:
    """A lick on the key's blues scale, answered once a bar; thirds bend to the chord, long notes to its tones."""
    meter = harmony.chart.beats_per_bar
    base = register.fold(tonic + 60 if register.centre < 72 else tonic + 72)
    lick = dice.pick(_LICKS)
    line: Line = []
    for bar in range(bars):
        if bar and dice.chance(0.6):
            lick = dice.pick(_LICKS)
        for onset, length, semitones in lick:
            if onset >= meter - 0.4:
                break
            beat = start + bar * meter + onset
            colour = colour_at(harmony, beat, length)
            pitch = base + semitones
            if length >= 0.8 or is_strong(beat, harmony):
                pitch = colour.near[pitch]
            elif semitones == 4 and pitch % 12 not in colour.scale:
                pitch -= 1
            line.append((beat, length, register.fold(pitch)))
    if line:
        register.at = line[-1][2]
    return line


def long_notes(dice: Dice, harmony: Harmony, start: float, end: float, register: Register) -> Line:
    """Guide tones: one held note a chord, third or seventh, each the nearest to the one before."""
    line: Line = []
    for index in range(harmony.index(start), harmony.index(end - 0.5) + 1):
        first, last, _ = harmony.spans[index]
        colour = harmony.palettes[index]
        onset, until = max(first, start), min(last, end)
        guide = colour.near[min(register.high, max(register.low, register.at + dice.pick((-1, 0, 1))))]
        if guide % 12 == colour.root:
            guide = colour.tone_down[guide] if dice.chance(0.6) else colour.tone_up[guide]
        register.at = register.fold(guide)
        line.append((onset, until - onset, register.at))
    return line
