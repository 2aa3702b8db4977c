"""Measures how alike two sets of music are: overlapping area and KL divergence, as mgeval defines them.

Yang and Lerch 2020, "On the evaluation of generative models in music": distances between all pairs within the
reference, and from the reference to the other set; their densities (Gaussian kernels) are then compared.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import F64

__all__ = ["overlap_and_kl"]

_POINTS = 512


def overlap_and_kl(reference: F64, other: F64) -> tuple[float, float]:
    """Returns the overlapping area (1: alike, 0: not at all) and KL divergence in nats of (R, F) and (O, F) features.

    Three or more rows each.
    """
    from scipy.integrate import trapezoid
    from scipy.stats import entropy, gaussian_kde

    within = _distances(reference, reference)[np.triu_indices(len(reference), 1)]
    across = _distances(reference, other).ravel()
    low, high = min(within.min(), across.min()), max(within.max(), across.max())
    if high - low < 1e-12:
        return 1.0, 0.0
    # A set whose distances are all equal has no density: a hair's breadth of noise gives it one.
    noise = np.random.default_rng(0)
    densities = []
    for distances in (within, across):
        if distances.std() < 1e-9:
            distances = distances + noise.normal(0, 1e-3 * (high - low), len(distances))
        densities.append(gaussian_kde(distances))
    margin = 0.2 * (high - low)  # the kernels' tails
    points = np.linspace(low - margin, high + margin, _POINTS)
    p, q = (density(points) for density in densities)
    overlap = float(trapezoid(np.minimum(p, q), points))
    return min(overlap, 1.0), float(entropy(p + 1e-12, q + 1e-12))


def _distances(a: F64, b: F64) -> F64:
    """Returns the (A, B) Euclidean distances of (A, F) and (B, F)."""
    from scipy.spatial.distance import cdist

    return cdist(a, b)  # type: ignore[no-any-return]
