"""Makes notes end when the chord changes: those held from the last chord that the new one does not contain.

Pianists change the pedal with the chord: of the notes they strike, 3 % sound on into a chord that they are foreign to;
of the model's, 10 %. So the ends of such notes are made likelier, in proportion to the chord strength. This is the
specification of native/src/stream/release.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.arrays import F32
from engine.chords import Chord
from engine.vocabulary import NO_CHORD, NOTE_OFF, NUM_CHORDS

__all__ = ["CHORD_TONES", "RELEASE", "let_go"]

RELEASE = 3.0
"""Added to the logit of each such end, times the chord strength."""


def _tones(token: int) -> int:
    chord = Chord.from_id(token)
    return 0xFFF if chord is None else sum(1 << pitch for pitch in set(chord.pitch_classes()))


CHORD_TONES = tuple(_tones(NO_CHORD + i) for i in range(1 + NUM_CHORDS))
"""By chord id less NO_CHORD: bit p is set where pitch class p belongs to the chord; all of them without a chord."""


def let_go(logits: F32, onsets: Mapping[int, int], chord_id: int, chord_step: int, strength: np.float32) -> F32:
    """Returns (400,) logits in which notes struck before chord_step and foreign to the chord are likelier to end.

    onsets: sounding pitch -> step it was struck at.
    """
    tones = CHORD_TONES[chord_id - NO_CHORD]
    held = [pitch for pitch, step in onsets.items() if step < chord_step and not tones >> pitch % 12 & 1]
    if not held:
        return logits
    result: F32 = logits.copy()
    result[NOTE_OFF + np.array(held)] += np.float32(RELEASE) * strength
    return result
