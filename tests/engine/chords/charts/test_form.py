"""Where a chart comes back is found: sections of one name, and bars of one harmony in any key."""

from __future__ import annotations

import math
import time

import pytest

from engine.chords import parse_chart
from engine.chords.charts.form import Form, Place, Return, form_of

A = "Dm7 | G7 | Cmaj7 | A7"
B = "Cm7 | F7 | Bbmaj7 | Eb7"


@pytest.mark.parametrize(
    ("text", "returns"),
    [
        (f"{A} | {A} | {B} | {A}", [(16, 32, 0, 0), (48, 64, 0, 0)]),
        (f"|: {A} :| {B} | {A}", [(16, 32, 0, 0), (48, 64, 0, 0)]),  # a repeat is bars like others
        (f"{A} | {B}", []),
        ("Dm7 | G7 | Cmaj7 | % | Cm7 | F7 | Bbmaj7 | %", [(16, 32, 0, -2)]),  # a tone lower
        ("Dm7 | G7 | Dm7 | G7 | C | F", []),  # two bars are too short to be a section
        ("Dm7 | " * 15 + "Dm7", [(32, 64, 0, 0)]),  # of one chord eight bars are
        ("N.C. | " * 15 + "N.C.", []),
        ("C C | F | G | C | C | F | G | C", [(16, 32, 0, 0)]),  # a chord that is held may be written twice
        (f"[A] {A} [B] {B} [A] Em7 | A7 | Dm7 | G7 | C", [(32, 48, 0, 0)]),  # of one name, whatever the chords
        (f"[A] {A} [B] Em7 | A7 | Dmaj7 | B7", [(16, 32, 0, 2)]),
        (f"3/4 [A] C | F [B] {A} [A] D | G", [(18, 24, 0, 2)]),
    ],
)
def test_returns_are_found(text: str, returns: list[tuple[float, float, float, int]]) -> None:
    chart = parse_chart(text)
    assert form_of(chart) == Form(tuple(Return(*one) for one in returns), float(chart.beats))


def test_what_comes_back_a_third_time_is_what_was_there_first() -> None:
    form = form_of(parse_chart(f"{A} | {A} | {B}").fill(24))
    assert [one.source_beat for one in form.returns] == [0, 0, 0, 32]


def test_a_form_begins_after_the_intro() -> None:
    chart = parse_chart(f"[Intro] {A} [A] {A} [A] {A}")
    assert form_of(chart, 4) == Form((Return(16, 32, 0, 0),), 32.0)


def test_every_beat_has_a_place_round_after_round() -> None:
    form = Form((Return(8, 12, 0, 3),), 16.0)
    assert form.at(5.0) == Place(5.0, 5.0, 3.0, 0)
    assert form.at(9.0) == Place(9.0, 1.0, 3.0, 3)
    assert form.at(13.0) == Place(13.0, 13.0, 3.0, 0)
    assert form.at(41.0) == Place(41.0, 1.0, 3.0, 3)
    assert Form().at(41.0) == Place(41.0, 41.0, math.inf, 0)


def test_a_loop_is_gone_round_while_beats_count_on() -> None:
    form = Form((Return(8, 12, 0, 3),), 16.0, loop=(20.0, 28.0))
    assert form.at(27.0).source_beat == 3.0
    assert form.at(28.0) == Place(28.0, 4.0, 4.0, 0)
    assert form.at(28.0 + 8 + 5).source_beat == 1.0


def test_no_return_comes_from_a_return() -> None:
    form = form_of(parse_chart(f"{A} | {A} | {B} | {A} | {B} | Em7 | A7 | Dmaj7 | B7").fill(60))
    for one in form.returns:
        assert form.at(one.source_beat).source_beat == one.source_beat
        assert form.at(one.end_beat - 0.01).source_beat == pytest.approx(
            one.source_beat + one.end_beat - one.begin_beat - 0.01
        )


@pytest.mark.parametrize("text", ["N.C.", "C7 | F7 | C7 | Bb7 | Eb7 | C7 | D7", "Dm7"])
def test_the_longest_chart_is_looked_through_while_music_plays(text: str) -> None:
    """No player waits: bars without a chord took as many steps as the cube of their number."""
    chart = parse_chart(text).fill(1024)
    times_s = []
    for _ in range(3):  # the best: in a large process the rubbish of other tests is collected now and then
        began_s = time.process_time()
        form_of(chart)
        times_s.append(time.process_time() - began_s)
    assert min(times_s) < 1.0  # some 10 ms
