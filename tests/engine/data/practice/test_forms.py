"""The grammar of forms: every rule has the bars its name says, in every expansion; charts are whole and varied."""

from __future__ import annotations

import re

import pytest

from engine.data.practice.forms import FAMILIES, expand, make_chart
from engine.data.practice.hands.dice import Dice
from engine.data.practice.rules import RULES


@pytest.mark.parametrize("name", RULES)
def test_a_rule_has_the_bars_that_its_name_says(name: str) -> None:
    bars = int(re.sub(r"\D", "", name))
    for seed in range(60):
        assert len(expand(Dice(seed), name)) == bars


@pytest.mark.parametrize("name", ["cad4", "turn2", "blues12"])
def test_a_transposed_rule_is_the_rule_transposed(name: str) -> None:
    plain, up = expand(Dice(3), name), expand(Dice(3), f"{name}@5")
    assert [[(root + 5) % 12 for root, _, _ in bar] for bar in plain] == [[root for root, _, _ in bar] for bar in up]
    assert [[quality for _, quality, _ in bar] for bar in plain] == [[quality for _, quality, _ in bar] for bar in up]


@pytest.mark.parametrize("meter", [3, 4])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_charts_spans_fill_it_end_to_end_and_stay_within_their_bars(name: str, meter: int) -> None:
    for seed in range(20):
        chart = make_chart(Dice(seed), FAMILIES[name], meter, 40)
        assert 41 <= chart.bars <= 53
        assert chart.beats_per_bar == meter
        assert chart.spans[0].start_beat == 0
        assert chart.spans[-1].end_beat == chart.beats
        for span, following in zip(chart.spans, chart.spans[1:], strict=False):
            assert span.start_beat < span.end_beat == following.start_beat
        assert all(span.start_beat // meter == (span.end_beat - 1) // meter for span in chart.spans)


def test_a_form_comes_back_with_its_roots_unless_a_dominant_is_substituted() -> None:
    chart = make_chart(Dice(1), FAMILIES["minor blues"], 4, 24)
    roots = [
        [span.chord.root for span in chart.spans if span.chord and span.start_beat // 48 == turn] for turn in (0, 1)
    ]
    changed = sum(a != b for a, b in zip(*roots, strict=True))
    assert changed <= 2
