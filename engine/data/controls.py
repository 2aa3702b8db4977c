"""Computes what a training window is told of itself: each control's level at each token (engine/model/controls).

Measured controls say what the music to come is like: how dense, loud, high, thick and low it is, on average over all
of the window or over each of several stretches of 2 to 30 seconds. The window's music is measured as it stands there:
transposed, stretched, louder, but on its own beat where it strays. Tempo and phrase come from the piece's beats, the
ending from its length, labels (a manner, a role, a groove) from whoever knows them.

A window knows a control by chance, so that a model can be asked for any few of them, or for none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F32, F64, I64
from engine.data.shards.shards import PieceArrays, token_steps
from engine.model.controls import BASS_BELOW, UNKNOWN, Control
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

__all__ = ["ControlLevels", "measure"]

ALL_UNKNOWN = 0.15  # windows that know no control at all
LABEL_UNKNOWN, MEASURED_UNKNOWN = 0.25, 0.4  # of the others, for each control by itself
WHOLE = 0.5  # windows measured as a whole; the others in stretches
STRETCH_S = (2.0, 30.0)
SHORTEST_S = 0.25  # that is measured: one chord before a cut is no flood
PRESENT_STEPS = 4  # a bar line so near ahead is reached: notes are struck a little before the beat
FIRST_VELOCITY = 64  # before the first VELOCITY of a window


def measure(tokens: I64, bounds: I64 | None = None) -> dict[str, F64]:
    """Measures the quantity of each control in S stretches of (T,) event ids, cut at (S + 1,) rising places.

    density: notes a second; loudness: mean velocity; register: mean pitch, both NaN without a note; thickness: notes
    sounding, averaged over time; bass: notes below A3 a second. Of notes that sound when the tokens begin only the ends
    are seen, and they count against the notes after them: so the shipped base learnt what its thickness means.
    bounds None: one stretch.
    """
    bounds = np.array([0, len(tokens)]) if bounds is None else bounds
    is_shift = (tokens >= TIME_SHIFT) & (tokens < TIME_SHIFT + NUM_SHIFTS)
    seconds = np.where(is_shift, tokens - TIME_SHIFT + 1, 0) * STEP_S
    struck = (tokens >= NOTE_ON) & (tokens < NOTE_OFF)
    ended = (tokens >= NOTE_OFF) & (tokens < NOTE_OFF + NOTE_OFF - NOTE_ON)
    pitch = np.where(struck, tokens - NOTE_ON, 0)
    is_velocity = (tokens >= VELOCITY) & (tokens < VELOCITY + NUM_VELOCITIES)
    latest = np.maximum.accumulate(np.where(is_velocity, np.arange(len(tokens)), -1))
    middle = middle_velocity(tokens[np.maximum(latest, 0)] - VELOCITY)
    velocity = np.where(latest >= 0, middle, FIRST_VELOCITY)
    sounding = np.maximum(np.cumsum(struck.astype(np.int64) - ended), 0)

    def total(values: npt.NDArray[np.generic]) -> F64:
        sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
        return np.diff(sums[bounds])

    time_s, notes = np.maximum(total(seconds), SHORTEST_S), total(struck)
    some = np.where(notes > 0, notes, np.nan)
    return {
        "density": notes / time_s,
        "loudness": total(np.where(struck, velocity, 0)) / some,
        "register": total(pitch) / some,
        "thickness": total(sounding * seconds) / time_s,
        "bass": total(struck & (pitch < BASS_BELOW)) / time_s,
    }


@dataclass(frozen=True)
class ControlLevels:
    """Draws which controls a window is told, and their levels. controls: a model's, in its order."""

    controls: Sequence[Control]

    def draw(
        self,
        rng: np.random.Generator,
        tokens: I64,
        before: int,
        piece: PieceArrays,
        stretch: float = 1.0,
        labels: Mapping[str, str] | None = None,
        beat_known: bool = True,
        end_known: bool = True,
        places: I64 | None = None,
    ) -> F32:
        """Returns (n, K) levels at the n = len(tokens) - 1 inputs of a window; UNKNOWN where nothing is told.

        tokens: the window's, as they are heard, before anything strays. before: the step at which they begin, in the
        window's time, which is the piece's times `stretch`. labels: what is known of it, by control. beat_known:
        without a beat there is neither tempo nor phrase. end_known: whether the piece's end is the music's.
        places: (n,) the piece's steps, in the window's time, at its inputs; None: they follow each other from `before`.
        """
        count = len(tokens) - 1
        levels: F32 = np.full((count, len(self.controls)), UNKNOWN, dtype=np.float32)
        if not count or rng.random() < ALL_UNKNOWN:
            return levels
        now = before + token_steps(tokens[:-1])
        at = now if places is None else places
        known = labels or {}
        measured = self._measured(rng, tokens[1:], now)
        beats = piece.beat_steps * stretch if beat_known else np.zeros(0)
        for column, control in enumerate(self.controls):
            told = rng.random() >= (LABEL_UNKNOWN if control.name in known else MEASURED_UNKNOWN)
            if not told:
                continue
            if known.get(control.name) in control.labels:
                levels[:, column] = control.labels.index(known[control.name])
            elif control.name in measured:
                levels[:, column] = _bins(control, measured[control.name])
            elif control.name == "ending" and end_known:
                end = float(piece.step_before(len(piece.tokens))) * stretch
                left_s: F64 = np.asarray((end - at) * STEP_S, dtype=np.float64)
                levels[:, column] = _bins(control, left_s)
            elif control.name == "tempo" and len(beats) > 1:
                levels[:, column] = _tempo(control, beats, at)
            elif control.name == "phrase" and len(beats) > 1:
                levels[:, column] = _phrase(control, beats, piece.beat_in_bar, at)
        return levels

    def tell_end(self, levels: F32, left_s: F64) -> None:
        """Tells, in place, (n,) seconds that are left; NaN: nobody knows."""
        for column, control in enumerate(self.controls):
            if control.name == "ending":
                levels[:, column] = _bins(control, left_s)

    def _measured(self, rng: np.random.Generator, ahead: I64, now: I64) -> dict[str, F64]:
        """Returns (n,) quantities of each measured control at every input: those of the stretch that it lies in."""
        count = len(ahead)
        bounds = np.array([0, count])
        if rng.random() >= WHOLE:
            length = float(np.exp(rng.uniform(*np.log(STRETCH_S)))) / STEP_S
            stretch = (now - now[0] + rng.uniform(0, length)) // length
            bounds = np.concatenate([[0], np.flatnonzero(np.diff(stretch)) + 1, [count]])
        return {name: np.repeat(values, np.diff(bounds)) for name, values in measure(ahead, bounds).items()}


def _bins(control: Control, quantities: F64) -> F64:
    """Returns whole levels; UNKNOWN where there is no quantity."""
    bins = np.searchsorted(np.asarray(control.edges), quantities, side="right").astype(np.float64)
    return np.where(np.isnan(quantities), UNKNOWN, bins)


def _tempo(control: Control, beats: npt.NDArray[np.floating], now: I64) -> float:
    """Returns the level of the tempo of the beats that the window lies among."""
    first, last = np.searchsorted(beats, [now.min(), now.max()])
    gaps = np.diff(beats[max(0, int(first) - 1) : int(last) + 2])
    if not len(gaps):
        return UNKNOWN
    return float(control.bin(60.0 / STEP_S / max(1e-6, float(np.median(gaps)))))


def _phrase(control: Control, beats: npt.NDArray[np.floating], in_bar: npt.NDArray[np.integer], now: I64) -> F64:
    """(n,) number of the bar that each input lies in, from the piece's first, in a phrase; UNKNOWN outside of them."""
    bars = beats[in_bar == 0]
    if len(bars) < 2:
        return np.full(len(now), UNKNOWN)
    number = np.searchsorted(bars, now + PRESENT_STEPS, side="right") - 1
    return np.where((number >= 0) & (now < beats[-1]), number % control.levels, UNKNOWN)
