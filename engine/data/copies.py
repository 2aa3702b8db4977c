"""Finds copies: files that would teach the same notes twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from engine.vocabulary import LAYOUT
from native import decode

__all__ = ["find_copies", "onset_steps", "same_timing"]

TOLERANCE_STEPS = 2.5  # 25 ms: onsets of both were rounded to 10 ms, and one was stretched


def find_copies(melodies: Sequence[str | None], onsets_of: Callable[[int], npt.NDArray[np.int64]]) -> dict[int, int]:
    """Returns, for every file but the first of its kind, the file that it is a copy of.

    Two files have the same notes if their pitches come in the same order, counted from the first (so in any key), and
    their onsets agree within 25 ms once both last equally long (so at any tempo). Loudness, note ends, pedal, names and
    texts do not matter. Another performance of the same score differs by more, and is kept: it is only the same work.

    melodies: a hash of each file's pitches in order, None for a file that is not used; onsets_of: onset steps of one
    file, asked for only where hashes are equal.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for number, melody in enumerate(melodies):
        if melody is not None:
            alike[melody].append(number)
    copies: dict[int, int] = {}
    for numbers in alike.values():
        originals: list[tuple[int, npt.NDArray[np.int64]]] = []
        for number in numbers if len(numbers) > 1 else ():
            onsets = onsets_of(number)
            original = next((other for other, steps in originals if same_timing(onsets, steps)), None)
            if original is None:
                originals.append((number, onsets))
            else:
                copies[number] = original
    return copies


def onset_steps(tokens: npt.NDArray[np.uint16]) -> npt.NDArray[np.int64]:
    """Returns the (N,) onsets in steps of (T,) tokens."""
    return decode(LAYOUT, tokens)[0]


def same_timing(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    """Whether two rows of onsets agree but for their start and tempo."""
    if len(one) != len(other) or not len(one):
        return False
    (first, last), (other_first, other_last) = (one[0], one[-1]), (other[0], other[-1])
    if last == first or other_last == other_first:
        return bool(last - first == other_last - other_first)
    scaled = (other - other_first) * ((last - first) / (other_last - other_first))
    return bool(
        np.abs(one - first - scaled).max() <= TOLERANCE_STEPS * max(1.0, (last - first) / (other_last - other_first))
    )
