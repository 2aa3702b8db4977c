"""What a right hand adds under its own melody, and chords that both hands strike together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.hands.solo import Manner
from engine.data.practice.hands.voicings import RANGES, voicing

__all__ = ["inner_chords", "inner_figures", "together"]

HELD = 1.0  # beats that a note must be held for
REACH = 12  # semitones below it that the hand can reach
STABS = ((0.5,), (0.5,), (1.0,), (0.5, 1.5), (0.5, 1.0), (1.0, 1.5))  # beats after the note


def inner_chords(dice: Dice, harmony: Harmony, part: Part, first: float, stop: float, share: float, low: int) -> None:
    """Strikes two or three chord tones under held notes from beat `first` to `stop`; the note above rings on.

    share: of the held notes. low: the lowest pitch that is the right hand's.
    """
    for k, onset, until in list(_held(part, first, stop)):
        if not dice.chance(share):
            continue
        stabs = [onset + after for after in dice.pick(STABS) if onset + after < until - 0.3]
        for n, beat in enumerate(stabs):
            ends = min(until, stabs[n + 1] if n + 1 < len(stabs) else until)
            tones = _tones(harmony, beat)
            pitches = _under(part.pitch[k], tones, low, dice.pick((2, 3, 3)))
            if len(pitches) == 1 and len(tones) > 1:
                continue
            length = min(ends - beat, dice.pick((0.3, 0.45, 0.9)))
            for pitch in pitches:
                part.add(beat, length, pitch, part.accent[k] - dice.between(9.0, 14.0), dice.between(0, 5))


def inner_figures(
    dice: Dice, harmony: Harmony, part: Part, first: float, stop: float, share: float, low: int, step: float
) -> None:
    """Breaks the chord under held notes, in notes of `step` beats, downward and up again, as in slow pieces."""
    for k, onset, until in list(_held(part, first, stop)):
        if not dice.chance(share):
            continue
        rests, at = dice.pick((1, 1, 2)), 0
        for n in range(rests, int((until - onset - 0.1) / step) + 1):
            beat = onset + n * step
            pitches = _under(part.pitch[k], _tones(harmony, beat), low, 3)
            if len(pitches) < 2:
                continue
            path = [*pitches, *pitches[-2:0:-1]]
            length = min(2.0 * step, until - beat)
            part.add(beat, length, path[at % len(path)], part.accent[k] - dice.between(10.0, 15.0))
            at += 1


def together(harmony: Harmony, left: Part, right: Part, first: float, stop: float, manner: Manner) -> None:
    """From beat `first` to `stop` the left hand strikes chords with the right hand's chords and octaves alone."""
    kind = next((kind for kind in ("rootless", "three", "shell") if RANGES[kind][1] < manner.low), "shell")
    left.rest(first - 0.3, stop - 0.3)
    previous: tuple[int, ...] = ()
    lengths: dict[float, float] = {}
    counts = Counter(right.onset)
    for onset, length in zip(right.onset, right.length, strict=True):
        if first - 0.3 <= onset < stop - 0.3:
            lengths[onset] = max(length, lengths.get(onset, 0.0))
    moments = sorted(lengths)
    for n, onset in enumerate(moments):
        until = moments[n + 1] if n + 1 < len(moments) else stop
        if lengths[onset] < max(0.4, manner.shortest - 0.05) or counts[onset] < 2:
            continue
        early = 0.5 if onset % 1 >= 0.5 and lengths[onset] > 0.5 else 0.0
        index = harmony.index(min(onset + early, harmony.chart.beats - 0.5))
        previous = voicing(kind, harmony.chords[index], harmony.palettes[index], previous)
        length = min(lengths[onset], until - onset)
        left.chord(onset, length, [pitch for pitch in previous if pitch < manner.low], 2.0, 2.0)


def _held(part: Part, first: float, stop: float) -> Iterator[tuple[int, float, float]]:
    """(place, onset, end) of the notes of the top line that are held alone, from beat `first` to `stop`."""
    tops: dict[float, int] = {}  # onset -> place of the highest note struck there
    for k, onset in enumerate(part.onset):
        if first <= onset < stop and (onset not in tops or part.pitch[k] > part.pitch[tops[onset]]):
            tops[onset] = k
    moments = sorted(tops)
    for at, onset in enumerate(moments):
        k = tops[onset]
        until = min(onset + part.length[k], moments[at + 1] if at + 1 < len(moments) else stop)
        if until - onset >= HELD:
            yield k, onset, until


def _tones(harmony: Harmony, beat: float) -> frozenset[int]:
    """Returns the chord tones of a beat; on the last offbeat before a change, those of the chord to come."""
    early = 0.5 if beat % 1 >= 0.5 else 0.0
    return harmony.at(min(beat + early, harmony.chart.beats - 1e-6)).tones


def _under(top: int, tones: frozenset[int], low: int, most: int) -> list[int]:
    """Returns chord tones below a note, at least a third below it and a third apart, the highest first."""
    pitches: list[int] = []
    at = top - 3
    while len(pitches) < most and at >= max(low, top - REACH):
        if at % 12 in tones and (not pitches or pitches[-1] - at >= 3):
            pitches.append(at)
        at -= 1
    return pitches
