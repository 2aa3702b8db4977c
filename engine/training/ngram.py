"""A 5-gram over the same tokens, the baseline that a network must beat.

Interpolated Witten-Bell smoothing (Witten and Bell 1991; Chen and Goodman 1999, section 2.6): no parameter to tune.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.vocabulary import NUM_EVENT_IDS

__all__ = ["NgramModel"]

I64 = npt.NDArray[np.int64]


class NgramModel:
    """Counts of all n-grams up to `order`, as sorted integer keys (base 400)."""

    def __init__(self, sequences: list[npt.NDArray[np.uint16]], order: int = 5) -> None:
        self.order = order
        self.grams: list[tuple[I64, I64]] = []  # by n - 1: (K,) sorted keys, (K,) counts
        self.contexts: list[
            tuple[I64, I64, I64]
        ] = []  # by n - 1: keys of the n - 1 tokens before, counts, distinct successors
        for n in range(1, order + 1):
            keys, counts = np.unique(np.concatenate([_keys(s, n) for s in sequences]), return_counts=True)
            context, first = np.unique(keys // NUM_EVENT_IDS, return_index=True)
            self.grams.append((keys, counts))
            self.contexts.append((context, np.add.reduceat(counts, first), np.diff([*first, len(keys)])))

    def nats(self, sequence: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
        """(T,) tokens -> (T - 1,) surprise of tokens 1.. in nats."""
        length = len(sequence)
        probability = np.full(length - 1, 1.0 / NUM_EVENT_IDS)
        for n in range(1, self.order + 1):
            if length < n:
                break
            keys = _keys(sequence, n)  # (T - n + 1,), the last token of key i is i + n - 1
            if n == 1:
                keys = keys[1:]
            first = max(n - 2, 0)
            count = _lookup(self.grams[n - 1][0], self.grams[n - 1][1], keys)
            context_keys, totals, kinds = self.contexts[n - 1]
            context = keys // NUM_EVENT_IDS
            total, distinct = _lookup(context_keys, totals, context), _lookup(context_keys, kinds, context)
            seen = total > 0
            lower = probability[first:]
            mixed = (count + distinct * lower) / np.maximum(total + distinct, 1)
            probability[first:] = np.where(seen, mixed, lower)
        nats: npt.NDArray[np.float64] = -np.log(probability)
        return nats


def _keys(sequence: npt.NDArray[np.uint16], n: int) -> I64:
    """(T,) -> (T - n + 1,) each run of n tokens as one integer."""
    ids = sequence.astype(np.int64)
    length = max(0, len(ids) - n + 1)
    keys = np.zeros(length, dtype=np.int64)
    for k in range(n):
        keys = keys * NUM_EVENT_IDS + ids[k : k + length]
    return keys


def _lookup(keys: I64, values: I64, wanted: I64) -> I64:
    """values at wanted keys, 0 where absent."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
