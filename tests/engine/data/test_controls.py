"""What windows are told of themselves: quantities of hand-made music, levels by chance, and where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from engine.data.controls import ControlLevels, measure
from engine.data.practice import practice_piece
from engine.data.shards.augmentation import Augmentation
from engine.data.shards.shards import PieceArrays
from engine.data.window_sampler import WindowSampler
from engine.model.controls import UNKNOWN, Control
from engine.notes import make_notes
from engine.tokens import encode_notes
from engine.vocabulary import BOS, EOS, NO_CHORD, NOTE_ON
from tests.support.study_corpus import random_piece

CONTROLS = (
    Control("manner", labels=("rolls", "jazz")),
    Control("density", edges=(1.0, 1.5, 3.0, 8.0)),
    Control("loudness", edges=(40.0, 60.0, 80.0)),
    Control("register", edges=(48.0, 60.0, 72.0)),
    Control("thickness", edges=(0.8, 1.5, 2.5)),
    Control("bass", edges=(0.5, 1.0, 2.0)),
    Control("tempo", edges=(70.0, 100.0, 140.0)),
    Control("ending", edges=(0.5, 1.0, 2.0, 4.0, 8.0)),
    Control("phrase", labels=("1", "2", "3", "4", "5", "6", "7", "8")),
)
COLUMN = {control.name: column for column, control in enumerate(CONTROLS)}


def steady(pitch: int = 64, velocity: int = 70, beats: int = 65, low: int | None = None) -> PieceArrays:
    """A note a beat of half a second, held for half of it, in 4/4; with `low` a second one beneath it."""
    rows = [(i * 0.5, i * 0.5 + 0.25, p, velocity) for i in range(beats - 1) for p in (pitch, low) if p is not None]
    tokens, _ = encode_notes(make_notes(*(list(column) for column in zip(*rows, strict=True))))
    return PieceArrays(
        np.concatenate([[BOS], tokens, [EOS]]).astype(np.uint16),
        np.array([NO_CHORD]),
        np.array([0]),
        np.arange(beats, dtype=np.float32) * 50,
        (np.arange(beats) % 4).astype(np.uint8),
        0,
    )


def told(piece: PieceArrays, tries: int = 60, **how: object) -> np.ndarray:
    """(tries * n, K) levels of all of a piece, drawn again and again."""
    rng = np.random.default_rng(5)
    tokens = piece.tokens.astype(np.int64)
    return np.concatenate([ControlLevels(CONTROLS).draw(rng, tokens, 0, piece, **how) for _ in range(tries)])


def test_quantities_of_steady_music() -> None:
    found = {name: float(values[0]) for name, values in measure(steady(low=40).tokens.astype(np.int64)).items()}
    assert found["density"] == pytest.approx(4.0, rel=0.03)
    assert found["loudness"] == pytest.approx(70, abs=2)
    assert found["register"] == 52.0
    assert found["thickness"] == pytest.approx(1.0, rel=0.03)
    assert found["bass"] == pytest.approx(2.0, rel=0.03)


def test_stretches_are_measured_apart() -> None:
    """Loud and high, then soft and low; without a note there is no loudness and no register."""
    one, other = (steady(p, v).tokens[1:-1].astype(np.int64) for p, v in ((80, 100), (40, 30)))
    found = measure(
        np.concatenate([one, other, [300]]), np.array([0, len(one), len(one) + len(other), len(one) * 2 + 1])
    )
    assert found["register"][:2].tolist() == [80.0, 40.0]
    assert found["loudness"][0] > 95 > 35 > found["loudness"][1]
    assert np.isnan(found["register"][2])
    assert found["density"][2] == 0


@pytest.mark.parametrize(
    ("control", "level"),
    [("density", 2), ("loudness", 2), ("register", 2), ("thickness", 0), ("bass", 0), ("tempo", 2)],
)
def test_a_window_is_told_the_level_of_its_own_music_or_nothing(control: str, level: int) -> None:
    """A stretch at the edge of the window may hold a note and hardly any time."""
    column = told(steady())[:, COLUMN[control]]
    assert (column[column != UNKNOWN] == level).mean() > 0.97
    assert 0.25 < (column == UNKNOWN).mean() < 0.75


def test_the_end_comes_nearer_and_bars_are_counted() -> None:
    levels = told(steady())
    ending, phrase = levels[:, COLUMN["ending"]], levels[:, COLUMN["phrase"]]
    assert set(ending[ending != UNKNOWN]) == {0, 1, 2, 3, 4, 5}
    assert set(phrase[phrase != UNKNOWN]) == set(range(8))
    assert (told(steady(), end_known=False)[:, COLUMN["ending"]] == UNKNOWN).all()
    without = told(steady(), beat_known=False)
    assert (without[:, [COLUMN["tempo"], COLUMN["phrase"]]] == UNKNOWN).all()
    assert (without[:, COLUMN["density"]] != UNKNOWN).any()


def test_labels_are_told_as_they_are_given_and_never_guessed() -> None:
    assert (told(steady())[:, COLUMN["manner"]] == UNKNOWN).all()
    column = told(steady(), labels={"manner": "jazz"})[:, COLUMN["manner"]]
    assert set(column) == {UNKNOWN, 1}
    assert 0.5 < (column == 1).mean() < 0.8
    assert (told(steady(), labels={"manner": "a stranger's"})[:, COLUMN["manner"]] == UNKNOWN).all()


def test_a_transposed_stretched_and_louder_window_is_told_what_it_became() -> None:
    """Level by level, what is measured of the tokens that it holds."""
    varied = Augmentation(keys=12, tempo_stretch=(0.5, 1.0, 2.0), velocity_jitter=0.5)
    sampler = WindowSampler([steady(beats=400)], 200, 16, 1, varied, controls=CONTROLS)
    sampler.cold_start = 0.0
    seen = 0
    for number in range(12):
        inputs, targets = sampler.batch(number)
        assert inputs.levels is not None
        for tokens, levels in zip(targets.numpy(), inputs.levels.numpy(), strict=True):
            struck = tokens[(tokens >= NOTE_ON) & (tokens < NOTE_ON + 128)]
            register = levels[:, COLUMN["register"]]
            if (register != UNKNOWN).any():
                assert set(register[register != UNKNOWN]) == {CONTROLS[COLUMN["register"]].bin(float(struck.mean()))}
                seen += 1
    assert seen > 30


def test_without_controls_a_sampler_draws_what_it_always_drew() -> None:
    pieces = [random_piece(i, 500) for i in range(3)]
    plain, other = WindowSampler(pieces, 64, 4, 0), WindowSampler(pieces, 64, 4, 0, controls=CONTROLS)
    assert plain.batch(0)[0].levels is None
    assert other.batch(0)[0].levels is not None
    np.testing.assert_array_equal(plain.batch(3)[1], WindowSampler(pieces, 64, 4, 0).batch(3)[1])


def test_practice_pieces_say_what_they_are() -> None:
    rows = [practice_piece(3, number).labels for number in range(40)]
    assert {row["manner"] for row in rows} == {"jazz"}
    assert {"solo", "comping"} <= {row["role"] for row in rows}
    assert all(("left_hand" in row) == (row["role"] not in ("right", "comping")) for row in rows)
