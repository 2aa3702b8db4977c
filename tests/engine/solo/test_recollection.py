"""What is recalled before a solo is a practice pianist's playing of what is asked, over the bars that lead into it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from engine.chords import Chart, parse_chart
from engine.chords.charts.transpose import transpose_chart
from engine.data.practice.hands import solo
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.licks import blues_lick
from engine.data.practice.hands.scales import Harmony
from engine.data.practice.piece import STYLES
from engine.inference.session import Session
from engine.judgement import Judgement, judge
from engine.metre import parse_metre
from engine.model.checkpoint import load_checkpoint
from engine.solo.improvise import improvise
from engine.solo.recollection import RECALLED_BARS, lead_in, recall, recollection
from engine.vocabulary import STEP_S
from osc_protocol.table.parameters import settings

TWO_FIVE = "Dm7 | G7 | Cmaj7 | A7"
LONG = "Cm7 | F7 | Bbmaj7 | Ebmaj7 | Am7b5 | D7 | Gm7 | G7"

QUICK_CHANGE = "C7 | F7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | G7"  # a blues in C


def changes(chart: Chart) -> list[str]:
    """The chord of every beat."""
    return [span.chord.label if span.chord else "N.C." for beat in range(chart.beats) for span in chart.spans
            if span.start_beat <= beat < span.end_beat]  # fmt: skip


@pytest.mark.parametrize(("text", "beats"), [(TWO_FIVE, 4), (LONG, 4), (LONG, 3), ("C | F", 4), ("Am7", 3)])
def test_the_bars_before_a_chart_are_its_last_ones(text: str, beats: int) -> None:
    chart = parse_chart(text, beats_per_bar=beats)
    before = lead_in(chart)
    assert before.bars == RECALLED_BARS
    assert changes(before) == (changes(chart) * RECALLED_BARS)[-RECALLED_BARS * beats :]


@pytest.mark.parametrize("groove", sorted(STYLES))
@pytest.mark.parametrize("role", ["solo", "right", "left", "comping", "accompany"])
def test_every_role_in_every_groove_is_recalled_to_the_last_bar_line_and_no_further(groove: str, role: str) -> None:
    for beats, left_hand, bpm in itertools.product((4, 3), (None, "walk", "bossa"), (70, 210)):
        chart = parse_chart(LONG, beats_per_bar=beats)
        judgement = Judgement(role=role, groove=groove, left_hand=left_hand)
        notes = recollection(chart, bpm, judgement, 1)
        assert notes is not None
        bar_s = beats * 60 / bpm
        assert notes["onset_s"].min() < bar_s
        assert bar_s < notes["onset_s"].max() < RECALLED_BARS * bar_s
        np.testing.assert_array_equal(notes, recollection(chart, bpm, judgement, 1))


def test_nothing_is_recalled_where_no_practice_pianist_plays() -> None:
    chart = parse_chart(TWO_FIVE)
    asked = {"role": "solo"}
    assert recollection(chart, 120, judge(chart, 120, asked=asked), 1) is not None
    assert recollection(chart, 120, judge(chart, None, asked=asked), 1) is None
    assert recollection(chart, 120, judge(chart, 120, asked={**asked, "manner": "rolls"}), 1) is None
    for left_hand in ("full", "boogie", "tenths"):  # of whole performances, which arrange() does not play
        for role in ("solo", "left"):
            later = Judgement(role=role, groove="swing", left_hand=left_hand)
            assert recollection(chart, 120, later, 1) is None
    for text, beats in (("Dm7 | N.C. | Cmaj7 | A7", 4), (TWO_FIVE, 5)):
        other = parse_chart(text, beats_per_bar=beats)
        assert recollection(other, 120, judge(other, 120, asked=asked), 1) is None


@pytest.mark.parametrize("left_hand", ["walk", "stride", "bossa"])
@pytest.mark.parametrize("beats", [4, 3])
def test_a_chart_of_any_number_of_chords_a_bar_is_recalled_on_its_own_chords(beats: int, left_hand: str) -> None:
    names = ["C", "Eb", "F#", "A"]  # no root of one is a tone of the next
    for count in (2, 3, 5, 6, 7, 16, 32):
        chart = parse_chart(" | ".join([" ".join(names[at % 4] for at in range(count))] * 4), beats_per_bar=beats)
        judgement = Judgement(role="solo", groove="swing", left_hand=left_hand)
        notes = recollection(chart, 120, judgement, 1)
        assert notes is not None
        harmony = Harmony(chart)
        for half in range(2 * chart.beats):
            span = chart.spans[harmony.index(half / 2)]
            assert span.start_beat <= half / 2 + 1e-6 < span.end_beat


@pytest.mark.parametrize(
    "changes_", ["C7 | F7 | C7 | C7 | F7 | F7 | C7 | C7 | G7 | F7 | C7 | G7", "Cm7 | Fm7 | Cm7 | G7"]
)
@pytest.mark.parametrize("up", [0, 5])
def test_blues_licks_are_recalled_in_the_charts_key(monkeypatch: pytest.MonkeyPatch, changes_: str, up: int) -> None:
    tonics: set[int] = set()

    def lick(dice: Dice, harmony: Harmony, tonic: int, *rest: Any) -> Any:
        tonics.add(tonic)
        return blues_lick(dice, harmony, tonic, *rest)

    monkeypatch.setattr(solo, "blues_lick", lick)
    chart = parse_chart(transpose_chart(changes_, up))
    for seed in range(8):
        recollection(chart, 100, Judgement(role="solo", groove="blues", left_hand="walk"), seed)
    assert tonics == {up}


def test_what_halves_its_beats_is_not_recalled_where_they_have_thirds() -> None:
    for metre in ("9/8", "12/8"):
        chart = parse_chart(LONG, metre=parse_metre(metre))
        for groove, style in STYLES.items():
            found = recollection(chart, 60, Judgement(role="solo", groove=groove, left_hand=None), 1)
            assert (found is not None) == style.swung


def test_what_is_recalled_is_not_heard_and_the_chart_begins_at_nought() -> None:
    chart = parse_chart(TWO_FIVE)
    session = Session(load_checkpoint(None))
    judgement = judge(chart, 137, asked={"left_hand": "stride"})
    recall(session, chart, 137, judgement, 3)
    assert session.sounding() == []
    assert 0 <= session.time_s - RECALLED_BARS * 4 * 60 / 137 < STEP_S
    one, again = (improvise(load_checkpoint(None), chart, tempo_bpm=137, seed=3, params=settings(left_hand="stride"))
                  for _ in range(2))  # fmt: skip
    np.testing.assert_array_equal(one.notes, again.notes)
    assert 0 <= one.notes["onset_s"].min() < 60 / 137
    assert one.notes["offset_s"].max() <= one.length_s
    assert [symbol for _, symbol in one.chords] == ["Dm7", "G7", "Cmaj7", "A7"]


def test_an_asked_stride_comes_from_the_first_bar_on() -> None:
    """Its basses stand on one and three, in each of five solos."""
    chart = parse_chart(TWO_FIVE)
    stride = settings(left_hand="stride")
    for seed in range(5):
        notes = improvise(load_checkpoint(None), chart, tempo_bpm=150, seed=seed, params=stride).notes
        bass = notes[(notes["onset_s"] < 3 * 4 * 60 / 150) & (notes["pitch"] < 46)]
        beat = np.rint(bass["onset_s"] * 150 / 60 * 4) / 4
        assert len(bass) >= 4
        assert np.isin(beat % 4, (0, 2)).mean() > 0.7
