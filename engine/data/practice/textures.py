"""What a right hand adds under its own melody: inner chords while a note is held, as pianists comp for themselves."""

from __future__ import annotations

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony

__all__ = ["inner_chords"]

HELD = 1.0  # beats that a note must be held for
REACH = 12  # semitones below it that the hand can reach
STABS = ((0.5,), (0.5,), (1.0,), (0.5, 1.5), (0.5, 1.0), (1.0, 1.5))  # beats after the note


def inner_chords(dice: Dice, harmony: Harmony, part: Part, first: float, stop: float, share: float, low: int) -> None:
    """Strikes two or three chord tones under held notes from beat `first` to `stop`; the note above rings on.

    share: of the held notes. low: the lowest pitch that is the right hand's.
    """
    tops: dict[float, int] = {}  # onset -> place of the highest note struck there
    for k, onset in enumerate(part.onset):
        if first <= onset < stop and (onset not in tops or part.pitch[k] > part.pitch[tops[onset]]):
            tops[onset] = k
    moments = sorted(tops)
    for at, onset in enumerate(moments):
        k = tops[onset]
        until = min(onset + part.length[k], moments[at + 1] if at + 1 < len(moments) else stop)
        if until - onset < HELD or not dice.chance(share):
            continue
        stabs = [onset + after for after in dice.pick(STABS) if onset + after < until - 0.3]
        for n, beat in enumerate(stabs):
            ends = min(until, stabs[n + 1] if n + 1 < len(stabs) else until)
            early = 0.5 if beat % 1 >= 0.5 else 0.0  # struck on the last offbeat it is the chord to come
            tones = harmony.at(min(beat + early, harmony.chart.beats - 1e-6)).tones
            pitches = _under(part.pitch[k], tones, low, dice.pick((2, 2, 3)))
            if len(pitches) == 1 and len(tones) > 1:
                continue
            length = min(ends - beat, dice.pick((0.3, 0.45, 0.9)))
            for pitch in pitches:
                part.add(beat, length, pitch, part.accent[k] - dice.between(9.0, 14.0), dice.between(0, 5))


def _under(top: int, tones: frozenset[int], low: int, most: int) -> list[int]:
    """Returns chord tones below a note, at least a third below it and a third apart, the highest first."""
    pitches: list[int] = []
    at = top - 3
    while len(pitches) < most and at >= max(low, top - REACH):
        if at % 12 in tones and (not pitches or pitches[-1] - at >= 3):
            pitches.append(at)
        at -= 1
    return pitches
