"""The token loop of a session in Python: what a stream remembers, and which token comes next.

It is the specification of native/src/stream, which runs the same loop without Python, and it runs with the decoders
that are not compiled. Everything is counted in steps of 10 ms. Two rules keep what comes out honest:

- A wait that would cross the asked time is not thrown away: the token stays drawn and is taken up by the next call, so
  the music does not depend on how often generate() is called.
- After a change, the next token is drawn from the model's distribution under what is known by then: that nothing
  happened up to the present. No artificial rest is fed that the model would answer with an immediate note.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import native
from engine.arrays import F32, F64, I64
from engine.chords.charts.form import Form, Return
from engine.inference.backends import StreamDecoder
from engine.inference.draw.chain import guided, moved
from engine.inference.draw.conditions import Beat, Conditions
from engine.inference.draw.limits import (
    check_beat,
    check_chords,
    check_second,
    check_step,
    check_strength,
    check_targets,
    check_theme,
)
from engine.inference.draw.steering import NO_TARGETS
from engine.inference.draw.stream_past import StreamPast
from engine.inference.stream_rules import stream_rules
from engine.model.controls import Control, ControlRows
from engine.notes import Event
from engine.vocabulary import (
    BOS,
    LAYOUT,
    NOTE_OFF,
    NOTE_ON,
    NUM_EVENT_IDS,
    NUM_SHIFTS,
    NUM_VELOCITIES,
    PAD,
    PEDAL_OFF,
    PEDAL_ON,
    TIME_SHIFT,
    VELOCITY,
)  # fmt: skip

__all__ = ["Stream"]


class Stream:
    """One stream of tokens and the decoder that continues it. One thread at a time.

    until: nothing more happens before it, as it has been handed out or played. length: tokens so far, less those rolled
    back. The decoder must reach back one token more than `rollback`.
    """

    def __init__(self, decoder: StreamDecoder, seed: int, rollback: int, controls: Sequence[Control] = ()) -> None:
        """seed: 0..2**64-1, ValueError outside. controls: the decoder's."""
        self._decoder = decoder
        self._rules, self._rows = stream_rules(controls), ControlRows(controls)
        self._asked = Conditions(self._rows.unknown)
        self._sampler = native.Sampler(LAYOUT, seed, rollback=rollback)
        self._past = StreamPast(rollback)
        self.until = 0
        self._forked = 0  # length where this was forked: its parent's tokens
        self._drawn: int | None = None  # the next token, drawn but not yet due
        self._logits: F32 | None = None  # (2, 400) after the last token; None: to be computed

    @property
    def step(self) -> int:
        """The time after the last token."""
        return self._past.step

    @property
    def length(self) -> int:
        return self._sampler.length

    @property
    def log_probability(self) -> float:
        """Natural log of the probability that the model gives all tokens so far.

        Each under what was asked, seen and guided when it was taken, before leaning, letting go and the sampler; BOS
        and marks are free. Of a stretch: the difference of two readings.
        """
        return self._past.log_probability

    def sounding(self) -> list[int]:
        """Pitches sounding at `until`, ascending."""
        return self._sampler.sounding()

    def set_params(self, params: native.SamplerParams, chord_strength: float) -> None:
        """Sets the sampler from the next token on. chord_strength: 0 without chords, 1 with, beyond 1 further.

        A decoder of one stream begins the one without chords as soon as the strength is not 1, and keeps it.
        ValueError, as in every setter changing nothing: a strength that is none (draw/limits).
        """
        check_strength(chord_strength)
        if chord_strength != 1 and self._decoder.streams == 1:
            self._decoder.guide()
            self.refresh()
        self._sampler.set_params(params)
        self._ask(temperature=params.temperature, chord_strength=np.float32(chord_strength))

    def set_chords(self, ids: I64, steps: I64, from_step: int) -> None:
        """Sets the chords: (C,) ids and (C,) rising onsets in steps, the first NO_CHORD at 0.

        from_step: where they begin to differ from the last ones. A change at `until` itself acts at once: the stream
        moves to that moment, and the next token sees it. ValueError, changing nothing: onsets that do not rise from 0,
        or not one a chord, or an id that is no chord's.
        """
        check_chords(ids, steps)
        self._ask(at_once=True, chord_ids=ids, chord_steps=steps)
        if from_step == self.until > self.step:
            self._move_to(self.until)

    def set_leaning(self, leans: bool) -> None:
        """Sets whether waits lean towards the beat, from the next token on. At first they do."""
        self._ask(leans=leans)

    def set_beat(self, bpm: float | None, beats_per_bar: int, origin_s: float) -> None:
        """Sets the beat, with a bar line at origin_s; bpm None: it is unknown.

        ValueError, changing nothing: no beat (draw/limits).
        """
        if bpm is not None:
            check_beat(bpm, beats_per_bar, origin_s)
        self._ask(at_once=True, beat=None if bpm is None else Beat(bpm, beats_per_bar, origin_s))

    def set_levels(self, levels: F32) -> None:
        """Sets what is asked of each control: (K,) levels (model/controls).

        It acts at once, on the present token. What set_phrase and set_ending know replaces the levels of those two.
        ValueError, changing nothing: a level that the control does not have.
        """
        self._ask(at_once=True, levels=self._rows.check(levels))

    def set_phrase(self, origin_s: float | None) -> None:
        """Counts bars from the bar line at origin_s, where the form begins. None, or no beat: the bar is unknown.

        ValueError, changing nothing: no time.
        """
        if origin_s is not None:
            check_second("a form", origin_s)
        self._ask(at_once=True, form_s=origin_s)

    def set_form(
        self, returns: Sequence[tuple[float, float, float, int]], round_beats: float,
        loop: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Sets what comes back in the form that set_phrase begins (charts/form), from the next token on.

        ValueError, changing nothing: as Form.
        """
        self._ask(form=Form(tuple(Return(*one) for one in returns), round_beats, loop))

    def set_theme(self, strength: float) -> None:
        """Sets how much what comes back is like it was, from the next token on: 0 nothing is remembered, 1 a head.

        ValueError, changing nothing: outside 0..1.
        """
        check_theme(strength)
        self._ask(theme=strength)

    def set_ending(self, step: int | None) -> None:
        """Tells the model at which step the music ends; None: it does not know. ValueError: it lies too far away."""
        if step is not None:
            check_step(step)
        self._ask(at_once=True, end_step=step)

    def set_targets(self, targets: F64) -> None:
        """Sets (M,) quantities that the draw leans towards (steering.targets_of), from the next token on.

        ValueError, changing nothing: another count, one beyond the limits or a negative one.
        """
        wanted = np.array(targets, dtype=np.float64)
        check_targets(wanted, len(NO_TARGETS))
        self._ask(targets=wanted)

    def refresh(self) -> None:
        """Computes the present anew: the last token was fed under the old chords, beat, controls or styles."""
        self._drawn = None
        if self._past.tokens and self._logits is not None:
            self._decoder.rollback(1)
            self._logits = None

    def feed(self, events: Sequence[Event]) -> None:
        """Takes events as having happened, none before `step`; the music goes on from the last one.

        A strike of a sounding pitch ends the note first; the end of a silent one is ignored. ValueError, taking none:
        a step, a pitch or a velocity bin out of range.
        """
        for step, pitch, velocity in events:
            check_step(step)
            if not (0 <= pitch < 128 and -1 <= velocity < NUM_VELOCITIES):
                raise ValueError(f"pitch {pitch}, velocity bin {velocity}: one lies outside 0..127 or 0..31")
        self._drawn = None
        for step, pitch, velocity in events:
            self._move_to(max(self.step, step))
            if pitch in self._past.onsets:
                self._advance(NOTE_OFF + pitch)
            if velocity >= 0:
                if self._past.velocity != velocity:
                    self._advance(VELOCITY + velocity)
                self._advance(NOTE_ON + pitch)
        self.until = max(self.until, self.step)

    def mark(self, step: int, token: int) -> None:
        """Takes a token that is no event, at a step, as a sign to the model; like BOS it is free.

        ValueError, taking nothing: an event, no id at all, or a step too far away.
        """
        check_step(step)
        if not PAD <= token < NUM_EVENT_IDS or token in (PEDAL_ON, PEDAL_OFF):
            raise ValueError(f"token {token} is no mark: give an id that is no event")
        self._drawn = None
        self._move_to(step)
        self._advance(token)
        self.until = max(self.until, self.step)

    def generate(self, until: int, to_strike: bool = False) -> list[Event]:
        """Improvises up to a step and returns the new events in time order.

        to_strike: stops right after the first strike, and `until` is its step; what comes next does not depend on it.
        ValueError: the decoder's logits are NaN, or the step lies too far away.
        """
        check_step(until)
        events = []
        while True:
            token = self._next_token()
            if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS and self.step + token - TIME_SHIFT + 1 > until:
                break
            self._drawn = None
            self._advance(token, improvised=True)
            if NOTE_ON <= token < NOTE_ON + 128:
                events.append((self.step, token - NOTE_ON, self._past.velocity))
                if to_strike:
                    until = self.step
                    break
            elif NOTE_OFF <= token < NOTE_OFF + 128:
                events.append((self.step, token - NOTE_OFF, -1))
        self.until = max(self.until, until)
        return events

    def fork(self, decoder: StreamDecoder, seed: int, rollback: int) -> Stream:
        """Returns a stream that goes on from the same past and conditions, with random numbers of its own.

        decoder: a fork of this stream's decoder, made now. ValueError: a different one, or a seed as for Stream.
        """
        if decoder is self._decoder or decoder.length != self._decoder.length:
            raise ValueError("a fork's decoder must be forked from the parent's where that stands now")
        other = copy.copy(self)
        other._decoder, other._sampler = decoder, self._sampler.fork(seed, rollback)
        other._past, other._forked = self._past.fork(rollback), self.length
        other.refresh()  # so that it computes the present as it will when it comes back here
        return other

    def copy(self, other: Stream, same: int) -> None:
        """Takes over the state of another fork of the same parent, but keeps its own seed, so it goes on differently.

        same: how many of their first tokens both have from the parent, under the same conditions.
        """
        mine = self._decoder, self._sampler, other._past.fork(self._past.rollback)
        forked = max(self._forked, other._forked)
        self._decoder.copy(other._decoder, same)
        self._sampler.copy(other._sampler)
        vars(self).update(vars(other))
        self._decoder, self._sampler, self._past = mine
        self._forked = min(forked, self.length)
        self._drawn = None

    def set_seed(self, seed: int) -> None:
        """Draws the random numbers of another seed from the next token on. ValueError: it lies outside 0..2**64-1."""
        self._sampler.set_seed(seed)
        self._drawn = None

    def shift(self, steps: int) -> None:
        """Takes place so many steps later, or earlier: all of its times move, those of chords, beat and form too.

        What it played before 0 is no music any more to what listens to the last seconds of it (draw/steering).
        ValueError, changing nothing: too far away.
        """
        for step in (steps, self.step + steps, self.until + steps):
            check_step(step)
        self._past.shift(steps)
        self.until += steps
        self._asked = self._asked.shifted(steps)

    def rollback(self, to: int) -> None:
        """Forgets everything after a step. ValueError, changing nothing: it lies beyond what is remembered.

        What led up to a token that is no more goes too, but nothing that a fork has from its parent. To a step ahead it
        within the limits it is never refused: time passes, with nothing played.
        """
        check_step(to)
        after = self._past.count_after(to)
        count = self._past.with_what_leads_on(after, self.length - self._forked)
        if count:
            undone = self._past.tokens[-count]
            if self._take_back(count):
                # What had been drawn at this point stays drawn: without a change the music will go on as it did.
                self._drawn = undone.token if undone.improvised and undone.step > to else None
            elif after:
                raise ValueError(f"cannot roll back to step {to}: it lies beyond the tokens that are kept")
        self.until = max(to, self.step)

    def end(self) -> list[Event]:
        """Ends every sounding note at `until`; returns the events."""
        pitches = self.sounding()
        if pitches:
            self._drawn = None
            self._move_to(self.until)
        for pitch in pitches:
            self._advance(NOTE_OFF + pitch)
        return [(self.step, pitch, -1) for pitch in pitches]

    def logits(self) -> F32:
        """(2, 400) logits of the next token, with and without the chords."""
        if self._logits is None:
            if not self._past.tokens:
                self._advance(BOS)
            # The last token goes to the network under what is known of its moment now.
            token, at = self._past.tokens[-1].token, self._past.step
            levels = self._asked.levels_at(at, self._rules)
            logits = self._decoder.step(token, *self._asked.beat_bins(at), *self._asked.chords_in_view(at), levels)
            self._logits = np.repeat(logits, 2, axis=0) if len(logits) == 1 else logits  # one stream stands for both
        return self._logits

    def _ask(self, *, at_once: bool = False, **changes: Any) -> None:
        """Changes some conditions: from the next token on, or at once, where the present token meets them, too."""
        self._asked = replace(self._asked, **changes)
        self._drawn = None
        if at_once:
            self.refresh()

    def _next_token(self) -> int:
        """Returns the token drawn before, or draws one that leaves the time up to `until` as silent as it was."""
        if self._drawn is not None:
            return self._drawn
        oldest = min(self._past.onsets.items(), key=lambda item: (item[1], item[0]), default=None)
        if oldest is not None and self.step - oldest[1] >= self._rules.max_note_steps:
            self._drawn = NOTE_OFF + oldest[0]
            return self._drawn
        if self.until > self.step and not self._sampler.allowed()[TIME_SHIFT]:
            self._move_to(self.until)  # a knob has opened what was shut when the last wait was drawn
        logits = moved(self.logits(), self._asked, self._rules, self._past, self.until, self._sampler.allowed)
        self._drawn = self._sampler.sample(logits)
        return self._drawn

    def _advance(self, token: int, improvised: bool = False) -> None:
        """Takes a token into the stream."""
        if not self._past.tokens and token != BOS:
            self._advance(BOS)
        log_probability = 0.0
        if self._past.tokens:
            logits = guided(self.logits(), self._asked.chord_strength).astype(np.float64)
            logits -= logits.max()
            own = float(logits[token] - np.log(np.exp(logits).sum())) if token < PAD else 0.0
            log_probability = self.log_probability + own
        self._logits = None
        self._past.add(token, self._asked, self._rules, improvised=improvised, log_probability=log_probability)
        self._sampler.advance(token)

    def _take_back(self, count: int) -> bool:
        """Undoes the last `count` > 0 tokens; False, changing nothing, beyond what is kept."""
        if count > self._sampler.reachable:
            return False
        # The token that is then the last is fed again when its logits are wanted.
        again = len(self._past.tokens) > count
        try:
            self._decoder.rollback(count - (self._logits is None) + again)
        except ValueError:
            return False
        self._sampler.rollback(count)
        self._past.take_back(count)
        self._forked = min(self._forked, self.length)
        self._logits = None
        return True

    def _move_to(self, step: int) -> None:
        """Feeds the waits that lead to a step."""
        while self.step < step:
            self._advance(TIME_SHIFT + min(step - self.step, NUM_SHIFTS) - 1)
