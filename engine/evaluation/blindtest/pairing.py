"""Which two contestants are heard at which place, and who is A."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

__all__ = ["Pair", "make_pairs"]


@dataclass(frozen=True)
class Pair:
    """Indices: of the place, and of the contestants that are heard as A and as B."""

    place: int
    a: int
    b: int


def make_pairs(contestants: int, places: int, count: int, seed: int) -> list[Pair]:
    """Makes `count` pairs in random order: all couples, and both sides of each, equally often, give or take one pair.

    A couple meets at a place a second time only when it has met at all of them.
    """
    rng = np.random.default_rng(seed)
    couples = [tuple(map(int, rng.permutation(couple))) for couple in combinations(range(contestants), 2)]
    order = rng.permutation(len(couples))
    at = {couple: rng.permutation(places) for couple in couples}
    pairs = []
    for number in range(count):
        couple, turn = couples[order[number % len(couples)]], number // len(couples)
        a, b = couple if turn % 2 == 0 else couple[::-1]
        pairs.append(Pair(int(at[couple][turn % places]), a, b))
    return [pairs[i] for i in rng.permutation(count)]
