"""Laws of scoring, by scripted listeners: a known bias is found, and a contestant against itself is a coin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import DataError
from engine.evaluation.blindtest.judging.answers import Answer, Answers, read_answers, write_answers
from engine.evaluation.blindtest.judging.scoring import score
from engine.evaluation.blindtest.pairing import make_pairs
from engine.evaluation.blindtest.sealed import Key, read_key, write_key
from engine.notes import make_notes


def a_key(names: tuple[str, ...], real: tuple[bool, ...], pairs: int, places: int = 20) -> Key:
    clip = make_notes([0.0], [1.0], [60], [64])
    clips = [[clip] * len(names) for _ in range(places)]
    drawn = tuple(make_pairs(len(names), places, pairs, seed=4))
    return Key(names, real, tuple(range(places)), (12.0,) * places, ("",) * places, drawn, clips)


def scripted(key: Key, prefers: str, bias: float, seed: int) -> Answers:
    """A listener who chooses one contestant with a given chance wherever it is heard, and else tosses a coin."""
    rng = np.random.default_rng(seed)
    answers = []
    for number, pair in enumerate(key.pairs):
        here = (key.names[pair.a], key.names[pair.b])
        chance = bias if here[0] == prefers else 1 - bias if here[1] == prefers else 0.5
        answers.append(Answer(number, bool(rng.random() < chance), 4, 3))
    return Answers("", f"listener {seed}", tuple(answers))


def test_a_known_bias_is_found_with_the_right_confidence() -> None:
    key = a_key(("real", "ours", "other"), (True, False, False), 60)
    hits, covered = 0, 0
    for trial in range(40):
        result = score(key, [scripted(key, "real", 0.8, 10 * trial + n) for n in range(2)])
        found = next(row for row in result.contestants if row.name == "real")
        assert found.preferred.of == 80  # 40 of the 60 pairs, twice
        hits += found.preferred.p < 0.05
        covered += found.preferred.low <= 0.8 <= found.preferred.high
    assert hits == 40  # a coin does as much as 80 % of 80 once in ten million times
    assert covered >= 36  # 95 % of 40 are 38; fewer than 36 have a chance of 1 %


def test_a_contestant_against_itself_is_a_coin() -> None:
    key = a_key(("one", "itself"), (False, False), 40)
    false_alarms = 0
    for trial in range(100):
        result = score(key, [scripted(key, "nobody", 0.9, trial)])
        assert result.contestants[0].preferred.of == 40
        false_alarms += result.couples[0].preferred.p < 0.05
    assert false_alarms <= 10  # an exact test errs in at most 5 of 100


def test_one_who_always_says_a_prefers_nobody() -> None:
    key = a_key(("real", "ours", "other"), (True, False, False), 60)
    always = Answers("", "lazy", tuple(Answer(number, True) for number in range(60)))
    result = score(key, [always])
    assert [couple.preferred.share for couple in result.couples] == [0.5] * 3
    assert result.listeners[0].side.share == 1.0
    assert result.listeners[0].found.share == 0.5
    assert result.contestants[0].rating is None


def test_every_couple_meets_equally_often_on_both_sides_and_nowhere_twice() -> None:
    pairs = make_pairs(4, 10, 60, seed=1)
    met = {}
    for pair in pairs:
        met.setdefault(frozenset((pair.a, pair.b)), []).append(pair)
    assert len(met) == 6
    for couple in met.values():
        assert len(couple) == 10
        assert len({pair.place for pair in couple}) == 10
        first = couple[0].a
        assert sum(pair.a == first for pair in couple) == 5
    assert pairs != make_pairs(4, 10, 60, seed=2)


def test_a_key_comes_back_as_it_was_sealed(tmp_path: Path) -> None:
    key = a_key(("real", "ours"), (True, False), 8)
    sealed = write_key(tmp_path / "key.json", key)
    read, again = read_key(tmp_path / "key.json")
    assert again == sealed
    assert read.pairs == key.pairs
    assert (read.names, read.is_real, read.works) == (key.names, key.is_real, key.works)
    assert read.clips[3][1].tolist() == key.clips[3][1].tolist()
    assert a_key(("real", "ours"), (True, False), 8).text() != key.text()  # the salt: nobody finds it by trying orders


@pytest.mark.parametrize(
    ("path", "value"),
    [(("places", 0, "work"), float("inf")), (("pairs", 0, "a"), float("inf")), (("clips", 0, 0, "pitch", 0), 10**9),
     (("clips", 0, 0), 3), (("contestants",), "ours"), (("pairs", 0), "a")],
)  # fmt: skip
def test_a_key_that_was_changed_by_hand_is_refused_in_one_line(
    path: tuple[Any, ...], value: object, tmp_path: Path
) -> None:
    data = place = json.loads(a_key(("real", "ours"), (True, False), 8).text())
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    (tmp_path / "key.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="no key of a blind test") as refusal:
        read_key(tmp_path / "key.json")
    assert "\n" not in str(refusal.value)


def test_answers_come_back_and_belong_to_one_test(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    given = Answers("abc", "Ann", (Answer(1, True, 4, 2), Answer(0, False)))
    write_answers(path, given)
    assert read_answers([path], "abc", 2) == [given]
    with pytest.raises(DataError, match="answers another test"):
        read_answers([path], "xyz", 2)
    with pytest.raises(DataError, match="Ann has answered already"):
        read_answers([path, path], "abc", 2)


@pytest.mark.parametrize(
    "answers",
    [[{"pair": 9, "choice": "A"}], [{"pair": 0, "choice": "C"}], [{"pair": 0, "choice": "A", "ratings": {"A": 6}}],
     [{"pair": 0, "choice": "A"}] * 2, [{"choice": "A"}], "A"],
)  # fmt: skip
def test_what_no_page_writes_is_refused_in_one_line(tmp_path: Path, answers: object) -> None:
    path = tmp_path / "answers.json"
    data = {"format": "sideman blind test answers 1", "test": "abc", "listener": "Ann", "answers": answers}
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match="give the file that the page saved") as caught:
        read_answers([path], "abc", 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "sideman blind test key 1"}'])
def test_what_is_no_key_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"no key of a blind test .* written beside the page"):
        read_key(path)
