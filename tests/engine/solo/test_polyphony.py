"""However notes are moved, no more sound at once than was asked for, and none is moved for it but its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chords import parse_chart
from engine.model.checkpoint import load_checkpoint
from engine.notes import Notes, make_notes
from engine.solo.improvise import improvise
from engine.solo.polyphony import at_most
from osc_protocol.table.parameters import settings


def most_at_once(notes: Notes) -> int:
    changes = [(note["offset_s"], 0) for note in notes] + [(note["onset_s"], 1) for note in notes]
    counts = np.cumsum([1 if starts else -1 for _, starts in sorted(changes)])
    return int(counts.max(initial=0))


rows = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(40, 50)), max_size=30)


@given(rows, st.integers(1, 16))
def test_no_more_sound_at_once_and_only_ends_move(rows: list[tuple[int, int, int]], polyphony: int) -> None:
    notes = make_notes(
        [on / 50 for on, _, _ in rows], [(on + length) / 50 for on, length, _ in rows], [p for *_, p in rows],
        [64] * len(rows),
    )  # fmt: skip
    limited = at_most(notes, polyphony)
    assert most_at_once(limited) <= polyphony
    assert (limited["offset_s"] > limited["onset_s"]).all()
    before = {(note["onset_s"], note["pitch"], note["velocity"]) for note in notes}
    assert {(note["onset_s"], note["pitch"], note["velocity"]) for note in limited} <= before
    assert set(limited["onset_s"]) == set(notes["onset_s"]), "a moment lost all of its notes"
    if most_at_once(notes) <= polyphony:
        assert np.array_equal(limited, notes)


@pytest.mark.parametrize("polyphony", [1, 2, 8])
@pytest.mark.parametrize("feel", [{"quantise": 1.0}, {"swing": 0.7}, {"humanise": 1.0}, {}])
def test_a_solo_has_no_more_notes_at_once_than_asked_whatever_its_feel(polyphony: int, feel: dict[str, Any]) -> None:
    chart = parse_chart("Dm7 | G7 | Cmaj7 | Am7").fill(4)
    params = settings(polyphony=polyphony, density=0.9, **feel)
    solo = improvise(load_checkpoint(), chart, tempo_bpm=160, seed=3, params=params)
    assert len(solo.notes) > 8
    assert most_at_once(solo.notes) <= polyphony
