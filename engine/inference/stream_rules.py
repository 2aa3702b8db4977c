"""The rules that both token loops follow, the compiled one and its twin in Python, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence

import native
from engine.inference.draw.leaning import LEANING
from engine.inference.draw.release import CHORD_TONES, RELEASE
from engine.inference.draw.steering import STEERING
from engine.inference.draw.theme import THEME
from engine.model.controls import Control
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import NO_CHORD, STEP_S

__all__ = ["MAX_NOTE_STEPS", "PHRASE_GRACE_S", "RESTRIKE_STEPS", "stream_rules"]

MAX_NOTE_STEPS = round(4.5 / STEP_S)  # 99 % of the notes it learned from are shorter: the model forgot this one
RESTRIKE_STEPS = round(0.08 / STEP_S)  # a key repeats no faster than 12 times a second under a pianist's hands
PHRASE_GRACE_S = 0.04  # a bar counts from a little before its line: what is struck early belongs to it


def stream_rules(controls: Sequence[Control]) -> native.StreamRules:
    """Returns the rules of a stream whose model was trained with these controls, in the order of its config."""
    names = [control.name for control in controls]
    phrase, ending = (names.index(name) if name in names else -1 for name in ("phrase", "ending"))
    return native.StreamRules(
        MAX_NOTE_STEPS, RESTRIKE_STEPS, BEAT_BINS, BAR_BINS, NO_CHORD, CHORD_CLIP, CHORDS_BACK, CHORDS_AHEAD,
        leaning=LEANING.tolist(), release=RELEASE, chord_tones=CHORD_TONES,
        controls=len(names), phrase_control=phrase, phrase_bars=controls[phrase].levels if phrase >= 0 else 1,
        phrase_grace_s=PHRASE_GRACE_S, ending_control=ending,
        ending_edges_s=controls[ending].edges if ending >= 0 else (), steering=STEERING, theme=THEME,
    )  # fmt: skip
