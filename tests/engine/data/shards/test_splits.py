"""Works are dealt to the sides of the split: exactly where there are few, for good where there are many."""

from __future__ import annotations

import pytest

from engine.data.shards.shards import SPLITS
from engine.data.shards.splits import check_shares, split_works
from engine.errors import DataError

SHARES = (0.8, 0.1, 0.1)


def counts(works: int, shares: tuple[float, float, float] = SHARES) -> list[int]:
    sides = list(split_works(map(str, range(works)), shares).values())
    return [sides.count(side) for side in SPLITS]


@pytest.mark.parametrize(
    ("works", "shares", "expected"),
    [
        (1, SHARES, [1, 0, 0]),
        (2, SHARES, [2, 0, 0]),
        (3, SHARES, [1, 1, 1]),
        (5, SHARES, [3, 1, 1]),
        (10, SHARES, [8, 1, 1]),
        (100, SHARES, [80, 10, 10]),
        (10, (1.0, 0.0, 0.0), [10, 0, 0]),
        (10, (0.9, 0.1, 0.0), [9, 1, 0]),
        (3, (0.1, 0.45, 0.45), [1, 1, 1]),
        (4, (0.34, 0.66, 0.0), [1, 3, 0]),
    ],
)
def test_few_works_are_split_as_asked(works: int, shares: tuple[float, float, float], expected: list[int]) -> None:
    assert counts(works, shares) == expected


def test_many_works_are_split_as_asked_by_and_large() -> None:
    assert [abs(count / 20_000 - share) < 0.01 for count, share in zip(counts(20_000), SHARES, strict=True)]


def test_a_work_of_many_stays_where_it_is_when_others_come_and_go() -> None:
    before = split_works(map(str, range(1000)), SHARES)
    after = split_works(map(str, range(500, 5000)), SHARES)
    assert all(after[work] == before[work] for work in map(str, range(500, 1000)))


@pytest.mark.parametrize("works", [10, 50, 200, 256])
def test_one_more_work_moves_no_more_than_those_next_to_a_border(works: int) -> None:
    before, after = (split_works(map(str, range(n)), SHARES) for n in (works, works + 1))
    moved = sum(after[work] != side for work, side in before.items())
    # From 256 on the hash alone decides, and the ranks were up to a few of them off.
    assert moved <= (3 if works < 256 else 20)


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5, 0.5), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.1, 0.1), (0.8, 0.1, 0.05)]
)
def test_shares_must_add_up(shares: tuple[float, float, float]) -> None:
    with pytest.raises(DataError, match=r"--split .*add up to 1"):
        check_shares(shares)
