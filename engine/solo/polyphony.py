"""The most notes at once, once more, where feel has moved them: a quantised note may begin before another's end."""

from __future__ import annotations

import numpy as np

from engine.notes import Notes
from engine.vocabulary import STEP_S

__all__ = ["at_most"]

_EPSILON_S = 1e-9


def at_most(notes: Notes, polyphony: int) -> Notes:
    """(N,) notes -> (M,) of them, of which no more than `polyphony` sound at once.

    Where one too many is struck, the one that would end first ends there. One that began in the same grid step has no
    time to sound, and is left out where there is no other.
    """
    offset_s, onset_s = notes["offset_s"].copy(), notes["onset_s"]
    kept = np.ones(len(notes), dtype=bool)
    sounding: list[int] = []
    for i in range(len(notes)):
        now_s = onset_s[i]
        sounding = [j for j in sounding if offset_s[j] > now_s + _EPSILON_S]
        sounding.append(i)
        if len(sounding) > polyphony:
            # Of those that have sounded, if there are any: fewer notes are lost.
            first = min(sounding, key=lambda j: (now_s - onset_s[j] < STEP_S, offset_s[j]))
            offset_s[first], kept[first] = now_s, now_s - onset_s[first] >= STEP_S
            sounding.remove(first)
    limited = notes.copy()
    limited["offset_s"] = offset_s
    within: Notes = limited[kept]
    return within
