"""What auto stands for: rules that musicians would agree with."""

from __future__ import annotations

import itertools

import pytest

from engine.chords import Chart, parse_chart
from engine.data.practice.piece import STYLES
from engine.judgement import ARC_BARS, Judgement, arc, auto_values, judge, notes_a_beat
from engine.model.controls import Control

BLUES = "F7 | Bb7 | F7 | F7 | Bb7 | Bb7 | F7 | D7 | Gm7 | C7 | F7 D7 | Gm7 C7"
MINOR_BLUES = "Cm7 | Fm7 | Cm7 | Cm7 | Fm7 | Fm7 | Cm7 | Cm7 | Ab7 | G7 | Cm7 | G7"
PLAIN_BLUES = "C | C | C | C | F | F | C | C | G | F | C | G"
CHANGES = "Gmaj7 | Gm7 C7 | Fmaj7 | Fm7 Bb7 | Ebmaj7 | Am7b5 D7 | Gm7 | D7"
GIRL = "Fmaj7 | Fmaj7 | G7 | G7 | Gm7 | C7 | Fmaj7 | C7"
SO_WHAT = "Dm7" + " | %" * 15 + " | Ebm7" + " | %" * 7 + " | Dm7" + " | %" * 7
POP = "C | G | Am | F"
BALLAD = "Cm7 F7 | Bbmaj7 Ebmaj7 | Am7b5 D7 | Gm7"
SOUL = "Dm9 | G13 | Cmaj9 | A7#5"

CONTROLS = (
    Control("manner", labels=("rolls", "jazz")), Control("role", labels=("solo", "right", "comping")),
    Control("groove", labels=("swing", "ballad", "waltz")), Control("left_hand", labels=("shell", "arpeggios")),
    Control("density", edges=(1, 2, 3, 4.5, 6, 8, 11, 15)), Control("loudness", edges=(40, 60, 80)),
)  # fmt: skip


def chart(text: str, beats_per_bar: int = 4) -> Chart:
    return parse_chart(text, beats_per_bar=beats_per_bar)


@pytest.mark.parametrize(
    ("text", "tempo_bpm", "beats_per_bar", "groove"),
    [
        (BLUES, 140, 4, "blues"), (BLUES, 60, 4, "blues"), (BLUES, 180, 4, "swing"), (BLUES, 230, 4, "up"),
        (MINOR_BLUES, 120, 4, "blues"), (PLAIN_BLUES, 120, 4, "blues"),
        (CHANGES, 160, 4, "swing"), (CHANGES, 110, 4, "swing"), (CHANGES, 240, 4, "up"), (CHANGES, 60, 4, "ballad"),
        (BALLAD, 60, 4, "ballad"), (BALLAD, 40, 4, "ballad"), (BALLAD, 70, 3, "ballad"),
        (CHANGES, 150, 3, "waltz"), (POP, 150, 3, "waltz"), (POP, 70, 3, "pop"), (SO_WHAT, 140, 3, "waltz"),
        (SO_WHAT, 136, 4, "modal"), (SO_WHAT, 60, 4, "ballad"), ("Am7", 112, 4, "modal"), ("C7", 112, 4, "modal"),
        ("Dm7 | G7", 120, 4, "modal"), ("C7 | F7", 120, 4, "swing"), ("C", 120, 4, "pop"), ("Am | G", 120, 4, "pop"),
        ("C | % | % | % | F | % | % | %", 120, 4, "pop"), ("Cm", 120, 4, "modal"),
        (POP, 100, 4, "pop"), (POP, 66, 4, "pop"), (POP, 180, 4, "pop"), ("C G/B | Am F | Dm7 | G", 90, 4, "pop"),
        (GIRL, 130, 4, "bossa"), (GIRL, 200, 4, "up"), (GIRL, 170, 4, "swing"),
        ("C6 Am7 | D7 G7 | C6 D7 | Dm7 G7", 130, 4, "swing"), (SOUL, 90, 4, "soul"), (SOUL, 130, 4, "swing"),
        (CHANGES, 140, 2, "swing"), (CHANGES, 140, 5, None), ("N.C.", 120, 4, None), ("N.C.", 150, 3, "waltz"),
    ],
)  # fmt: skip
def test_the_groove_fits_chords_tempo_and_metre(
    text: str, tempo_bpm: float, beats_per_bar: int, groove: str | None
) -> None:
    assert judge(chart(text, beats_per_bar), tempo_bpm).groove == groove


@pytest.mark.parametrize("text", [BLUES, MINOR_BLUES, CHANGES, GIRL, SO_WHAT, POP, SOUL, "Am7", "C7 | F7"])
@pytest.mark.parametrize("tempo_bpm", [60, 90, 130, 240])
def test_a_chart_repeated_or_transposed_is_judged_alike(text: str, tempo_bpm: float) -> None:
    once = chart(text)
    up = Chart(
        tuple(
            span._replace(chord=type(span.chord)((span.chord.root + 5) % 12, span.chord.quality))
            for span in once.spans
            if span.chord is not None
        ),
        once.bars,
    )
    assert judge(once.fill(3 * once.bars), tempo_bpm) == judge(once, tempo_bpm) == judge(up, tempo_bpm)


def test_a_chart_cut_in_its_last_round_is_still_a_blues() -> None:
    assert judge(chart(BLUES).fill(32), 140).groove == "blues"


def test_notes_a_beat_differ_less_than_threefold_from_40_to_240_bpm_and_never_rise_with_the_tempo() -> None:
    beats = [notes_a_beat(bpm) for bpm in range(20, 400, 5)]
    assert all(a >= b for a, b in itertools.pairwise(beats))
    assert notes_a_beat(40) < 2 * notes_a_beat(240)
    seconds = [judge(chart(CHANGES), bpm).density or 0.0 for bpm in range(20, 400, 5)]
    assert all(a < b for a, b in itertools.pairwise(seconds))


def test_every_left_hand_is_one_that_the_groove_was_learnt_with() -> None:
    for text, bpm in itertools.product((BLUES, CHANGES, GIRL, SO_WHAT, POP, SOUL), (60, 90, 130, 180, 240)):
        judged = judge(chart(text), bpm)
        assert judged.groove is not None
        assert judged.left_hand in {name for _, name in STYLES[judged.groove].lefts}, judged


LEFT_HANDS = sorted({name for style in STYLES.values() for _, name in style.lefts})


@pytest.mark.parametrize("left_hand", LEFT_HANDS)
def test_the_groove_is_one_that_an_asked_left_hand_was_learnt_with(left_hand: str) -> None:
    for text, bpm, beats in itertools.product((BLUES, CHANGES, GIRL, SO_WHAT, POP, SOUL), (60, 90, 180, 240), (3, 4)):
        judged = judge(chart(text, beats), bpm, asked={"left_hand": left_hand})
        assert judged.groove is not None
        assert left_hand in {name for _, name in STYLES[judged.groove].lefts}, judged
        own = judge(chart(text, beats), bpm).groove
        if own is not None and left_hand in {name for _, name in STYLES[own].lefts}:
            assert judged.groove == own, "the chart's own groove, where that has this left hand"
    assert judge(chart(CHANGES), 120, asked={"left_hand": left_hand, "groove": "up"}).groove == "up"


@pytest.mark.parametrize(
    ("text", "tempo_bpm", "role", "left_hand"),
    [
        (CHANGES, 120, "accompany", "walk"), (SOUL, 96, "accompany", "pop"), (POP, 100, "accompany", "pop"),
        (POP, 70, "accompany", "arpeggios"), (BALLAD, 60, "accompany", "arpeggios"), (GIRL, 130, "accompany", "bossa"),
        (CHANGES, 120, "left", "shell"), (CHANGES, 100, "left", "arpeggios"), (SO_WHAT, 100, "left", "arpeggios"),
        (SO_WHAT, 136, "left", "fourths"), (GIRL, 130, "left", "bossa"), (POP, 100, "left", "pop"),
    ],
)  # fmt: skip
def test_a_hand_that_carries_the_bass_or_plays_alone_does_what_the_page_says(
    text: str, tempo_bpm: float, role: str, left_hand: str
) -> None:
    assert judge(chart(text), tempo_bpm, asked={"role": role}).left_hand == left_hand


@pytest.mark.parametrize("role", ["solo", "right", "left", "comping", "accompany"])
def test_what_is_asked_stands_and_the_rest_fits_it(role: str) -> None:
    judged = judge(chart(POP), 100, asked={"role": role, "groove": "bossa", "density": "auto"})
    assert (judged.role, judged.groove) == (role, "bossa")
    assert (judged.left_hand is None) == (role in ("right", "comping"))
    assert (judged.density or 0) <= (judge(chart(POP), 100).density or 0)


def test_manners_other_than_jazz_know_no_roles() -> None:
    judged = judge(chart(CHANGES), 120, asked={"manner": "classical"})
    assert judged == Judgement(manner="classical", density=judge(chart(CHANGES), 120).density)


@pytest.mark.parametrize(("density", "manner"), [(0.2, None), (0.5, "jazz"), (0.9, None), ("auto", "jazz")])
def test_a_density_that_jazz_does_not_know_is_worth_more_than_the_manner(
    density: str | float, manner: str | None
) -> None:
    judged = judge(chart(CHANGES), 120, asked={"density": density})
    assert (judged.manner, judged.groove is None, judged.role) == (manner, manner is None, "solo")
    assert judge(chart(CHANGES), 120, asked={"density": density, "groove": "bossa"}).groove == "bossa"


def test_the_mode_gives_the_role() -> None:
    assert judge(chart(CHANGES), 120, mode="comp").role == "comping"
    assert all(judge(chart(CHANGES), 120, mode=mode).role == "solo" for mode in ("changes", "follow", "trade"))
    assert judge(chart(CHANGES), 120, mode="continue") == Judgement()


def test_without_a_beat_nothing_is_said_of_time() -> None:
    assert judge(chart(CHANGES), None) == Judgement(manner="jazz", role="solo", swell=0.2)
    assert judge(None, 220, beats_per_bar=3).groove == "waltz"
    assert judge(None, 120).groove is None


def test_values_are_labels_or_shares_of_the_levels_that_the_controls_have() -> None:
    values = auto_values(judge(chart(BALLAD), 60), CONTROLS)
    assert {name: values[name] for name in ("manner", "role", "groove", "left_hand")} == {
        "manner": "jazz", "role": "solo", "groove": "ballad", "left_hand": "arpeggios",
    }  # fmt: skip
    level = float(values["density"]) * 8
    assert 2.5 < level < 3.0  # 3.6 notes a second: a little below 3.75, the middle of level 3
    assert "loudness" not in values
    assert auto_values(judge(chart(BALLAD), 60), ()) == {}
    assert "groove" not in auto_values(judge(chart(BLUES), 120), CONTROLS)  # a label that this base has not


def test_a_solo_builds_and_comes_down_and_so_again_where_its_length_is_unknown() -> None:
    heights = [arc(bar, 48) for bar in range(49)]
    peak = heights.index(max(heights))
    assert 24 < peak < 40
    assert all(a < b for a, b in itertools.pairwise(heights[: peak + 1]))
    assert all(a > b for a, b in itertools.pairwise(heights[peak:]))
    assert heights[0] == heights[-1] == -1.0
    assert abs(sum(arc(bar / 10, 48) for bar in range(480))) / 480 < 0.01
    assert [arc(bar) for bar in range(ARC_BARS)] == [arc(bar + ARC_BARS) for bar in range(ARC_BARS)]
    assert {arc(bar, 7) for bar in range(7)} == {0.0}
    low, high = (judge(chart(CHANGES), 120, height=height) for height in (-1.0, 1.0))
    assert (low.density or 0) < (high.density or 0) < 2 * (low.density or 0)
    assert low.swell == high.swell > 0
    assert low.groove == high.groove
    assert judge(chart(CHANGES), 120, asked={"loudness": 0.5}).swell == 0.0
    assert judge(chart(CHANGES), 120, asked={"manner": "rolls"}).swell == 0.0


def test_a_left_hand_under_a_solo_is_heard_and_no_other_is_asked_for() -> None:
    assert (judge(chart(CHANGES), 120).bass or 0) == 2.0
    assert judge(chart(GIRL), 120).bass == pytest.approx(1.4)
    assert judge(chart(CHANGES), 120, asked={"left_hand": "stride"}).bass == pytest.approx(3.0)
    assert judge(chart(CHANGES), 120, asked={"manner": "rolls"}).bass is None
    thin = judge(chart(CHANGES), 120, asked={"thickness": 0.1})
    assert thin.left_hand is None
    assert thin.bass is None


def test_a_role_that_is_asked_for_sounds_as_its_practice_pieces_do() -> None:
    right, left, comping = (judge(chart(CHANGES), 120, asked={"role": role}) for role in ("right", "left", "comping"))
    assert right.bass == 0
    assert (left.bass or 0) > 0
    assert (left.register or 0) < (comping.register or 0) < (right.register or 0)
    assert (right.thickness or 0) < (comping.thickness or 0)
    assert judge(chart(CHANGES), 120).register is None, "of its own accord a solo goes where it wants to"
