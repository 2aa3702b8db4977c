"""Turns beats into seconds as people play them: swing, drift, lateness, spread, and velocities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.arrays import F64
from engine.data.practice.hands.dice import Dice
from engine.data.practice.hands.part import LEFT, Part
from engine.notes import Notes, make_notes

__all__ = ["MAX_NOTE_S", "Touch", "perform", "swing_ratio"]

MAX_NOTE_S = 4.4
MIN_NOTE_S = 0.04
_GAP_S = 0.012  # between a note and the next of its pitch


@dataclass(frozen=True)
class Touch:
    """A player's habits. ratio: where the offbeat eighth falls in its beat (0.5: even); late_ms: how far the right hand
    lies behind the beat; loose_ms: deviation of single notes; left, right: velocities of the hands; spread: deviation
    of all velocities, which is brought about; 0: as it comes; by_line: runs are evener than single notes."""

    ratio: float
    late_ms: float
    loose_ms: float
    left: float
    right: float
    spread: float = 0.0
    by_line: bool = False


def swing_ratio(tempo_bpm: float) -> float:
    """The place of the swung offbeat: two thirds of the beat when slow, nearly even when fast.

    After Friberg and Sundström 2002, who measured drummers: about 0.70 at 100 bpm down to 0.55 at 280.
    """
    return min(0.67, max(0.53, 0.72 - 0.00065 * tempo_bpm))


def perform(
    dice: Dice, parts: list[Part], tempo_bpm: float, beats: int, touch: Touch
) -> tuple[Notes, npt.NDArray[np.int8]]:
    """Returns the hands as (N,) notes in seconds, and each note's hand. No note overlaps the next of its pitch."""
    beat_s = 60.0 / tempo_bpm
    onset = np.array([x for part in parts for x in part.onset])
    length = np.array([x for part in parts for x in part.length])
    pitch = np.array([x for part in parts for x in part.pitch], dtype=np.int64)
    accent = np.array([x for part in parts for x in part.accent])
    roll_ms = np.array([x for part in parts for x in part.roll_ms])
    straight = np.array([x for part in parts for x in part.straight], dtype=bool)
    hand = np.repeat([part.hand for part in parts], [len(part.onset) for part in parts]).astype(np.int8)
    count = len(onset)
    ratio = np.where(straight, min(touch.ratio, 0.53), touch.ratio)
    if touch.by_line and touch.ratio > 0.53:
        ratio = np.where(straight, ratio, ratio + _by_line(parts))
    start, end = _swung(onset, ratio), _swung(onset + length, ratio)
    # One noise for a whole chord: fingers of a hand go down together, save for the roll.
    draw = dice.random
    noise = np.array([draw() + draw() + draw() - 1.5 for _ in range(count)])
    same = np.concatenate([[False], (np.diff(onset) == 0) & (np.diff(hand) == 0)])
    head = np.maximum.accumulate(np.where(same, 0, np.arange(count)))
    behind_ms = np.where(hand == LEFT, 0.25, 1.0) * touch.late_ms
    shift_s = _drift(dice, beats, onset) + (behind_ms + touch.loose_ms * 2.0 * noise[head] + roll_ms) / 1000
    onset_s = np.maximum(start * beat_s + shift_s, 0.0)
    offset_s = np.maximum(end * beat_s + shift_s, onset_s + MIN_NOTE_S)
    offset_s = np.minimum(offset_s, onset_s + MAX_NOTE_S)
    swell = _drift(dice, beats, onset) * 500
    level = np.where(hand == LEFT, touch.left, touch.right) + accent + swell + 3.0 * noise
    if touch.spread:
        level = level.mean() + (level - level.mean()) * (touch.spread / max(1.0, float(level.std())))
    velocity = np.clip(np.rint(level), 22, 118).astype(np.int64)
    # Whole tenths of a millisecond: a last bit that differs between platforms is gone.
    onset_s, offset_s = np.rint(onset_s * 1e4) / 1e4, np.rint(offset_s * 1e4) / 1e4
    return _settle(onset_s, offset_s, pitch, velocity, hand)


def _swung(beat: F64, ratio: F64) -> F64:
    """Returns beats with their offbeats moved; thirds of a beat stay, since they are triplets already."""
    whole = np.floor(beat + 1e-9)
    part = beat - whole
    triplet = np.abs(part * 3 - np.rint(part * 3)) < 1e-3
    moved = np.where(part < 0.5, part * 2 * ratio, ratio + (part - 0.5) * 2 * (1 - ratio))
    swung: F64 = np.where(triplet, beat, whole + moved)
    return swung


def _by_line(parts: list[Part]) -> F64:
    """(N,) by how much each note's offbeat comes later: in the middle of a right hand's run it comes earlier."""
    shifts: list[float] = []
    for part in parts:
        moments = sorted(set(part.onset))
        runs = {
            now for before, now, after in zip(moments, moments[1:], moments[2:], strict=False)
            if now - before <= 0.5 and after - now <= 0.5
        }  # fmt: skip
        shifts += [0.012 if part.hand == LEFT else -0.03 if onset in runs else 0.015 for onset in part.onset]
    return np.array(shifts)


def _drift(dice: Dice, beats: int, onset: F64) -> F64:
    """Returns (N,) seconds by which both hands wander from the beat, correlated over beats, deviation about 5 ms."""
    now, path = 0.0, []
    for _ in range(beats + 2):
        now = 0.86 * now + 0.0026 * dice.bell()
        path.append(now)
    return np.asarray(np.interp(onset, np.arange(len(path)), np.array(path)), dtype=np.float64)


def _settle(
    onset_s: F64,
    offset_s: F64,
    pitch: npt.NDArray[np.int64],
    velocity: npt.NDArray[np.int64],
    hand: npt.NDArray[np.int8],
) -> tuple[Notes, npt.NDArray[np.int8]]:
    """Notes in order; a key struck again is let go first, a key struck twice at once is struck once."""
    order = np.lexsort((onset_s, pitch))
    onset_s, offset_s = onset_s[order], offset_s[order]
    pitch, velocity, hand = pitch[order], velocity[order], hand[order]
    following = np.concatenate([np.where(pitch[1:] == pitch[:-1], onset_s[1:], np.inf), [np.inf]])
    keep = following - onset_s > 0.05
    offset_s = np.minimum(offset_s, following - _GAP_S)
    notes = make_notes(onset_s[keep], offset_s[keep], pitch[keep], velocity[keep])
    order = np.lexsort((pitch[keep], onset_s[keep]))
    return notes, hand[keep][order]
