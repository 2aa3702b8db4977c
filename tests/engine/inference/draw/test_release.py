"""Notes foreign to a new chord want to end; no other logit changes."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chords import Chord
from engine.inference.draw.release import CHORD_TONES, RELEASE, let_go
from engine.vocabulary import NO_CHORD, NOTE_OFF

C_MAJOR = Chord(0, "").id
LOGITS = np.random.default_rng(0).normal(size=400).astype(np.float32)


def changed(onsets: dict[int, int], chord_id: int, chord_step: int, strength: float = 1.0) -> dict[int, float]:
    """Pitch -> what was added to the logit of its end."""
    more = let_go(LOGITS, onsets, chord_id, chord_step, np.float32(strength)) - LOGITS
    return {int(token) - NOTE_OFF: float(more[token]) for token in np.flatnonzero(more)}


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_what_is_held_and_foreign_wants_to_end_as_much_as_chords_are_heeded(strength: float) -> None:
    more = changed({61: 10, 60: 10, 73: 90, 85: 100, 66: 99}, C_MAJOR, 100, strength)
    assert set(more) == {61, 66, 73}  # 60 belongs to the chord, 85 was struck under it
    assert list(more.values()) == pytest.approx([RELEASE * strength] * 3, rel=1e-5)


def test_without_a_chord_or_at_strength_0_nothing_changes() -> None:
    assert changed({61: 10}, NO_CHORD, 100) == {}
    assert changed({61: 10}, C_MAJOR, 100, 0.0) == {}
    assert changed({}, C_MAJOR, 100) == {}


def test_tones_are_those_of_the_chords() -> None:
    assert CHORD_TONES[0] == 0xFFF
    assert CHORD_TONES[C_MAJOR - NO_CHORD] == 1 << 0 | 1 << 4 | 1 << 7
    assert len(CHORD_TONES) == 289
