"""Decides on which side of the split a work stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from engine.data.shards.shards import SPLITS
from engine.errors import DataError

__all__ = ["Shares", "check_shares", "side_at", "split_works"]

Shares = tuple[float, float, float]

EXACT_UP_TO = 256  # works


def check_shares(shares: Shares) -> None:
    """Raises DataError unless the shares of train, valid and test add up to 1 and leave something to train on."""
    if not (min(shares) >= 0 and abs(sum(shares) - 1) <= 1e-6 and shares[0] > 0):
        given = " ".join(map(str, shares))
        raise DataError(f"--split {given}: give three shares of 0..1 that add up to 1, the first above 0")


def split_works(works: Iterable[str], shares: Shares) -> dict[str, str]:
    """Returns train, valid or test for each work.

    Every work has a point in 0..1, a hash of its name. Of more than 256 works those whose point lies in a share are
    that side's: a work stays where it is however the folder grows. Of fewer, chance would give ten songs a test side of
    none or four: there the works are ranked by their points and cut at the shares, rounded, but every side with a share
    above 0 has one work if there are three or more. A new work then moves at most the works next to a border, and the
    two rules agree but for those.
    """
    ranked = sorted(set(works), key=lambda work: (_point(work), work))
    if len(ranked) > EXACT_UP_TO:
        return {work: side_at(_point(work), shares) for work in ranked}
    counts = _counts(len(ranked), shares)
    sides = [side for side, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
    return dict(zip(ranked, sides, strict=True))


def side_at(point: float, shares: Shares) -> str:
    """Returns the side whose share a point in 0..1 lies in."""
    return SPLITS[int(np.searchsorted(np.cumsum(shares)[:2], point, side="right"))]


def _point(work: str) -> float:
    return int.from_bytes(hashlib.sha256(work.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def _counts(works: int, shares: Shares) -> tuple[int, int, int]:
    held_out = [round(works * share) for share in shares[1:]]
    if works >= 3:
        held_out = [max(count, 1) if share > 0 else 0 for count, share in zip(held_out, shares[1:], strict=True)]
    while sum(held_out) > max(0, works - 1):  # training has one work at least
        held_out[int(np.argmax(held_out))] -= 1
    return works - sum(held_out), held_out[0], held_out[1]
