"""What is counted of a solo is what a listener would count."""

from __future__ import annotations

import numpy as np
import pytest

from engine.chords import parse_chart
from engine.evaluation.charts import CHARTS
from engine.evaluation.solo_figures import SOLO_FIGURES, ending_of, recurrence, solo_figures
from engine.notes import Notes, make_notes

TEMPO_BPM = 120.0  # a beat is half a second, a bar two
CHART = parse_chart("C | F | G7 | C")


def notes_of(rows: list[tuple[float, float, int]], velocity: int = 64) -> Notes:
    """(onset beat, length in beats, pitch) each."""
    onset, length, pitch = np.array(rows).T
    return make_notes(onset / 2, (onset + length) / 2, pitch.astype(int), np.full(len(rows), velocity))


def both_hands() -> list[tuple[float, float, int]]:
    """A root and a chord tone above on every beat of the chart's first three bars."""
    roots = [48, 53, 43]
    return [
        (4 * bar + beat, 1.0, key) for bar in range(3) for beat in range(4) for key in (roots[bar], roots[bar] + 24)
    ]


def test_every_figure_is_named_and_a_number() -> None:
    figures = solo_figures(notes_of(both_hands()), CHART, TEMPO_BPM)
    assert figures.keys() == SOLO_FIGURES.keys()
    assert all(np.isfinite(value) for value in figures.values())


def test_of_silence_what_can_be_told_is_told() -> None:
    figures = solo_figures(make_notes([], [], [], []), CHART, TEMPO_BPM)
    assert figures.keys() == SOLO_FIGURES.keys()
    assert (figures["empty bars"], figures["silence bars"]) == (1.0, 4.0)
    assert {name for name, value in figures.items() if np.isnan(value)} == {
        "chord tones", "on the beat", "velocity", "velocity spread", "recurrence",
    }  # fmt: skip
    assert sum(np.nan_to_num(list(figures.values()))) == 5.0, "and all else is 0"
    assert not ending_of(make_notes([], [], [], []), CHART, TEMPO_BPM).proper


def test_hands_bars_and_silence_are_counted_by_the_bar() -> None:
    figures = solo_figures(notes_of(both_hands()), CHART, TEMPO_BPM)
    assert figures["both hands"] == figures["low notes"] == 0.75
    assert figures["empty bars"] == 0.25
    assert figures["silence bars"] == pytest.approx(1.0, abs=0.01)
    assert figures["chord tones"] == pytest.approx(1.0)
    assert figures["on the beat"] == 1.0
    assert (figures["notes/beat"], figures["notes/s"]) == (1.5, 3.0)
    assert figures["thickness"] == pytest.approx(2.0)


HOME = [(12.0, 4.0, 36), (12.0, 4.0, 55), (12.0, 4.0, 64)]


@pytest.mark.parametrize(
    ("last", "proper"),
    [
        (HOME, True),
        ([(12.0, 4.0, 40), *HOME[1:]], False),  # its third lies lowest
        (HOME[:1], False),  # one note is no chord
        ([*HOME, (12.0, 4.0, 66)], False),  # a foreign note rings on
        ([*HOME, (15.7, 0.2, 67)], False),  # struck in the last half beat
        ([*HOME, (15.4, 0.2, 67)], True),
        ([(12.0, 3.0, 36), (12.0, 3.0, 64)], False),  # let go a beat before the end
        ([(15.0, 1.0, 36), (15.0, 1.0, 64)], False),  # touched, not held
    ],
)
def test_an_ending_is_proper_where_the_last_chord_is_held_over_its_root(
    last: list[tuple[float, float, int]], proper: bool
) -> None:
    assert ending_of(notes_of(both_hands() + last), CHART, TEMPO_BPM).proper == proper


def test_a_figure_that_comes_back_in_another_key_is_counted_a_scale_is_not() -> None:
    figure = [0, 4, 2, 7, 5]
    there = [(float(i), 0.5, 60 + key) for i, key in enumerate(figure)]
    back = [(20.0 + i, 0.5, 67 + key) for i, key in enumerate(figure)]
    assert recurrence(notes_of(there + back), 4.0) == pytest.approx(1 / 6)
    assert recurrence(notes_of(there + back), 20.0) == 0.0
    assert recurrence(notes_of([(float(i), 0.5, 60 + 2 * i) for i in range(20)]), 1.0) == 0.0


def test_the_charts_are_read_and_fill_thirty_two_bars() -> None:
    assert len(CHARTS) == 12
    for measured in CHARTS:
        chart = measured.fill(32)
        assert (chart.bars, chart.beats_per_bar) == (32, measured.beats_per_bar)
