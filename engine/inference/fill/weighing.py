"""How good a way through a gap is: what it leads to first, then how it fits the take, the chords and what is asked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from engine.inference.fill.gap import Gap, Struck

__all__ = ["WEIGHTS", "Scores", "figures_of", "weigh"]

FIGURE = 5  # notes
RESTRIKE_STEPS = 30
WEIGHTS = {
    "ahead": -1.0,  # nats a token of what follows
    "own": -0.1,  # nats a token of the new notes: a little, as the likeliest music is the dullest
    "chord_tones": 0.15,
    "unlike": -0.1,
    "restrikes": -0.3,
    "silence": -0.4,
    "copied": -0.4,
}
"""What each score is worth in nats a token of what follows."""


@dataclass(frozen=True)
class Scores:
    """ahead: nats a token of the music after the gap. own: of what happens in it. chord_tones: share of the sounding
    time on tones of the chord in force. unlike: how far notes a second, loudness and register lie from the take's: 1 is
    twice as many notes, or 25 in velocity, or an octave. restrikes: share of notes that repeat a key within 0.3 s.
    silence: share of the gap without a sound. copied: share of its five-note figures that stand in the take, pitch by
    pitch. total: WEIGHTS over the others; the higher the better.
    """

    ahead: float
    own: float
    chord_tones: float
    unlike: float
    restrikes: float
    silence: float
    copied: float
    total: float

    def as_dict(self) -> dict[str, float]:
        """By name, to four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:g}" for name, value in self.as_dict().items())


Tones = Callable[[int], frozenset[int] | None]
"""A step -> the pitch classes of the chord in force; None: no chord."""


def weigh(gap: Gap, notes: Sequence[Struck], ahead_nats: float, tones: Tones, own_nats: float = 0.0) -> Scores:
    """The scores of new notes, as lawful() leaves them, together with what stays in the gap.

    ahead_nats, own_nats: nats a token of the music after the gap and in it; 0 where nobody has read them.
    """
    inside = sorted((*notes, *gap.kept))
    take = [note for note in (*gap.left, *gap.right) if gap.begin - 2000 <= note.step < gap.end + 2000]
    parts = {
        "ahead": ahead_nats,
        "own": own_nats,
        "chord_tones": _chord_tones(notes, tones),
        "unlike": _unlike(gap, inside, take),
        "restrikes": _restrikes(inside) if inside else 0.0,
        "silence": _silence(gap, inside),
        "copied": _copied(notes, gap),
    }
    return Scores(**parts, total=sum(WEIGHTS[name] * value for name, value in parts.items()))


def figures_of(notes: Sequence[Struck]) -> set[tuple[int, ...]]:
    """The five-note figures of the highest notes, pitch by pitch."""
    top: dict[int, int] = {}
    for note in notes:
        top[note.step // 5] = max(top.get(note.step // 5, 0), note.pitch)
    line = [top[at] for at in sorted(top)]
    return {tuple(line[i : i + FIGURE]) for i in range(len(line) - FIGURE + 1)}


def _chord_tones(notes: Sequence[Struck], tones: Tones) -> float:
    """Of each note its first second under the chord that it is struck over; 1 where no chord is known."""
    inside = total = 0
    for note in notes:
        chord = tones(note.step + 4)  # what is struck a little early belongs to the chord that comes
        if chord is not None:
            length = min(note.end - note.step, 100)
            total += length
            inside += length * (note.pitch % 12 in chord)
    return inside / total if total else 1.0


def _unlike(gap: Gap, notes: Sequence[Struck], take: Sequence[Struck]) -> float:
    if not take:
        return 0.0
    span = max(1, max(note.step for note in take) - min(note.step for note in take) - (gap.end - gap.begin))
    wanted, here = len(take) / span, len(notes) / (gap.end - gap.begin)
    distance = abs(math.log2(max(here, wanted / 8) / wanted))
    if notes:
        distance += abs(float(np.mean([n.velocity for n in notes]) - np.mean([n.velocity for n in take]))) * 4 / 25
        distance += abs(float(np.mean([n.pitch for n in notes]) - np.mean([n.pitch for n in take]))) / 12
    return distance


def _restrikes(notes: Sequence[Struck]) -> float:
    last: dict[int, int] = {}
    count = 0
    for note in notes:
        count += note.step - last.get(note.pitch, -RESTRIKE_STEPS) < RESTRIKE_STEPS
        last[note.pitch] = note.step
    return count / len(notes)


def _silence(gap: Gap, notes: Sequence[Struck]) -> float:
    sounding = np.zeros(gap.end - gap.begin, dtype=bool)
    for note in (*notes, *gap.standing):
        sounding[max(0, note.step - gap.begin) : max(0, note.end - gap.begin)] = True
    return float(1 - sounding.mean())


def _copied(notes: Sequence[Struck], gap: Gap) -> float:
    mine = figures_of(notes)
    return len(mine & figures_of((*gap.left, *gap.removed, *gap.right))) / len(mine) if mine else 0.0
