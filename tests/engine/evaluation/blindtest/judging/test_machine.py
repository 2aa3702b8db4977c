"""Laws of the classifier: it tells what differs, and is at a coin for what does not."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import DataError
from engine.evaluation.blindtest.judging.hearing import NAMES, counted
from engine.evaluation.blindtest.judging.machine import NAME, judge_pairs, listen
from engine.evaluation.blindtest.judging.scoring import score
from engine.evaluation.blindtest.pairing import make_pairs
from engine.evaluation.blindtest.sealed import Key
from engine.notes import Notes, make_notes

LENGTH_S = 8.0


def clip(rng: np.random.Generator, dense: float) -> Notes:
    """Random notes, so many a second."""
    onset_s = np.cumsum(rng.exponential(1 / dense, 200))
    onset_s = onset_s[onset_s < LENGTH_S - 0.5]
    count = len(onset_s)
    return make_notes(onset_s, onset_s + 0.3, rng.integers(40, 90, count), rng.integers(40, 100, count))


def a_key(dense: list[float], places: int, is_real: tuple[bool, ...] | None = None) -> Key:
    rng = np.random.default_rng(1)
    names = tuple(f"contestant {n}" for n in range(len(dense)))
    clips = [[clip(rng, d) for d in dense] for _ in range(places)]
    pairs = tuple(make_pairs(len(dense), places, 20, seed=0))
    real = is_real or (True, *(False for _ in dense[1:]))
    return Key(names, real, tuple(range(places)), (LENGTH_S,) * places, ("",) * places, pairs, clips)


def test_it_tells_the_sparse_from_the_dense_and_not_the_same_from_the_same() -> None:
    real, same, sparse = listen(a_key([6.0, 6.0, 2.0], 60))
    assert (real.of, same.of, sparse.of) == (0, 60, 60)
    assert sparse.taken_for_real <= 6
    assert 15 <= same.taken_for_real <= 45  # of 60: a coin lies outside once in ten thousand times
    assert real.frechet is not None
    assert same.frechet is not None
    assert sparse.frechet is not None
    assert same.frechet < 3 * real.frechet < sparse.frechet


def test_its_answers_are_answers_and_say_whose_they_are() -> None:
    key = a_key([6.0, 2.0], 20)
    answers = judge_pairs(key, "sealed")
    assert answers.test == "sealed"
    assert "classifier" in answers.listener == NAME
    assert "not a listener" in NAME
    assert score(key, [answers]).listeners[0].found.share > 0.8


def test_without_enough_to_learn_from_it_says_so() -> None:
    with pytest.raises(DataError, match="too few"):
        listen(a_key([6.0, 2.0], 6))
    for real in ((False, False), (True, True)):
        with pytest.raises(DataError, match="needs a real contestant and one that is not"):
            listen(a_key([6.0, 2.0], 20, real))
    assert listen(a_key([6.0, 2.0], 20))[1].frechet is None


def test_counts_have_names_and_know_no_key_of_the_music() -> None:
    rng = np.random.default_rng(2)
    notes = clip(rng, 5.0)
    notes["pitch"] = np.clip(notes["pitch"], 45, 80)
    assert counted(notes, LENGTH_S).shape == (len(NAMES),)
    assert np.isfinite(counted(notes, LENGTH_S)).all()
    assert (counted(notes[:2], LENGTH_S) == 0).all()
    up = notes.copy()
    up["pitch"] += 1
    changed = [
        name
        for name, a, b in zip(NAMES, counted(notes, LENGTH_S), counted(up, LENGTH_S), strict=True)
        if abs(a - b) > 1e-9
    ]
    assert all(name.startswith("register") for name in changed)
