"""A classifier of real against played, in a listener's chair. It is no listener: it does not say what people prefer.

Logistic regression over what `hearing` counts. A place is judged by a classifier that never heard its piece, neither
as it was really played nor as anybody else played it: pieces go round in FOLDS parts. Where it cannot tell a
contestant from the real performances, it is at a coin's share; that is as much as it can ever say for one.

The Frechet distance is that of Heusel et al. 2017 between Gaussians, over the same counts in place of a network's
embedding, so its values compare with one another and with no published ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F64, I64
from engine.errors import DataError
from engine.evaluation.blindtest.judging.answers import Answer, Answers
from engine.evaluation.blindtest.judging.hearing import counted
from engine.evaluation.blindtest.sealed import Key

__all__ = ["NAME", "MachineRow", "judge_pairs", "listen"]

NAME = "classifier of real against played (a program, not a listener)"
FOLDS = 5
DECAY = 3.0  # of the weights, against the whole training set
STEPS = 30
MIN_PLACES = 10
COMPONENTS = 8  # of the counts' variance over real clips, before the Frechet distance
FRECHET_PLACES = 40  # a Gaussian of fewer clips is mostly its own noise
SHRINK = 0.1  # of a covariance from few clips, towards its diagonal


@dataclass(frozen=True)
class MachineRow:
    """One contestant beside the real one, over all places.

    taken_for_real: at how many of the places its clip is taken for the more likely real one of the two, by a classifier
    that learnt these two apart (a two-sample test, Lopez-Paz and Oquab 2017). frechet: its distance from the real
    clips, half of the places against the other half; for the real one itself the same, which is what chance makes. None
    where there are fewer than FRECHET_PLACES.
    """

    name: str
    taken_for_real: int
    of: int
    frechet: float | None


def judge_pairs(key: Key, sealed: str) -> Answers:
    """Answers the page's pairs by one classifier of real against everybody else.

    DataError: no real contestant, nobody else, or too few places to learn from.
    """
    _check(key)
    odds = _odds(_counts(key), np.array(key.is_real), np.array(key.works))
    chosen = [
        Answer(number, bool(odds[pair.place, pair.a] >= odds[pair.place, pair.b]))
        for number, pair in enumerate(key.pairs)
    ]
    return Answers(sealed, NAME, tuple(chosen))


def listen(key: Key) -> list[MachineRow]:
    """Judges the first real contestant and every other that is not real. DataError: as judge_pairs."""
    _check(key)
    counts, works = _counts(key), np.array(key.works)
    real = key.is_real.index(True)
    rows = [MachineRow(key.names[real], 0, 0, _frechet(counts[:, real], counts[:, real]))]
    for contestant, name in enumerate(key.names):
        if key.is_real[contestant]:
            continue
        odds = _odds(counts[:, [real, contestant]], np.array([True, False]), works)
        taken = int((odds[:, 1] > odds[:, 0]).sum())
        rows.append(MachineRow(name, taken, len(odds), _frechet(counts[:, real], counts[:, contestant])))
    return rows


def _check(key: Key) -> None:
    if not any(key.is_real) or all(key.is_real):
        raise DataError("the classifier tells real from played: the test needs a real contestant and one that is not")
    if len(set(key.works)) < FOLDS or len(key.works) < MIN_PLACES:
        raise DataError(
            f"the classifier learns from other pieces: {len(key.works)} places of {len(set(key.works))} pieces are too "
            f"few, make the test with --places {MIN_PLACES} or more over {FOLDS} pieces or more"
        )


def _odds(counts: F64, real: npt.NDArray[np.bool_], works: I64) -> F64:
    """(places, C, F) counts of C contestants -> (places, C) log-odds of being real.

    Each place is judged by a classifier that heard none of its piece.
    """
    unique = np.unique(works)
    fold = np.random.default_rng(0).permutation(len(unique)) % FOLDS
    part = fold[np.searchsorted(unique, works)]  # (places,)
    odds = np.zeros(counts.shape[:2])
    for number in range(FOLDS):
        heard = part != number
        rows = counts[heard].reshape(-1, counts.shape[2])
        odds[~heard] = _classify(rows, np.tile(real, int(heard.sum())), counts[~heard])
    return odds


def _classify(rows: F64, truth: npt.NDArray[np.bool_], asked: F64) -> F64:
    """Fits a logistic regression by Newton's method, both classes weighed alike; returns log-odds of `asked`."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6

    def scaled(x: F64) -> F64:
        inside = np.clip((x - mean) / scale, -4, 4)
        return np.concatenate([inside, np.ones((*x.shape[:-1], 1))], axis=-1)

    x, weights = scaled(rows), np.zeros(rows.shape[1] + 1)
    share = np.where(truth, 0.5 / truth.mean(), 0.5 / (1 - truth.mean()))
    decay = np.full(len(weights), DECAY)
    decay[-1] = 1e-6
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (share * (truth - p)) - decay * weights
        curve = (x * (share * p * (1 - p))[:, None]).T @ x + np.diag(decay)
        step = np.linalg.solve(curve, slope)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    odds: F64 = scaled(asked) @ weights
    return odds


def _counts(key: Key) -> F64:
    """(places, contestants, features)."""
    rows = [[counted(notes, length_s) for notes in row] for row, length_s in zip(key.clips, key.lengths_s, strict=True)]
    return np.array(rows)


def _frechet(real: F64, other: F64) -> float | None:
    """(P, F) and (P, F), place by place: one half of the real clips against the other half's of the other.

    The mean of both ways round. In the leading components of the real clips at unit scale.
    """
    if len(real) < FRECHET_PLACES:
        return None
    mean, scale = real.mean(axis=0), real.std(axis=0) + 1e-6
    a, b = (np.clip((x - mean) / scale, -6, 6) for x in (real, other))
    axes = np.linalg.svd(a, full_matrices=False)[2][:COMPONENTS].T
    a, b = a @ axes, b @ axes
    return (_between(a[::2], b[1::2]) + _between(a[1::2], b[::2])) / 2


def _between(a: F64, b: F64) -> float:
    (mean_a, cov_a), (mean_b, cov_b) = _gaussian(a), _gaussian(b)
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * cross)


def _gaussian(rows: F64) -> tuple[F64, F64]:
    cov = np.cov(rows, rowvar=False)
    return rows.mean(axis=0), (1 - SHRINK) * cov + SHRINK * np.diag(np.diag(cov))
