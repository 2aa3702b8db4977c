"""How sure a count of choices is: the exact binomial test, its interval, and strengths from many pairs.

Clopper and Pearson 1934 (interval); Bradley and Terry 1952 (strengths), found by Newton's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F64

__all__ = ["Strengths", "bradley_terry", "coin_p", "interval"]

CONFIDENCE = 0.95
_NORMAL_95 = 1.959963984540054
_STEPS = 100


@dataclass(frozen=True)
class Strengths:
    """Log-odds of each contestant against the average one, and their 95 % intervals: all (C,)."""

    log_odds: F64
    low: F64
    high: F64


def coin_p(wins: int, of: int) -> float:
    """Returns how likely a coin is to be as far from its mean as `wins` of `of`, on either side; 1 where of is 0."""
    far = abs(2 * wins - of)
    return min(1.0, math.fsum(math.exp(_log_term(k, of, 0.5)) for k in range(of + 1) if abs(2 * k - of) >= far))


def interval(wins: int, of: int) -> tuple[float, float]:
    """Returns Clopper and Pearson's interval of a share: it holds the true one so often. (0, 1) where of is 0."""
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if wins == 0 else _solve(lambda p: _at_least(wins, of, p) - tail)
    high = 1.0 if wins == of else _solve(lambda p: tail - (1 - _at_least(wins + 1, of, p)))
    return low, high


def bradley_terry(wins: npt.ArrayLike) -> Strengths:
    """(C, C) how often the row was preferred to the column -> strengths: odds of i against j are exp(s_i - s_j).

    Each couple that met has half a preference more on both sides: without it, one who was never preferred would have a
    strength of minus infinity. The intervals are from the curvature at the best strengths. Contestants that are not
    joined by any chain of pairs cannot be compared; each group then has its own average of 0.
    """
    given = np.asarray(wins, dtype=np.float64)
    met = (given + given.T) > 0
    count = given + 0.5 * met
    strength = np.zeros(len(count))
    for _ in range(_STEPS):
        odds = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))  # of the row against the column
        games = count + count.T
        slope = (count - games * odds).sum(axis=1)
        weight = games * odds * (1 - odds)
        curve = np.diag(weight.sum(axis=1)) - weight
        step = np.linalg.pinv(curve, hermitian=True) @ slope
        step *= min(1.0, 2.0 / max(float(np.abs(step).max(initial=0.0)), 1e-12))
        strength += step
        if np.abs(step).max(initial=0.0) < 1e-10:
            break
    error = np.sqrt(np.maximum(np.diag(np.linalg.pinv(curve, hermitian=True)), 0.0)) * _NORMAL_95
    return Strengths(strength, strength - error, strength + error)


def _log_term(k: int, of: int, p: float) -> float:
    """Returns the logarithm of the chance of k of `of`, 0 < p < 1."""
    choose = math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
    return choose + k * math.log(p) + (of - k) * math.log1p(-p)


def _at_least(k: int, of: int, p: float) -> float:
    return math.fsum(math.exp(_log_term(i, of, p)) for i in range(k, of + 1))


def _solve(rising: Callable[[float], float]) -> float:
    """Finds where a rising function of 0..1 passes 0."""
    low, high = 1e-12, 1 - 1e-12
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2
