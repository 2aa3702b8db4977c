"""A stream's past: its tokens, what sounds after them, and what the theme remembers; each can be taken back.

It is kept as far as it can be taken back, and a little more, which is what listens to it. Twin: native/src/stream.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import replace

import native
from engine.inference.draw.conditions import Conditions
from engine.inference.draw.past import PastToken
from engine.inference.draw.theme import ThemeMemory
from engine.vocabulary import NOTE_OFF, NOTE_ON, NUM_SHIFTS, NUM_VELOCITIES, TIME_SHIFT, VELOCITY

__all__ = ["StreamPast"]


class StreamPast:
    """tokens: the latest, the last one last. onsets: sounding pitch -> the step it was struck at. step: after them."""

    def __init__(self, rollback: int) -> None:
        """rollback: so many tokens can be taken back."""
        self.rollback = rollback
        self.tokens: deque[PastToken] = deque(maxlen=_longest(rollback))
        self.onsets: dict[int, int] = {}
        self.theme = ThemeMemory(rollback)
        self.step = 0

    @property
    def velocity(self) -> int:
        """The velocity bin in force; -1: none yet."""
        return self.tokens[-1].velocity if self.tokens else -1

    @property
    def log_probability(self) -> float:
        """Of all tokens; 0 where there is none."""
        return self.tokens[-1].log_probability if self.tokens else 0.0

    def add(
        self, token: int, asked: Conditions, rules: native.StreamRules, *, improvised: bool, log_probability: float
    ) -> None:
        """Takes a token, which was drawn or fed under what is asked. log_probability: of all tokens with it."""
        velocity, onset_step = self.velocity, 0
        if token < TIME_SHIFT:
            is_strike = token < NOTE_OFF
            pitch = token - (NOTE_ON if is_strike else NOTE_OFF)
            if is_strike:
                self.onsets[pitch] = self.step
            else:
                onset_step = self.onsets.pop(pitch)
            place = asked.remembered_place(self.step, rules)
            self.theme.add(place, pitch, is_strike, asked.fits(pitch, self.step))
        elif token < TIME_SHIFT + NUM_SHIFTS:
            self.step += token - TIME_SHIFT + 1
        elif VELOCITY <= token < VELOCITY + NUM_VELOCITIES:
            velocity = token - VELOCITY
        self.tokens.append(PastToken(token, self.step, velocity, onset_step, improvised, log_probability))

    def count_after(self, step: int) -> int:
        """Returns how many tokens came after a step."""
        count = 0
        while count < len(self.tokens) and self.tokens[-1 - count].step > step:
            count += 1
        return count

    def with_what_leads_on(self, count: int, most: int) -> int:
        """Returns `count`, and so many more as led up to the last `count` tokens or lead on: a velocity, or waits.

        most: no token that came before the last `most` is added.
        """
        while count < min(len(self.tokens), most) and _leads_on(self.tokens[-1 - count].token):
            count += 1
        return count

    def take_back(self, count: int) -> None:
        """Forgets the last `count` > 0 tokens."""
        for _ in range(count):
            entry = self.tokens.pop()
            if entry.token < NOTE_OFF:
                del self.onsets[entry.token - NOTE_ON]
            elif entry.token < TIME_SHIFT:
                self.onsets[entry.token - NOTE_OFF] = entry.onset_step
            if entry.token < TIME_SHIFT:
                self.theme.take_back()
        self.step = self.tokens[-1].step if self.tokens else 0

    def fork(self, rollback: int) -> StreamPast:
        """Returns the same past, for another stream."""
        other = copy.copy(self)
        other.rollback, other.theme = rollback, self.theme.fork(rollback)
        other.tokens, other.onsets = deque(self.tokens, maxlen=_longest(rollback)), dict(self.onsets)
        return other

    def shift(self, steps: int) -> None:
        """Takes place so many steps later, or earlier."""
        self.tokens = deque(
            (replace(entry, step=entry.step + steps, onset_step=entry.onset_step + steps) for entry in self.tokens),
            maxlen=_longest(self.rollback),
        )
        self.onsets = {pitch: step + steps for pitch, step in self.onsets.items()}
        self.step += steps


def _longest(rollback: int) -> int:
    """How many tokens are kept, for a stream of that rollback; its twin keeps as many."""
    return 2 * rollback + 64


def _leads_on(token: int) -> bool:
    return VELOCITY <= token < VELOCITY + NUM_VELOCITIES or TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS - 1
