"""Steers the draw towards measured controls (density, register, ...) that the last seconds of music have missed.

A row of the embedding tells the model what the music to come is like, and the model follows it only as far as its past
and the other controls allow: asked for thick chords, a solo of single notes stays thin. So what was struck and held in
the last four seconds is measured as training measures it, and the logits are moved by what is missing: more strikes or
fewer, shorter waits, later ends, lower or louder notes. Music that is as asked is left alone, and so is everything for
which nothing is asked. The measurement depends on the tokens alone, so a rollback undoes it with them. This is the
specification of native/src/stream/steering.cpp.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import native
from engine.arrays import F32, F64
from engine.inference.draw.past import PastToken
from engine.model.controls import BASS_BELOW, MEASURED
from engine.vocabulary import (
    NOTE_OFF,
    NOTE_ON,
    NUM_SHIFTS,
    NUM_VELOCITIES,
    STEP_S,
    TIME_SHIFT,
    VELOCITY,
    middle_velocity,
)

__all__ = ["NO_TARGETS", "STEERING", "Heard", "listen", "steer", "targets_of"]

STEERING = native.Steering(
    window_steps=400, bass_below=BASS_BELOW, most=5.0, strike=2.0, wait=2.0, hold=8.0, chord=3.0, bass=5.0,
    register=3.0, loudness=2.0, offsets=(0.3, 0.0, 0.0, 0.3, 0.2), first_notes=4.0, octave=12.0, louder=12.0,
    temperature=0.8,
)  # fmt: skip
"""Tuned over unseen charts until the music follows what is asked, with as many chord tones as without steering."""

NO_TARGETS: F64 = np.full(len(MEASURED), np.nan)
NO_TARGETS.flags.writeable = False


def targets_of(asked: Mapping[str, float]) -> F64:
    """Returns (M,) quantities in the order of MEASURED, in the units of the edges; NaN where none is asked."""
    return np.array([asked.get(name, math.nan) for name in MEASURED], dtype=np.float64)


@dataclass(frozen=True)
class Heard:
    """What sounded in the window before a step, as whole sums."""

    steps: int  # of the window that have been played
    strikes: int
    velocities: int
    pitches: int
    bass: int  # strikes
    sounding_steps: int  # of all notes together
    struck_now: bool  # at the step itself
    velocity: int  # in force, in the middle of its bin; -1: none yet


def listen(latest_first: Iterable[PastToken], step: int, sounding: int) -> Heard:
    """Measures the window before a step from the tokens up to it. sounding: notes that sound at the step."""
    first = step - STEERING.window_steps
    strikes = velocities = pitches = bass = sounding_steps = 0
    struck_now, latest, now = False, -1, step
    for place, entry in enumerate(latest_first):
        velocity = middle_velocity(entry.velocity) if entry.velocity >= 0 else -1
        if place == 0:
            latest = velocity
        sounding_steps += sounding * (now - max(entry.step, first))
        now = entry.step
        if entry.step <= first:
            break
        if NOTE_ON <= entry.token < NOTE_ON + 128:
            sounding -= 1
            strikes += 1
            velocities += velocity
            pitches += entry.token - NOTE_ON
            bass += entry.token - NOTE_ON < STEERING.bass_below
            struck_now |= entry.step == step
        elif NOTE_OFF <= entry.token < NOTE_OFF + 128:
            sounding += 1
    played = min(step, STEERING.window_steps)
    return Heard(played, strikes, velocities, pitches, bass, sounding_steps, struck_now, latest)


def steer(logits: F32, heard: Heard, targets: F64, temperature: float) -> F32:
    """Returns (400,) logits moved towards the targets of targets_of. Time not yet played counts as being as asked.

    temperature: the sampler's. It will divide the choice of a pitch, so moves of pitch grow with it: what is asked is
    worth the same to bold and to careful playing, and the knob is heard whatever is asked.
    """
    heat = temperature / STEERING.temperature
    density, loudness, register, thickness, bass = (float(target) for target in targets)
    result: F32 = logits.copy()
    strikes = result[NOTE_ON : NOTE_ON + 128]
    velocities = result[VELOCITY : VELOCITY + NUM_VELOCITIES]
    if not math.isnan(density):
        missing = _missing("density", density, heard.strikes, heard)
        more = np.float32(_limited(STEERING.strike * missing))
        strikes += more
        velocities += more  # one leads to a strike
        longer = np.log(np.arange(1, NUM_SHIFTS + 1) * STEP_S / 0.1)
        result[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS] -= (_limited(STEERING.wait * missing) * longer).astype(np.float32)
    if not math.isnan(loudness):
        missing = (loudness - _mean(loudness, heard.velocities, heard.strikes)) / STEERING.louder
        middles = middle_velocity(np.arange(NUM_VELOCITIES))
        louder = (middles - (heard.velocity if heard.velocity >= 0 else loudness)) / STEERING.louder
        velocities += _spread(STEERING.loudness * missing, louder).astype(np.float32)
    if not math.isnan(register):
        missing = (register - _mean(register, heard.pitches, heard.strikes)) / STEERING.octave
        higher = (np.arange(128) - register) / STEERING.octave
        strikes += (heat * _spread(STEERING.register * missing, higher)).astype(np.float32)
    if not math.isnan(thickness):
        missing = _missing("thickness", thickness, heard.sounding_steps * STEP_S, heard)
        result[NOTE_OFF : NOTE_OFF + 128] -= np.float32(_limited(STEERING.hold * missing))
        if heard.struck_now:  # the chord of this moment; a line alone stays as dense as it is
            more = np.float32(_limited(STEERING.chord * missing))
            strikes += more
            velocities += more
    if not math.isnan(bass):
        missing = _missing("bass", bass, heard.bass, heard)
        strikes[: STEERING.bass_below] += np.float32(heat * _limited(STEERING.bass * missing))
    return result


def _missing(name: str, target: float, total: float, heard: Heard) -> float:
    """Returns the natural logarithm of how many times more a second is asked than was heard."""
    window_s = STEERING.window_steps * STEP_S
    per_s = (total + target * (window_s - heard.steps * STEP_S)) / window_s
    offset = STEERING.offsets[MEASURED.index(name)]
    return math.log((target + offset) / (per_s + offset))


def _mean(target: float, total: float, count: int) -> float:
    return (total + target * STEERING.first_notes) / (count + STEERING.first_notes)


def _limited(x: float) -> float:
    return max(-STEERING.most, min(STEERING.most, x))


def _spread(slope: float, distances: npt.NDArray[np.floating[Any]]) -> F64:
    moves: F64 = np.clip(_limited(slope) * distances, -2 * STEERING.most, 2 * STEERING.most)
    return moves
