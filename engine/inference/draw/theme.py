"""Pulls the draw towards what was played when this place of the form came first: a head comes back.

A second expert beside the model (a product of experts, Hinton 2002): it remembers strikes and ends by their place in
the form, and says which of them is due now and how long it is to the next. A remembered strike that is due is likelier,
others are rarer, and so is a wait that would miss it, as much as the knob `theme` says. The place is found by beat,
so a solo that has strayed is pulled back wherever it then is. What a chord no longer has is not asked for, and all that
forbids still forbids. At 0 nothing is remembered, which begins a new theme. What is remembered follows from the tokens
alone and is taken back with them. This is the specification of native/src/stream/theme.cpp.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import native
from engine.arrays import F32
from engine.chords.charts.form import Place
from engine.inference.draw.past import PastToken
from engine.vocabulary import NOTE_OFF, NOTE_ON, NUM_SHIFTS, NUM_VELOCITIES, STEP_S, TIME_SHIFT, VELOCITY

__all__ = ["THEME", "Recalled", "ThemeMemory", "pull", "recall"]

THEME = native.Theme(
    reach=8192, near_beats=4.0, early_steps=1, late_steps=4, strike=8.0, other=7.0, end=4.0, wait=4.0, miss=7.0,
    temperature=0.8,
)  # fmt: skip
"""Tuned until a head is told at 1, with as many chord tones as without (benchmarks/music/bench_theme)."""

_NEW_PLACE_BEATS = 0.5  # a move of the form by more is another time through
_BACK_BEATS = 1.0  # and so is a step back by more


class _Played(NamedTuple):
    """A strike or an end. pitch: as it was where its music was first; turn: which time through; -1: forgotten."""

    beat: float
    source_beat: float
    pitch: int
    is_strike: bool
    fits: bool  # its chord
    turn: int


class ThemeMemory:
    """What was played, by its place in the form."""

    def __init__(self, rollback: int) -> None:
        """rollback: so many tokens can be taken back."""
        self._rollback = rollback
        self._played: list[_Played] = []

    def fork(self, rollback: int) -> ThemeMemory:
        """Returns a memory of the same past."""
        other = ThemeMemory(rollback)
        other._played = list(self._played)
        return other

    def add(self, place: Place | None, pitch: int, is_strike: bool, fits: bool) -> None:
        """Takes a strike or an end. place: None where nothing is to be remembered, from which on all before is not."""
        if place is None:
            self._played.append(_Played(0.0, 0.0, 0, is_strike, fits, -1))
        else:
            pitch -= place.semitones
            self._played.append(_Played(place.beat, place.source_beat, pitch, is_strike, fits, self._turn(place)))
        if len(self._played) >= 2 * (THEME.reach + self._rollback):  # in large steps, so that it costs nothing a token
            del self._played[: -(THEME.reach + self._rollback)]

    def take_back(self) -> None:
        """Forgets the last one."""
        del self._played[-1:]

    def at(self, place: Place) -> list[_Played]:
        """Returns what was played when this place came first, as far as that is remembered: one whole time through."""
        now, found = self._turn(place), -1
        low = place.source_beat - THEME.near_beats
        high = place.source_beat + min(THEME.near_beats, place.left_beats)
        remembered: list[_Played] = []
        for played in reversed(self._played[-THEME.reach :]):
            if played.turn < 0:
                break
            remembered.append(played)
            if played.is_strike and played.turn != now and low <= played.source_beat <= high:
                found = played.turn
        return [played for played in remembered if played.turn == found]

    def _turn(self, place: Place) -> int:
        if not self._played or self._played[-1].turn < 0:
            return 0
        last = self._played[-1]
        moved = (place.beat - place.source_beat) - (last.beat - last.source_beat)
        return last.turn + (abs(moved) > _NEW_PLACE_BEATS or place.beat < last.beat - _BACK_BEATS)


@dataclass
class Recalled:
    """What the theme asks for at a step. next_steps: to the next strike or end; 0: none is near."""

    strikes: set[int] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)
    next_steps: int = 0


def recall(
    memory: ThemeMemory, place: Place, bpm: float, past: Sequence[PastToken], onsets: Mapping[int, int], step: int,
    fits: Callable[[int, int], bool], legal: npt.NDArray[np.bool_], restrike_steps: int,
) -> Recalled | None:  # fmt: skip
    """Returns what was played at a place and is not yet played again; None: nothing was.

    onsets: sounding pitch -> step it was struck at. fits: whether a pitch belongs to the chord of a step. legal: (400,)
    what the sampler allows. restrike_steps: a key repeats no faster.
    """
    remembered = memory.at(place)
    if not remembered:
        return None
    struck: dict[int, int] = {}
    for entry in reversed(past):
        if entry.step <= step - max(2 * THEME.late_steps + 1, restrike_steps):
            break
        if NOTE_ON <= entry.token < NOTE_ON + 128:
            struck.setdefault(entry.token - NOTE_ON, entry.step)
    recalled = Recalled()
    for played in remembered:
        ahead_beats = played.source_beat - place.source_beat
        ahead = math.floor(ahead_beats * 60 / bpm / STEP_S + 0.5)
        pitch = played.pitch + place.semitones
        # A strike that was missed is over; an end is not, as long as its note sounds.
        latest = THEME.late_steps if played.is_strike else NUM_SHIFTS
        if not -latest <= ahead <= NUM_SHIFTS or ahead_beats >= place.left_beats or not 0 <= pitch < 128:
            continue
        due = step + ahead
        began = onsets.get(pitch)
        if not played.is_strike:
            if began is None or began >= due:
                continue
            if ahead <= THEME.early_steps:
                recalled.ends.add(pitch)
                continue
        else:
            if played.fits and not fits(pitch, due):
                continue
            last = struck.get(pitch)
            if last is not None and abs(last - due) <= THEME.late_steps:
                continue
            if ahead <= THEME.early_steps:
                if began is not None:  # it cannot be struck before it ends
                    recalled.ends.add(pitch)
                elif legal[NOTE_ON + pitch] and (last is None or step - last >= restrike_steps):
                    recalled.strikes.add(pitch)
                continue
        if recalled.next_steps == 0 or ahead < recalled.next_steps:
            recalled.next_steps = ahead
    return recalled


def pull(logits: F32, recalled: Recalled, strength: float, temperature: float) -> F32:
    """Returns (400,) logits moved towards what is recalled. strength: 0..1. temperature: as for steering.steer."""
    heat = temperature / THEME.temperature
    result: F32 = logits.copy()
    strikes = result[NOTE_ON : NOTE_ON + 128]
    waits = result[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS]
    velocities = result[VELOCITY : VELOCITY + NUM_VELOCITIES]
    more = np.float32(strength * THEME.strike)
    fewer = np.float32(strength * THEME.other)
    missed = np.float32(strength * THEME.miss)
    if recalled.strikes:
        velocities += more  # one leads to a strike
        waits -= missed
        lowest = min(recalled.strikes)  # a chord is struck from below
        for pitch in range(128):
            if pitch == lowest:
                strikes[pitch] += np.float32(heat * float(more))
            elif pitch not in recalled.strikes:
                strikes[pitch] -= np.float32(heat * float(fewer))
    else:
        velocities -= fewer
        strikes -= np.float32(heat * float(fewer))
        if recalled.next_steps:
            at = recalled.next_steps - 1
            waits[max(0, at - THEME.early_steps) : at + THEME.early_steps + 1] += np.float32(strength * THEME.wait)
            waits[at + THEME.late_steps + 1 :] -= missed
    for pitch in recalled.ends:
        result[NOTE_OFF + pitch] += np.float32(strength * THEME.end)
    return result
