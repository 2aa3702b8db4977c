"""A key and its answers -> who is preferred, by whom, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.evaluation.blindtest.judging.answers import Answers
from engine.evaluation.blindtest.judging.statistics import bradley_terry, coin_p, interval
from engine.evaluation.blindtest.sealed import Key

__all__ = ["ContestantScore", "CoupleScore", "ListenerScore", "Score", "Share", "score"]


@dataclass(frozen=True)
class Share:
    """wins of `of`, the share's 95 % interval (Clopper and Pearson), and how likely a coin is to do as much."""

    wins: int
    of: int
    share: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class ContestantScore:
    """preferred: against all others together; strength: Bradley and Terry's log-odds against the average contestant.

    rating: the mean of its ratings 1..5, None where nobody rated it.
    """

    name: str
    is_real: bool
    preferred: Share
    strength: float
    strength_low: float
    strength_high: float
    rating: float | None


@dataclass(frozen=True)
class CoupleScore:
    """How often the first was preferred to the second."""

    first: str
    second: str
    preferred: Share


@dataclass(frozen=True)
class ListenerScore:
    """found: the real one chosen, where one of the two was real; side: A chosen, over all pairs. A coin has 0.5."""

    name: str
    found: Share
    side: Share


@dataclass(frozen=True)
class Score:
    """Contestants from the most preferred on."""

    answers: int
    contestants: list[ContestantScore]
    couples: list[CoupleScore]
    listeners: list[ListenerScore]

    def as_json(self) -> dict[str, Any]:
        """Returns the score as plain JSON."""
        return asdict(self)


def score(key: Key, listeners: Sequence[Answers]) -> Score:
    """Scores the answers, each counted once. Shares take them as independent, which one listener's are only roughly."""
    count = len(key.names)
    wins = np.zeros((count, count), dtype=np.int64)  # the row preferred to the column
    ratings: list[list[int]] = [[] for _ in range(count)]
    heard = []
    for listener in listeners:
        found = found_of = chose_a = 0
        for answer in listener.answers:
            pair = key.pairs[answer.pair]
            chosen, other = (pair.a, pair.b) if answer.chose_a else (pair.b, pair.a)
            wins[chosen, other] += 1
            chose_a += answer.chose_a
            if key.is_real[chosen] != key.is_real[other]:
                found_of += 1
                found += key.is_real[chosen]
            for contestant, rating in ((pair.a, answer.rated_a), (pair.b, answer.rated_b)):
                if rating is not None:
                    ratings[contestant].append(rating)
        heard.append(ListenerScore(listener.listener, _share(found, found_of), _share(chose_a, len(listener.answers))))
    strengths = bradley_terry(wins)
    contestants = [
        ContestantScore(
            name, key.is_real[i], _share(int(wins[i].sum()), int(wins[i].sum() + wins[:, i].sum())),
            float(strengths.log_odds[i]), float(strengths.low[i]), float(strengths.high[i]),
            float(np.mean(ratings[i])) if ratings[i] else None,
        )
        for i, name in enumerate(key.names)
    ]  # fmt: skip
    couples = [
        CoupleScore(key.names[i], key.names[j], _share(int(wins[i, j]), int(wins[i, j] + wins[j, i])))
        for i in range(count)
        for j in range(i + 1, count)
        if wins[i, j] + wins[j, i]
    ]
    contestants.sort(key=lambda row: -row.strength)
    return Score(sum(len(one.answers) for one in listeners), contestants, couples, heard)


def _share(wins: int, of: int) -> Share:
    low, high = interval(wins, of)
    return Share(wins, of, wins / of if of else 0.5, low, high, coin_p(wins, of))
