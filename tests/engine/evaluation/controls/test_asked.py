"""What is asked of a solo and what comes of it are compared in the same units."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bridge.cli import main
from engine.chords import parse_chart
from engine.evaluation.controls.asked import PAIRS, Asked, Obtained, measured_table, named_table, quantities, questions
from engine.evaluation.controls.naming import Namer, practice_clip
from engine.model.controls import MEASURED, Control
from engine.notes import make_notes

CONTROLS = (
    Control("role", labels=("solo", "comping")),
    Control("density", edges=(1.0, 2.0, 4.0, 8.0)),
    Control("register", edges=(48.0, 60.0, 72.0)),
    Control("tempo", edges=(100.0,)),
)
CHART = parse_chart("C | F")


def answer(values: dict[str, str | float], seed: int = 1, role: str = "solo", **measured: float) -> Obtained:
    return Obtained(Asked(values, CHART, 120.0, seed), measured, {"role": role})


def test_every_level_label_and_pair_is_asked_once_a_chart() -> None:
    asked = list(questions(CONTROLS, 2))
    alone = [q.values for q in asked if len(q.values) == 1 and q.seed == 1]
    assert [v["density"] for v in alone if "density" in v] == [0, 0.25, 0.5, 0.75, 1]
    assert [v["role"] for v in alone if "role" in v] == ["solo", "comping"]
    assert not any("tempo" in q.values for q in asked)
    assert len(asked) == 2 * (2 + 5 + 4 + 4 * sum({a, b} <= {"density", "register"} for a, b in PAIRS))
    assert all(q.chart.bars == 32 for q in asked)


def test_an_obedient_player_has_r_of_one_a_stubborn_one_none() -> None:
    density = CONTROLS[1]
    middles = [0.5, 1.5, 3.0, 6.0, 10.0]
    obedient = [answer({"density": i / 4}, density=d) for i, d in enumerate(middles)]
    row = measured_table([density], obedient)["density"]
    assert row["r"] == pytest.approx(1.0)
    assert row["off_by_levels"] == pytest.approx(0.0, abs=1e-6)
    rng = np.random.default_rng(0)
    stubborn = [answer({"density": i / 4}, density=float(rng.uniform(2, 4))) for i in range(5) for _ in range(40)]
    assert abs(measured_table([density], stubborn)["density"]["r"]) < 0.3


@pytest.mark.parametrize(("high", "together"), [(9.0, 1.0), (1.6, 0.0)])
def test_of_two_asked_together_each_must_still_tell_its_ends_apart(high: float, together: float) -> None:
    both = [
        answer({"density": d, "register": r}, density=0.5 if d < 0.5 else high, register=40.0 if r < 0.5 else 76.0)
        for d in (0.15, 0.85)
        for r in (0.15, 0.85)
    ]
    rows = measured_table(CONTROLS, both)
    assert (rows["density"]["together"], rows["register"]["together"]) == (together, 1.0)
    assert math.isnan(rows["density"]["r"])


def test_names_are_counted_by_label() -> None:
    answers = [
        answer({"role": "solo"}),
        answer({"role": "comping"}, role="solo"),
        answer({"role": "comping"}, role="comping"),
    ]
    assert named_table(answers) == {"role": {"all": pytest.approx(2 / 3), "solo": 1.0, "comping": 0.5}}


def test_quantities_are_those_that_the_controls_were_trained_with() -> None:
    onset_s = np.arange(20) * 0.25
    said = quantities(make_notes(onset_s, onset_s + 0.25, np.full(20, 50), np.full(20, 66)))
    assert said["density"] == said["bass"] == pytest.approx(4.0, rel=0.01)
    assert (said["loudness"], said["register"], said["thickness"]) == pytest.approx((66, 50, 1.0))


def test_a_solo_that_is_silent_is_measured_and_spoils_no_table() -> None:
    silent = quantities(make_notes([], [], [], []))
    assert silent.keys() == set(MEASURED)
    assert {name for name, value in silent.items() if math.isnan(value)} == {"loudness", "register"}
    register = CONTROLS[2]
    answers = [answer({"register": i / 3}, register=40.0 + 12 * i) for i in range(4)]
    heard = measured_table([register], answers)["register"]
    beside = measured_table([register], [*answers, Obtained(answers[0].asked, silent, {})])["register"]
    assert beside == pytest.approx(heard, nan_ok=True)


def test_a_namer_that_has_heard_some_practice_pieces_knows_roles_of_others() -> None:
    namer = Namer([practice_clip(seed, bars=12) for seed in range(120)])
    shares = namer.accuracy([practice_clip(1000 + seed, bars=12) for seed in range(30)])
    assert shares["role"] >= 0.8
    assert shares["groove"] > 0.3  # one of ten by chance
    assert shares["left_hand"] > 0.6  # one of twelve
    assert namer.name(practice_clip(7)).keys() == {"role", "groove", "left_hand"}


def test_only_a_left_hand_that_is_played_has_a_name() -> None:
    clips = [practice_clip(seed, bars=12) for seed in range(60)]
    assert {c.names["role"] for c in clips if "left_hand" not in c.names} == {"right", "comping"}
    assert {"right", "comping"}.isdisjoint(c.names["role"] for c in clips if "left_hand" in c.names)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--controls", "1", "small"], "this base has no controls"),
        (["--controls", "-1"], "--controls -1: must be 0 or more"),
        (["--controls", "1", "--data", "data"], "charts of its own: leave --data out, or --controls"),
        (["--controls", "1", "--split", "test"], "leave --split out"),
        (["--controls", "1", "--max-windows", "9"], "leave --max-windows out"),
        (["--controls", "1", "--clips", "60"], "leave --clips out"),
        (["--controls", "1", "--html", "page.html"], "leave --html out"),
        ([], "nothing to measure on: give --data"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
