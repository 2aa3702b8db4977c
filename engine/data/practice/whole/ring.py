"""The pedal: what rings on after its key is let go, until the harmony or a neighbouring note ends it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import inf

from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony

__all__ = ["pedal", "ring_on"]

CLASH = 2  # semitones within which a new note ends an older one that rings
MANY = 7  # later notes that a ringing one may outlast
REST = 0.3  # beats of silence that end all that rings


def pedal(part: Part, harmony: Harmony, lines: Sequence[tuple[float, float]] = ()) -> None:
    """Notes of half a beat and more ring until the next chord, at most four beats; not in `lines`, beats (first, stop).

    A chord that comes early ends the one before it.
    """
    spans = [harmony.index(onset + (0.5 if onset % 1 >= 0.5 else 0.0)) for onset in part.onset]
    begins: dict[int, float] = {}  # span -> its first strike
    for span, onset in zip(spans, part.onset, strict=True):
        begins[span] = min(onset, begins.get(span, inf))
    for k, onset in enumerate(part.onset):
        if part.length[k] >= 0.45 and not any(first <= onset < stop for first, stop in lines):
            until = min(harmony.spans[spans[k]].end_beat - 0.08, onset + 4.0, begins.get(spans[k] + 1, inf) - 0.02)
            part.length[k] = max(part.length[k], until - onset)


def ring_on(part: Part, harmony: Harmony, most: float, melodies: Sequence[tuple[float, float]]) -> None:
    """Chord tones ring up to `most` beats, while their chord lasts, no neighbour is struck and the hand plays on.

    melodies: beats (first, stop) in which the top line keeps its lengths, so that it can be told from what is below.
    """
    order = sorted(range(len(part.onset)), key=part.onset.__getitem__)
    onset, pitch = [part.onset[k] for k in order], [part.pitch[k] for k in order]
    length = [part.length[k] for k in order]
    top, rests = _tops(onset, pitch), _next_rests(onset, length)
    songs = iter([*melodies, (inf, inf)])
    first, stop = next(songs)
    for k, now in enumerate(onset):
        while now >= stop:
            first, stop = next(songs)
        span = harmony.index(now + (0.5 if now % 1 >= 0.5 else 0.0))
        if (top[k] and first <= now) or pitch[k] % 12 not in harmony.palettes[span].tones:
            continue
        until = min(now + most, harmony.spans[span].end_beat - 0.06, rests[k])
        for after in range(k + 1, len(onset)):
            if onset[after] >= until:
                break
            if onset[after] > now and (abs(pitch[after] - pitch[k]) <= CLASH or after - k > MANY):
                until = onset[after] - 0.02
                break
        part.length[order[k]] = max(length[k], until - now)


def _next_rests(onset: list[float], length: list[float]) -> list[float]:
    """(N,) beats at which the hand first rests after each of its notes, as they are written."""
    reach = list(accumulate((at + held for at, held in zip(onset, length, strict=True)), max))
    rests = reach[:]
    for k in range(len(onset) - 2, -1, -1):
        if onset[k + 1] - reach[k] <= REST:
            rests[k] = rests[k + 1]
    return rests


def _tops(onset: list[float], pitch: list[int]) -> list[bool]:
    """Whether each note is the highest of those struck with it."""
    highest: dict[float, int] = {}
    for at, key in zip(onset, pitch, strict=True):
        highest[at] = max(highest.get(at, 0), key)
    return [key == highest[at] for at, key in zip(onset, pitch, strict=True)]
