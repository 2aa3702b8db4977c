"""Notes are arrays in order of onset, then pitch."""

from __future__ import annotations

import numpy as np

from engine.notes import NOTE_DTYPE, Performance, make_notes


def test_notes_are_ordered_by_onset_then_pitch() -> None:
    notes = make_notes([1.0, 0.5, 1.0, 0.5], [2.0, 0.6, 1.5, 0.9], [60, 72, 48, 70], [1, 2, 3, 4])
    assert notes.dtype == NOTE_DTYPE
    assert list(zip(notes["onset_s"], notes["pitch"], notes["velocity"], strict=True)) == [
        (0.5, 70, 4), (0.5, 72, 2), (1.0, 48, 3), (1.0, 60, 1),
    ]  # fmt: skip
    assert list(notes["offset_s"]) == [0.9, 0.6, 1.5, 2.0]


def test_no_notes_are_an_empty_array() -> None:
    assert make_notes([], [], [], []).shape == (0,)


def test_a_performance_knows_nothing_by_default() -> None:
    performance = Performance(make_notes([0], [1], [60], [64]))
    for column in (performance.pedal_s, performance.pedal_down, performance.beats_s, performance.beat_in_bar):
        assert len(column) == 0
    assert performance.pedal_down.dtype == np.bool_
