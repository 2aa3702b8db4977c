"""Checks whether the beats of a file's tempo map lie where the music has them: the tempo may be right, the phase wrong.

Sequencers start their map at the first tick, whatever was recorded before it, and engravers put an upbeat on the first
beat. So onsets that sound like beats (engine/beats/tracking) are counted by where in the map's beat they fall, and the
place with the most is where the beat is.
"""

from __future__ import annotations

import numpy as np

from engine.arrays import F64
from engine.beats.salience import onset_events
from engine.notes import Notes

__all__ = ["SAME_BEAT", "true_phase"]

PLACES = 24  # of a beat
NEAR = 1.0 / PLACES
SAME_BEAT = 0.1  # a beat moved by less than this is still the beat that the map counts in its bar
SURE = 1.3  # a place with so many times the map's own count is where the beat is
UNSURE = 1.1  # with less than so many times, the map is right; between the two it is unclear
RIVAL = 0.9  # nor is it clear where another place has so much of the best one's count


def true_phase(notes: Notes, beats_s: F64) -> float | None:
    """Returns how far after the map's beats the music's lie, in beats 0..1: 0 if the map is right, None if it is
    unclear.

    notes: (N,), N > 0. beats_s: (B,) rising seconds, B >= 2.
    """
    time_s, salience = onset_events(notes)
    odds = 1 / (1 + np.exp(-salience))
    place = np.interp(time_s, beats_s, np.arange(len(beats_s))) % 1
    distance = (place - np.arange(PLACES)[:, None] / PLACES + 0.5) % 1 - 0.5  # (PLACES, E)
    share = (odds * (np.abs(distance) < NEAR)).sum(axis=1)
    best = int(share.argmax())
    beside = best in (1, PLACES - 1)  # a map that is a hair late is right, unless nothing at all falls on its beats
    if best == 0 or share[best] < (SURE if beside else UNSURE) * share[0]:
        return 0.0
    elsewhere = np.abs((np.arange(PLACES) - best + PLACES / 2) % PLACES - PLACES / 2) > 2
    if share[best] < SURE * share[0] or (share[elsewhere] > RIVAL * share[best]).any():
        return None
    near = np.abs(distance[best]) < NEAR
    return float((best / PLACES + np.average(distance[best, near], weights=odds[near])) % 1)
