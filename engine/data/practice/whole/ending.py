"""How a performance ends: a last chord that is held, and a ritard before it that the beats follow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import Part
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.plan import Plan, last_tones
from engine.data.practice.timing import MAX_NOTE_S
from engine.notes import Notes

__all__ = ["beats_along", "hold_the_end", "notes_along"]


def hold_the_end(left: Part, right: Part, harmony: Harmony, reach: int) -> None:
    """What is struck on the last bar is held as long as a note may be.

    A hand that came half a beat early waits for the bar, but for what is not of its chord. reach: semitones below its
    top that the right hand takes of what meets there.
    """
    meter, tones = harmony.chart.beats_per_bar, last_tones(harmony)
    last = float((harmony.chart.bars - 1) * meter)
    for part in (left, right):
        early = not any(onset >= last - 0.01 for onset in part.onset)
        stays = [
            onset < last - 0.6
            or (onset < last - 0.3 and not early)
            or (onset < last + 0.3 and pitch % 12 in tones and not last - 0.3 <= onset < last - 0.01)
            for onset, pitch in zip(part.onset, part.pitch, strict=True)
        ]
        part.keep([k for k, stay in enumerate(stays) if stay])
        for k, onset in enumerate(part.onset):
            if early and onset >= last - 0.6:
                part.onset[k] = onset = last
            if onset >= last - 0.01:
                part.length[k] = max(part.length[k], meter * 1.6)
            else:
                part.length[k] = min(part.length[k], last - 0.05 - onset)
    struck = [pitch for onset, pitch in zip(right.onset, right.pitch, strict=True) if onset >= last - 0.01]
    lowest = max(struck, default=0) - reach
    right.keep([k for k, onset in enumerate(right.onset) if onset < last - 0.01 or right.pitch[k] >= lowest])


def beats_along(dice: Dice, plan: Plan, tempo_bpm: float) -> npt.NDArray[np.float64]:
    """(beats + 1,) seconds: even, but for a ritard over the last bars of slower pieces."""
    beats = plan.chart.beats
    gaps = np.full(beats, 60.0 / tempo_bpm)
    if dice.chance(0.75 if tempo_bpm < 110 else 0.3 if tempo_bpm < 180 else 0.1):
        length = plan.chart.beats_per_bar * dice.pick((1, 2, 2))
        first = beats - plan.chart.beats_per_bar - length
        if first > 0:
            much = dice.between(0.2, 0.6)
            gaps[first : first + length] *= 1.0 + much * (np.arange(length) + 1) / length
            gaps[first + length :] *= 1.0 + much
    beats_s = np.concatenate([[0.0], np.cumsum(gaps)])
    return np.asarray(np.rint(beats_s * 1e6) / 1e6, dtype=np.float64)


def notes_along(notes: Notes, beats_s: npt.NDArray[np.float64], tempo_bpm: float) -> Notes:
    """(N,) notes of an even tempo, along the beats as they are."""
    moved: Notes = notes.copy()
    beat_s = 60.0 / tempo_bpm
    beat = np.arange(len(beats_s))
    last_s = beats_s[-1] - beats_s[-2]
    for name in ("onset_s", "offset_s"):
        at = notes[name] / beat_s
        inside = np.interp(at, beat, beats_s) + np.maximum(0.0, at - beat[-1]) * last_s
        moved[name] = np.rint(inside * 1e4) / 1e4
    moved["offset_s"] = np.minimum(moved["offset_s"], moved["onset_s"] + MAX_NOTE_S)
    return moved
