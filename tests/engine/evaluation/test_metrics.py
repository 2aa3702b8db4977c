"""Counts of a solo, by hand."""

from __future__ import annotations

import pytest

from engine.chords import parse_chart
from engine.evaluation.metrics import chord_tone_share, longest_rest_s
from engine.notes import make_notes

CHART = parse_chart("C | F")  # at 120 bpm two seconds each


@pytest.mark.parametrize(
    ("notes", "share"),
    [
        ([(0.0, 1.0, 60)], 1.0),
        ([(0.0, 1.0, 61)], 0.0),
        ([(0.0, 1.0, 60), (0.0, 1.0, 61)], 0.5),
        ([(1.0, 3.0, 64)], 0.5),  # E belongs to C, not to F
        ([(1.0, 3.0, 60)], 1.0),  # C belongs to both
        ([], 0.0),
    ],
)
def test_chord_tone_share_weighs_by_sounding_time(notes: list[tuple[float, float, int]], share: float) -> None:
    columns = list(zip(*notes, strict=True)) or [(), (), ()]
    assert chord_tone_share(make_notes(*columns, [80] * len(notes)), CHART, 120) == pytest.approx(share)


def test_no_chord_has_no_tones() -> None:
    assert chord_tone_share(make_notes([0.0], [1.0], [60], [80]), parse_chart("N.C."), 120) == 0.0


def test_the_longest_rest_counts_both_ends() -> None:
    notes = make_notes([1.5, 2.0], [1.6, 2.1], [60, 60], [80, 80])
    assert longest_rest_s(notes, 3.0) == 1.5
    assert longest_rest_s(notes, 5.0) == 3.0
