"""Notes as the model sees them begin at their first note's step, wherever that lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import tokens
from engine.midi_io.tempo_map import TempoMap
from engine.notes import Notes, make_notes
from engine.tokens import decode_notes, encode_notes
from engine.vocabulary import NUM_SHIFTS, STEP_S, TIME_SHIFT
from tests.support.native_variants import compiled, each_variant, needs_compiled, python


def begins_at(onset_s: float) -> Notes:
    """Three notes, the first of them there."""
    onsets_s = onset_s + np.array([0.0, 0.5, 0.75])
    return make_notes(onsets_s, onsets_s + 0.4, [60, 62, 64], [64, 64, 90])


@each_variant
@pytest.mark.parametrize("stretch", [1.0, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0, 1 / 3, 1.0123])
def test_a_performance_may_begin_at_any_multiple_of_the_grid(
    lib: Any, stretch: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch there and back leaves a time beside its step by what floats lose: 5e-17 s before it, or after it."""
    monkeypatch.setattr(tokens, "native", lib)
    at_zero = encode_notes(begins_at(0.0))[0].tolist()
    for step in range(500):
        for onset_s in (
            step * STEP_S,
            step / 100,
            step * STEP_S * stretch / stretch,
            step / stretch * STEP_S * stretch,
        ):
            ids, begin_s = encode_notes(begins_at(onset_s))
            assert begin_s == pytest.approx(step * STEP_S, abs=1e-9)
            assert ids.tolist() == at_zero, (step, onset_s)


@pytest.mark.parametrize("bpm", [120, 60, 100, 97.3, 44, 250])
@pytest.mark.parametrize("division", [24, 96, 480, 960])
def test_a_performance_may_begin_at_any_tick_of_a_file(bpm: float, division: int) -> None:
    to_seconds = TempoMap.from_division(division, [(0, round(60e6 / bpm))]).to_seconds
    for tick in range(0, 5 * division, max(1, division // 50)):
        onset_s = float(to_seconds([tick])[0])
        notes = begins_at(onset_s)
        ids, begin_s = encode_notes(notes)
        assert begin_s - 1e-6 <= onset_s < begin_s + STEP_S
        assert not TIME_SHIFT < ids[0] < TIME_SHIFT + NUM_SHIFTS, "no wait but that to the nearer of two steps"
        np.testing.assert_allclose(
            decode_notes(ids)["onset_s"] + begin_s, notes["onset_s"], atol=STEP_S / 2 + 1e-9, rtol=0
        )


@needs_compiled
def test_both_variants_write_the_same_ids_wherever_a_performance_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    starts_s = np.concatenate([np.arange(500) / 100, draw.uniform(0, 900, 500), draw.integers(0, 90_000, 500) / 100])
    for onset_s in starts_s.tolist():
        written = []
        for lib in (compiled, python):
            monkeypatch.setattr(tokens, "native", lib)
            ids, begin_s = encode_notes(begins_at(onset_s))
            written.append((ids.tolist(), begin_s))
        assert written[0] == written[1], onset_s
