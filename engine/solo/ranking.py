"""Several ways are put in order, and how different they are is one number beside their scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from engine.chords import Chart
from engine.inference.fill.gap import Gap, Struck
from engine.inference.fill.weighing import Scores, weigh
from engine.notes import Notes
from engine.solo.improvise import Solo
from engine.vocabulary import STEP_S, velocity_bin

__all__ = ["diversity", "solo_scores", "struck"]

NEAR_STEPS = 12  # strikes of one key so close are one and the same


def diversity(ways: Sequence[Sequence[Struck]]) -> float:
    """Returns the share of strikes that only one of two ways has, mean over all pairs: 0 the same, 1 nothing common."""
    strikes = [{(note.step // NEAR_STEPS, note.pitch) for note in notes} for notes in ways]
    shares = [len(one ^ two) / max(1, len(one | two)) for one, two in combinations(strikes, 2)]
    return sum(shares) / len(shares) if shares else 0.0


def struck(notes: Notes) -> list[Struck]:
    """Returns notes in seconds as strikes on the model's grid, in order."""
    rows = zip(
        np.rint(notes["onset_s"] / STEP_S).astype(np.int64).tolist(),
        np.rint(notes["offset_s"] / STEP_S).astype(np.int64).tolist(),
        notes["pitch"].tolist(),
        velocity_bin(notes["velocity"].astype(np.int64)).tolist(),
        strict=True,
    )
    return sorted(Struck(on, max(off, on + 1), pitch, velocity) for on, off, pitch, velocity in rows)


def solo_scores(solo: Solo, chart: Chart) -> Scores:
    """Scores a whole solo, as a gap with nothing on either side."""
    beat_steps = 60.0 / solo.tempo_bpm / STEP_S
    onsets = np.array([span.start_beat for span in chart.spans]) * beat_steps
    chords = [None if span.chord is None else frozenset(span.chord.pitch_classes()) for span in chart.spans]

    def tones(step: int) -> frozenset[int] | None:
        return chords[max(0, int(np.searchsorted(onsets, step, side="right")) - 1)]

    gap = Gap(0, max(1, round(solo.length_s / STEP_S)), (), (), (), ())
    return weigh(gap, struck(solo.notes), 0.0, tones, own_nats=solo.nats)
