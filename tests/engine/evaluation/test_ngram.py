"""The n-gram baseline is a probability, and the one that the textbook gives."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from engine.evaluation.ngram import NgramModel

Tokens = npt.NDArray[np.uint16]


def sequences(count: int, length: int, ids: int = 6, seed: int = 0) -> list[Tokens]:
    """Second-order chains: a token mostly repeats what stood two places before it."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        tokens = list(rng.integers(0, ids, 2))
        for _ in range(length - 2):
            tokens.append(tokens[-2] if rng.random() < 0.7 else rng.integers(0, ids))
        result.append(np.array(tokens, dtype=np.uint16) * 57 % 400)
    return result


TRAIN = sequences(6, 60)


def slow_nats(train: list[Tokens], sequence: Tokens, order: int) -> list[float]:
    """Chen and Goodman's interpolated modified Kneser-Ney, with dictionaries."""
    raw = [Counter(tuple(s[i : i + n]) for s in train for i in range(len(s) - n + 1)) for n in range(order + 2)]
    tables: list[Counter[tuple[int, ...]]] = []
    for n in range(1, order + 1):
        tables.append(raw[n] if n == order else Counter(gram[1:] for gram in raw[n + 1]))
    nats = []
    for at in range(1, len(sequence)):
        p = 1 / 400
        for n, table in enumerate(tables, 1):
            if at < n - 1:
                break
            with_count = Counter(table.values())
            discount = {0: 0.0, 1: 0.5, 2: 0.5, 3: 0.5}
            if with_count[1]:
                y = with_count[1] / (with_count[1] + 2 * with_count[2])
                for c in (1, 2, 3):
                    ratio = with_count[c + 1] / max(with_count[c], 1)
                    discount[c] = min(max(c - (c + 1) * y * ratio, 0.05), c)
            history = tuple(sequence[at - n + 1 : at])
            follow = {gram: c for gram, c in table.items() if gram[:-1] == history}
            if not follow:
                continue
            count = table.get((*history, sequence[at]), 0)
            freed = sum(discount[min(c, 3)] for c in follow.values())
            p = (count - discount[min(count, 3)] + freed * p) / sum(follow.values())
        nats.append(-math.log(p))
    return nats


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_surprise_is_that_of_a_slow_implementation(order: int) -> None:
    model = NgramModel(TRAIN, order)
    for sequence in (TRAIN[0], *sequences(2, 30, seed=9), np.array([399, 0, 399, 57, 57], dtype=np.uint16)):
        np.testing.assert_allclose(model.nats(sequence), slow_nats(TRAIN, sequence, order), rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 5])
@pytest.mark.parametrize("context", [[0], [57], [399], [0, 57], [57, 0, 57, 0], [399, 398, 57, 0], list(TRAIN[0][:20])])
def test_probabilities_of_all_ids_add_up_to_one(order: int, context: list[int]) -> None:
    model = NgramModel(TRAIN, order)
    following = [model.nats(np.array([*context, token], dtype=np.uint16))[-1] for token in range(400)]
    assert sum(math.exp(-nats) for nats in following) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("piece", [[57], [57, 0], [57, 0, 57], [57, 0, 57, 0]])
def test_a_training_piece_shorter_than_the_order_still_tells_what_it_can(piece: list[int]) -> None:
    """Whose tables of the longer runs are empty; a score is that of the distributions, token by token."""
    model = NgramModel([np.array(piece, dtype=np.uint16)], 5)
    for tokens in (piece, [57, 0, 57, 0, 57, 0, 57], [399, 57, 0, 399, 399, 399]):
        expected = [-math.log(model.distribution(tokens[:at])[tokens[at]]) for at in range(1, len(tokens))]
        np.testing.assert_allclose(model.nats(np.array(tokens, dtype=np.uint16)), expected, rtol=1e-9)


def test_it_beats_the_uniform_and_longer_memory_beats_shorter() -> None:
    heard, unheard = sequences(40, 200, ids=20), sequences(4, 200, ids=20, seed=77)
    mean = {n: np.mean([NgramModel(heard, n).nats(sequence).mean() for sequence in unheard]) for n in (1, 3)}
    assert mean[3] < mean[1] < math.log(400)


def test_kept_counts_are_taken_for_the_same_music_and_counted_anew_for_other_music(tmp_path: Path) -> None:
    file, counted = tmp_path / "5gram.safetensors", list[int]()
    plain = [NgramModel(TRAIN).nats(sequence) for sequence in TRAIN]

    def nats(train: list[Tokens], order: int = 5) -> list[npt.NDArray[np.float64]]:
        counted.clear()
        model = NgramModel(train, order, file, counted.append)
        return [model.nats(sequence) for sequence in TRAIN]

    for expected in ([1, 2, 3, 4, 5], [5], [5]):
        np.testing.assert_equal(nats(TRAIN), plain)
        assert counted == expected
    other = [np.concatenate(TRAIN[:2]), *TRAIN[2:]]  # the same tokens in fewer pieces
    np.testing.assert_equal(nats(other), [NgramModel(other).nats(sequence) for sequence in TRAIN])
    assert counted == [1, 2, 3, 4, 5]
    nats(other, order=3)
    assert counted == [1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"junk", b"\xff" * 100, None])
def test_a_damaged_file_of_counts_is_written_anew(tmp_path: Path, damage: bytes | None) -> None:
    file = tmp_path / "5gram.safetensors"
    good = NgramModel(TRAIN, 2, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    np.testing.assert_equal(NgramModel(TRAIN, 2, file).nats(TRAIN[0]), good.nats(TRAIN[0]))
    assert len(file.read_bytes()) == len(whole)
