"""Which notes and beats of a gap stay, as a user asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import SidemanError
from engine.inference.fill.gap import Struck
from engine.inference.reach import LEFT_TOP

__all__ = ["KEEPS", "kept_notes", "kept_register", "narrowed"]

KEEPS = ("rhythm", "top", "bass", "left", "right")
TOGETHER_STEPS = 5  # what is struck within so many steps is one chord
FEWEST_KEYS = 5  # that are left to a hand: with fewer it hammers


def kept_notes(notes: Sequence[Struck], keep: str | None) -> list[Struck]:
    """Returns the notes of a gap that stay, in order. keep: one of KEEPS; None: none does.

    rhythm keeps no note: it is the moments that stay.
    """
    if keep in ("left", "right"):
        return [note for note in notes if (note.pitch <= LEFT_TOP) == (keep == "left")]
    if keep in ("top", "bass"):
        sign = 1 if keep == "top" else -1
        return [max(chord, key=lambda note: sign * note.pitch) for chord in _chords(notes)]
    return []


def kept_register(keep: str | None, kept: Sequence[Struck], low: int, high: int) -> tuple[int, int]:
    """Returns the lowest and highest pitch of new notes: beside those that stay, where that leaves an octave.

    SidemanError: where a hand stays, and the register leaves the other one too few keys.
    """
    pitches = sorted(note.pitch for note in kept)
    if keep == "left":
        _check_room(high - LEFT_TOP, f"--keep left plays above {LEFT_TOP} anew, where register_high {high}", "higher")
        low = max(low, LEFT_TOP + 1)
    elif keep == "right":
        _check_room(LEFT_TOP + 1 - low, f"--keep right plays up to {LEFT_TOP} anew, where register_low {low}", "lower")
        high = min(high, LEFT_TOP)
    elif keep == "top" and pitches and pitches[0] - 1 >= low + 12:
        high = min(high, pitches[0] - 1)
    elif keep == "bass" and pitches and pitches[-1] + 1 <= high - 12:
        low = max(low, pitches[-1] + 1)
    return low, high


def _check_room(keys: int, what: str, remedy: str) -> None:
    if keys < FEWEST_KEYS:
        left = "no key" if keys <= 0 else f"{keys} of {FEWEST_KEYS} keys"
        raise SidemanError(f"{what} leaves {left}: give a {remedy} one")


def narrowed(begin_s: float, end_s: float, vary: float, beat_s: float, seed: int) -> tuple[float, float]:
    """Returns the stretch of a gap that is played anew where only a share of it is: whole beats in a row, 1 or more."""
    beats = max(1, round((end_s - begin_s) / beat_s))
    new = max(1, round(vary * beats))
    if new >= beats:
        return begin_s, end_s
    first = int(np.random.default_rng(seed).integers(beats - new + 1))
    return begin_s + (end_s - begin_s) * first / beats, begin_s + (end_s - begin_s) * (first + new) / beats


def _chords(notes: Sequence[Struck]) -> list[list[Struck]]:
    chords: list[list[Struck]] = []
    for note in notes:
        if chords and note.step - chords[-1][0].step < TOGETHER_STEPS:
            chords[-1].append(note)
        else:
            chords.append([note])
    return chords
