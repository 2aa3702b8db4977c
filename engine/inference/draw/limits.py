"""The limits of what a stream can be told. What lies beyond is refused before anything has changed.

Not what makes sense in music, but what can be counted: steps and beats stay whole numbers of a machine, and the network
has a row for each chord. So once something is asked, no token can fail for it. Twin: native/src/stream/limits.cpp.
"""

from __future__ import annotations

import math

from engine.arrays import F64, I64
from engine.vocabulary import NO_CHORD, NUM_CHORDS, STEP_S
from osc_protocol.table.parameters import HIGHEST_BPM

__all__ = [
    "FARTHEST_S", "FARTHEST_STEP", "FASTEST_BPM", "MOST_ASKED", "MOST_BEATS_A_BAR", "SLOWEST_BPM", "STRONGEST",
    "check_beat", "check_chords", "check_second", "check_step", "check_strength", "check_targets", "check_theme",
]  # fmt: skip

FARTHEST_STEP = 10**11  # from 0, either way: thirty years
FARTHEST_S = FARTHEST_STEP * STEP_S
SLOWEST_BPM = 1e-5  # a beat in two months: a file may have two beats that lie far apart
FASTEST_BPM = 10 * HIGHEST_BPM
MOST_BEATS_A_BAR = 1 << 20
STRONGEST = 1e3  # of the chords: logits times it are numbers still
MOST_ASKED = 1e6  # of any quantity


def check_step(step: int) -> None:
    """Raises ValueError for a step that lies too far away."""
    if not -FARTHEST_STEP <= step <= FARTHEST_STEP:
        raise ValueError(f"step {step} lies outside {-FARTHEST_STEP}..{FARTHEST_STEP}")


def check_second(what: str, second: float) -> None:
    """Raises ValueError for a time that is no number, or lies too far away."""
    if not -FARTHEST_S <= second <= FARTHEST_S:
        raise ValueError(f"{what} at {second:g} s lies outside {-FARTHEST_S:g}..{FARTHEST_S:g} s")


def check_beat(bpm: float, beats_per_bar: int, origin_s: float) -> None:
    """Raises ValueError for a beat that cannot be counted."""
    if not (SLOWEST_BPM <= bpm <= FASTEST_BPM and 1 <= beats_per_bar <= MOST_BEATS_A_BAR):
        raise ValueError(f"tempo {bpm:g} bpm in bars of {beats_per_bar}: no music goes like that")
    check_second("a bar line", origin_s)


def check_chords(ids: I64, steps: I64) -> None:
    """Raises ValueError for (C,) ids and (C,) onsets that are no chords of a stream."""
    if len(ids) != len(steps):
        raise ValueError("chord ids and steps must be two vectors of one length")
    if not len(steps) or steps[0] > 0:
        raise ValueError("the chords of a stream start at 0")
    if (steps[1:] < steps[:-1]).any():
        raise ValueError("the chords' onsets must rise")
    check_step(int(steps[0]))
    check_step(int(steps[-1]))
    for chord in ids[(ids < NO_CHORD) | (ids > NO_CHORD + NUM_CHORDS)][:1].tolist():
        raise ValueError(f"chord {chord} lies outside {NO_CHORD}..{NO_CHORD + NUM_CHORDS}")


def check_strength(chord_strength: float) -> None:
    """Raises ValueError for what is no strength of the chords."""
    if not 0 <= chord_strength <= STRONGEST:
        raise ValueError(f"chord strength {chord_strength:g} lies outside 0..{STRONGEST:g}")


def check_theme(strength: float) -> None:
    """Raises ValueError for what is no strength of the theme."""
    if not 0 <= strength <= 1:
        raise ValueError(f"theme {strength:g} lies outside 0..1")


def check_targets(targets: F64, count: int) -> None:
    """Raises ValueError for what are not `count` quantities."""
    if targets.shape != (count,):
        raise ValueError(f"targets must be a vector of {count}")
    for target in targets.tolist():
        if not (math.isnan(target) or 0 <= target <= MOST_ASKED):
            raise ValueError(f"a target of {target:g}: give 0 to {MOST_ASKED:g}, NaN where none is asked")
