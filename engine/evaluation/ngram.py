"""A 5-gram over the same tokens, the baseline that a network must beat.

Interpolated Kneser-Ney smoothing with three discounts an order, the best of Chen and Goodman 1999 ("An empirical study
of smoothing techniques for language modeling"): nothing to tune.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from engine.arrays import F64, I64
from engine.atomic import atomic_write
from engine.vocabulary import NUM_EVENT_IDS

__all__ = ["NgramModel"]

_COLUMNS: Final = ("keys", "counts")  # of each length, in a kept file


class _Order:
    """The n-grams of one length.

    keys: (K,) sorted; kept: (K,) discounted counts; contexts: (C,) sorted keys of the n - 1 tokens before; totals and
    freed: (C,) counts seen after each, and what the discounts took from them for the lower orders.
    """

    def __init__(self, keys: I64, counts: I64) -> None:
        discount = _discounts(counts)[np.minimum(counts, 3)]
        self.keys, self.kept = keys, counts - discount
        self.contexts, first = np.unique(keys // NUM_EVENT_IDS, return_index=True)
        self.totals: F64 = np.add.reduceat(counts, first).astype(np.float64)
        self.freed: F64 = np.add.reduceat(discount, first)


class NgramModel:
    """Counts of all n-grams up to `order`, as sorted integer keys (base 400)."""

    def __init__(
        self,
        sequences: Sequence[npt.NDArray[np.uint16]],
        order: int = 5,
        keep: Path | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        """keep: a file of the counts, taken from there where it holds those of the same tokens, else written anew.

        progress is told how many of the `order` lengths are counted. SidemanError: the file cannot be written.
        """
        self.order = order
        of = {"counts of": _fingerprint(sequences), "order": str(order)}
        tables = None if keep is None else _kept(keep, of)
        if tables is None:
            tables = _tables(sequences, order, progress)
            if keep is not None:
                _keep(keep, tables, of)
        progress(order)
        self.orders = [_Order(keys, counts) for keys, counts in tables]

    def nats(self, sequence: npt.NDArray[np.uint16]) -> F64:
        """(T,) tokens -> (T - 1,) surprise of tokens 1.. in nats."""
        length = len(sequence)
        probability = np.full(max(0, length - 1), 1.0 / NUM_EVENT_IDS)
        for n, table in enumerate(self.orders, 1):
            if length < max(n, 2):
                break
            keys = _keys(sequence, n)  # (T - n + 1,), the last token of key i is i + n - 1
            if n == 1:
                keys = keys[1:]
            context = keys // NUM_EVENT_IDS
            total = _lookup(table.contexts, table.totals, context)
            lower = probability[max(n - 2, 0) :]
            share = _lookup(table.keys, table.kept, keys) + _lookup(table.contexts, table.freed, context) * lower
            probability[max(n - 2, 0) :] = np.where(total > 0, share / np.maximum(total, 1), lower)
        nats: F64 = -np.log(probability)
        return nats

    def distribution(self, context: Sequence[int]) -> F64:
        """(400,) probabilities of the token after a context."""
        probability = np.full(NUM_EVENT_IDS, 1.0 / NUM_EVENT_IDS)
        for n, table in enumerate(self.orders, 1):
            if len(context) < n - 1:
                break
            key = 0
            for token in context[len(context) - n + 1 :]:
                key = key * NUM_EVENT_IDS + int(token)
            place = int(np.searchsorted(table.contexts, key))
            if place == len(table.contexts) or table.contexts[place] != key:
                break  # what was never seen after a short context was not seen after a longer one
            first, last = np.searchsorted(table.keys, [key * NUM_EVENT_IDS, (key + 1) * NUM_EVENT_IDS])
            probability *= table.freed[place]
            probability[table.keys[first:last] % NUM_EVENT_IDS] += table.kept[first:last]
            probability /= table.totals[place]
        return probability


def _tables(
    sequences: Sequence[npt.NDArray[np.uint16]], order: int, progress: Callable[[int], None]
) -> list[tuple[I64, I64]]:
    """(keys, counts) of each length from 1 on."""
    tables = []
    keys, counts = _count(sequences, 1)
    for n in range(1, order):
        longer, longer_counts = _count(sequences, n + 1)
        # Below the highest order Kneser-Ney counts not occurrences but the different tokens that came before.
        tables.append(np.unique(longer % NUM_EVENT_IDS**n, return_counts=True))
        keys, counts = longer, longer_counts
        progress(n)
    return [*tables, (keys, counts)]


def _fingerprint(sequences: Sequence[npt.NDArray[np.uint16]]) -> str:
    """Of the tokens and of where each sequence ends."""
    digest = hashlib.sha256()
    for sequence in sequences:
        digest.update(len(sequence).to_bytes(8, "little"))
        digest.update(np.ascontiguousarray(sequence, dtype="<u2").data)
    return digest.hexdigest()


def _keep(path: Path, tables: Sequence[tuple[I64, I64]], of: dict[str, str]) -> None:
    columns = {
        f"{n} {name}": column
        for n, pair in enumerate(tables)
        for name, column in zip(_COLUMNS, pair, strict=True)
    }  # fmt: skip
    with atomic_write(path) as beside:
        save_file(columns, beside, metadata=of)


def _kept(path: Path, of: Mapping[str, str]) -> list[tuple[I64, I64]] | None:
    """What an earlier run counted; None where the file is not there, is broken, or counts something else."""
    try:
        with safe_open(path, framework="numpy") as file:
            if file.metadata() != of:
                return None
            keys, counts = ([file.get_tensor(f"{n} {name}") for n in range(int(of["order"]))] for name in _COLUMNS)
    except (OSError, SafetensorError):
        return None
    return list(zip(keys, counts, strict=True))


def _discounts(counts: I64) -> F64:
    """(4,) what to take from a count of 0, 1, 2, 3 or more, estimated from how many n-grams have each count."""
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not n1:  # nothing rare to learn from, as with single tokens: any small share will do
        return np.array([0.0, 0.5, 0.5, 0.5])
    y = n1 / (n1 + 2 * n2)
    estimates = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / max(n2, 1), 3 - 4 * y * n4 / max(n3, 1)]
    return np.array([0.0, *(min(max(value, 0.05), c) for c, value in enumerate(estimates, 1))])


def _count(sequences: Sequence[npt.NDArray[np.uint16]], n: int) -> tuple[I64, I64]:
    keys, counts = np.unique(np.concatenate([_keys(s, n) for s in sequences]), return_counts=True)
    return keys, counts


def _keys(sequence: npt.NDArray[np.uint16], n: int) -> I64:
    """(T,) -> (T - n + 1,) each run of n tokens as one integer."""
    ids = sequence.astype(np.int64)
    length = max(0, len(ids) - n + 1)
    keys = np.zeros(length, dtype=np.int64)
    for k in range(n):
        keys = keys * NUM_EVENT_IDS + ids[k : k + length]
    return keys


def _lookup(keys: I64, values: F64, wanted: I64) -> F64:
    """values at wanted keys, 0 where absent."""
    if not len(keys):  # no sequence was as long as the order
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: F64 = np.where(keys[place] == wanted, values[place], 0.0)
    return found
