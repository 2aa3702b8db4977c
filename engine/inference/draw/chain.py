"""Applies, in order, all that moves a token's logits before it is drawn. Twin: native/src/stream/draw.cpp."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

import native
from engine.arrays import F32
from engine.inference.draw.conditions import Conditions
from engine.inference.draw.leaning import lean
from engine.inference.draw.past import PastToken
from engine.inference.draw.release import let_go
from engine.inference.draw.steering import listen, steer
from engine.inference.draw.stream_past import StreamPast
from engine.inference.draw.theme import pull, recall
from engine.vocabulary import NOTE_ON, NUM_SHIFTS, TIME_SHIFT

__all__ = ["guided", "moved"]


def guided(logits: F32, strength: np.float32) -> F32:
    """Mixes (2, 400) logits, with the chords and without, to (400,). strength: 0 without, 1 with, beyond 1 further."""
    with_chords, without = logits
    mixed: F32 = without + strength * (with_chords - without) if strength != 1 else with_chords
    return mixed


def moved(
    logits: F32, asked: Conditions, rules: native.StreamRules, past: StreamPast, until: int,
    allowed: Callable[[], npt.NDArray[np.bool_]],
) -> F32:  # fmt: skip
    """Returns what the sampler draws from: (2, 400) logits after the past -> (400,).

    until: up to here nothing happens. allowed: the sampler's mask.
    """
    step, onsets = past.step, past.onsets
    scores = guided(logits, asked.chord_strength)
    if asked.beat is not None and asked.leans:
        scores = lean(scores, step, asked.beat.bpm, asked.beat.origin_s)
    scores = let_go(scores, onsets, *asked.chord_at(step), asked.chord_strength)
    if not np.isnan(asked.targets).all():
        scores = steer(scores, listen(reversed(past.tokens), step, len(onsets)), asked.targets, asked.temperature)
    place = asked.remembered_place(step, rules)
    if place is not None and asked.beat is not None:
        recalled = recall(
            past.theme, place, asked.beat.bpm, past.tokens, onsets, step, asked.fits, allowed(), rules.restrike_steps
        )
        scores = scores if recalled is None else pull(scores, recalled, asked.theme, asked.temperature)
    scores = _without_stutter(scores, past.tokens, step - rules.restrike_steps, allowed)
    return _only_waits(scores, until - step) if until > step else scores


def _without_stutter(
    logits: F32, past: Sequence[PastToken], since: int, allowed: Callable[[], npt.NDArray[np.bool_]]
) -> F32:
    """Forbids the keys struck after `since`, unless no other key could be struck."""
    recent = []
    for entry in reversed(past):
        if entry.step <= since:
            break
        if NOTE_ON <= entry.token < NOTE_ON + 128:
            recent.append(entry.token)
    if not recent:
        return logits
    playable = allowed()[NOTE_ON : NOTE_ON + 128]
    playable[np.array(recent) - NOTE_ON] = False
    if not playable.any():
        return logits
    logits = logits.copy()
    logits[recent] = -np.inf
    return logits


def _only_waits(logits: F32, silent: int) -> F32:
    """Forbids all but waits that lead over `silent` steps.

    An event right after them is still to come. Beyond the longest wait, waiting in full is all that is left.
    """
    logits = logits.copy()
    logits[:TIME_SHIFT] = logits[TIME_SHIFT + NUM_SHIFTS :] = -np.inf
    logits[TIME_SHIFT : TIME_SHIFT + min(silent, NUM_SHIFTS) - 1] = -np.inf
    return logits
