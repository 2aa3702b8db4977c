"""The token loop of a session in Python: what a stream remembers, and which token comes next.

The specification of native/src/stream.cpp, which runs the same loop without Python; and what runs with the numpy
decoder. Everything is counted in steps of 10 ms. Two rules keep what comes out honest:

- A wait that would cross the asked time is not thrown away: the token stays drawn and is taken up by the next call, so
  the music does not depend on how often generate() is called.
- After a change, the next token is drawn from the model's distribution under what is known by then: that nothing
  happened up to the present. No artificial rest is fed that the model would answer with an immediate note.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import native
from engine.beats.phase import beat_bins
from engine.inference.backends import StreamDecoder
from engine.inference.draw.leaning import LEANING, lean
from engine.inference.draw.release import CHORD_TONES, RELEASE, let_go
from engine.inference.draw.steering import NO_TARGETS, STEERING, listen, steer
from engine.model.controls import UNKNOWN, Control, ControlRows
from engine.model.shapes import BAR_BINS, BEAT_BINS, CHORD_CLIP, CHORDS_AHEAD, CHORDS_BACK
from engine.vocabulary import (
    BOS,
    LAYOUT,
    NO_CHORD,
    NOTE_OFF,
    NOTE_ON,
    NUM_SHIFTS,
    NUM_VELOCITIES,
    STEP_S,
    TIME_SHIFT,
    VELOCITY,
)

__all__ = ["MAX_NOTE_STEPS", "RESTRIKE_STEPS", "Event", "Stream", "stream_rules"]

MAX_NOTE_STEPS = round(4.5 / STEP_S)  # 99 % of the notes it learned from are shorter: the model forgot this one
RESTRIKE_STEPS = round(0.08 / STEP_S)  # a key repeats no faster than 12 times a second under a pianist's hands
PHRASE_GRACE_S = 0.04  # a bar counts from a little before its line: what is struck early belongs to it


def stream_rules(controls: Sequence[Control]) -> native.StreamRules:
    """What the compiled stream is told of all this. controls: the model's."""
    names = [control.name for control in controls]
    phrase, ending = (names.index(name) if name in names else -1 for name in ("phrase", "ending"))
    return native.StreamRules(
        MAX_NOTE_STEPS, RESTRIKE_STEPS, BEAT_BINS, BAR_BINS, NO_CHORD, CHORD_CLIP, CHORDS_BACK, CHORDS_AHEAD,
        leaning=LEANING.tolist(), release=RELEASE, chord_tones=CHORD_TONES,
        controls=len(names), phrase_control=phrase, phrase_bars=controls[phrase].levels if phrase >= 0 else 1,
        phrase_grace_s=PHRASE_GRACE_S, ending_control=ending,
        ending_edges_s=controls[ending].edges if ending >= 0 else (), steering=STEERING,
    )  # fmt: skip


Event = tuple[int, int, int]
"""(step, pitch, velocity bin); the bin is -1 where the note ends."""


@dataclass(frozen=True)
class _Entry:
    """One token of the past: when it left the stream, and the note it started or ended."""

    token: int
    step: int  # after the token
    velocity: int  # bin in force after it; -1: none yet
    onset_step: int  # of a NOTE_OFF: when its note was struck, so that undoing it knows
    improvised: bool  # drawn by generate(), not fed
    log_probability: float  # of all tokens up to it


class Stream:
    """One stream of tokens and the decoder that continues it. One thread at a time.

    step: time after the last token. until: nothing more happens before it, as it has been handed out or played.
    length: tokens so far, less those rolled back. The decoder must reach back one token more than `rollback`.
    """

    def __init__(self, decoder: StreamDecoder, seed: int, rollback: int, controls: Sequence[Control] = ()) -> None:
        """seed: 0..2**64-1, ValueError outside. controls: the decoder's."""
        self._decoder = decoder
        self._controls, self._rows = {control.name: i for i, control in enumerate(controls)}, ControlRows(controls)
        self._phrase_bars = controls[self._controls["phrase"]].levels if "phrase" in self._controls else 0
        self._ending_edges_s = controls[self._controls["ending"]].edges if "ending" in self._controls else ()
        self._levels = self._rows.unknown
        self._form_s: float | None = None  # where bars are counted from
        self._end_step: int | None = None  # where the music is to end
        self._sampler = native.Sampler(LAYOUT, seed, rollback=rollback)
        self._rollback = rollback
        self._chord_ids, self._chord_steps = np.array([NO_CHORD]), np.array([0])
        self._beat: tuple[float, int, float] | None = None  # bpm, beats a bar, seconds of a bar line
        self._leans = True
        self._targets = NO_TARGETS
        self._chord_strength = np.float32(1)
        self._past: list[_Entry] = []
        self._onsets: dict[int, int] = {}  # sounding pitch -> step
        self.step = 0
        self.until = 0
        self._drawn: int | None = None  # the next token, drawn but not yet due
        self._logits: npt.NDArray[np.float32] | None = None  # (2, 400) after the last token; None: to be computed

    @property
    def length(self) -> int:
        return self._sampler.length

    @property
    def log_probability(self) -> float:
        """Natural log of the probability that the model gives all tokens so far.

        Each under what was asked, seen and guided when it was taken, before leaning, letting go and the sampler; BOS is
        free. Of a stretch: the difference of two readings.
        """
        return self._past[-1].log_probability if self._past else 0.0

    def sounding(self) -> list[int]:
        """Pitches sounding at `until`, ascending."""
        return self._sampler.sounding()

    def set_params(self, params: native.SamplerParams, chord_strength: float) -> None:
        """Holds from the next token on. chord_strength: 0 without chords, 1 with, beyond 1 guided further."""
        self._sampler.set_params(params)
        self._chord_strength = np.float32(chord_strength)
        self._drawn = None

    def set_chords(self, ids: npt.NDArray[np.int64], steps: npt.NDArray[np.int64], from_step: int) -> None:
        """(C,) chord ids and (C,) rising onsets, NO_CHORD at 0 first; they differ from the last ones at from_step.

        A change at `until` is met at once: the stream moves to that moment, and the next token sees it.
        """
        self._chord_ids, self._chord_steps = ids, steps
        self.refresh()
        if from_step == self.until > self.step:
            self._move_to(self.until)

    def set_leaning(self, leans: bool) -> None:
        """Whether waits lean towards the beat, as they do at first; from the next token on."""
        self._leans = leans
        self._drawn = None

    def set_beat(self, bpm: float | None, beats_per_bar: int, origin_s: float) -> None:
        """A bar line lies at origin_s. None: the beat is unknown."""
        self._beat = None if bpm is None else (bpm, beats_per_bar, origin_s)
        self.refresh()

    def set_levels(self, levels: npt.NDArray[np.float32]) -> None:
        """(K,) what is asked of each control (model/controls). ValueError, changing nothing: levels that are none.

        The present token is met at once; phrase and ending give way to what set_phrase and set_ending know.
        """
        self._levels = self._rows.check(levels)
        self.refresh()

    def set_phrase(self, origin_s: float | None) -> None:
        """Counts bars from the bar line at origin_s, where the form begins; None, or no beat: the bar is unknown."""
        self._form_s = origin_s
        self.refresh()

    def set_ending(self, step: int | None) -> None:
        """Tells the music that it ends at a step; None: it does not know."""
        self._end_step = step
        self.refresh()

    def set_targets(self, targets: npt.NDArray[np.float64]) -> None:
        """(M,) quantities that the draw leans towards, see steering.targets_of; from the next token on.

        ValueError, changing nothing: another count, an infinite or a negative one.
        """
        wanted = np.array(targets, dtype=np.float64)
        if wanted.shape != NO_TARGETS.shape or np.isinf(wanted).any() or (wanted < 0).any():
            raise ValueError(f"targets {wanted.tolist()}: give {len(NO_TARGETS)} of 0 or more, NaN where none is asked")
        self._targets = wanted
        self._drawn = None

    def refresh(self) -> None:
        """Looks at the present again: the last token was fed under the old chords, beat, controls or styles."""
        self._drawn = None
        if self._past and self._logits is not None:
            self._decoder.rollback(1)
            self._logits = None

    def feed(self, events: Sequence[Event]) -> None:
        """Takes events as having happened, none before `step`; the music goes on from the last one.

        A strike of a sounding pitch ends the note first; the end of a silent one is ignored. ValueError, taking none:
        a pitch or a velocity bin out of range.
        """
        for _, pitch, velocity in events:
            if not (0 <= pitch < 128 and -1 <= velocity < NUM_VELOCITIES):
                raise ValueError(f"pitch {pitch}, velocity bin {velocity}: one lies outside 0..127 or 0..31")
        self._drawn = None
        for step, pitch, velocity in events:
            self._move_to(max(self.step, step))
            if pitch in self._onsets:
                self._advance(NOTE_OFF + pitch)
            if velocity >= 0:
                if not self._past or self._past[-1].velocity != velocity:
                    self._advance(VELOCITY + velocity)
                self._advance(NOTE_ON + pitch)
        self.until = max(self.until, self.step)

    def generate(self, until: int, to_strike: bool = False) -> list[Event]:
        """Improvises on to a step: the new events in time order. ValueError: the decoder's logits are no numbers.

        to_strike: stops right after the first strike, and `until` is its step; what comes next does not depend on it.
        """
        events = []
        while True:
            token = self._next_token()
            if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS and self.step + token - TIME_SHIFT + 1 > until:
                break
            self._drawn = None
            self._advance(token, improvised=True)
            if NOTE_ON <= token < NOTE_ON + 128:
                events.append((self.step, token - NOTE_ON, self._past[-1].velocity))
                if to_strike:
                    until = self.step
                    break
            elif NOTE_OFF <= token < NOTE_OFF + 128:
                events.append((self.step, token - NOTE_OFF, -1))
        self.until = max(self.until, until)
        return events

    def fork(self, decoder: StreamDecoder, seed: int, rollback: int) -> Stream:
        """One that goes on from the same past, under what is known here, with random numbers of its own.

        decoder: forked from this stream's where that stands now. ValueError: another one, or a seed as for Stream.
        """
        if decoder.length != self._decoder.length:
            raise ValueError("a fork's decoder must be forked from the parent's where that stands now")
        other = copy.copy(self)
        other._decoder, other._sampler, other._rollback = decoder, self._sampler.fork(seed, rollback), rollback
        other._past, other._onsets = list(self._past), dict(self._onsets)
        other.refresh()  # so that it computes the present as it will when it comes back here
        return other

    def copy(self, other: Stream, same: int) -> None:
        """Becomes what another fork of one parent is, but keeps its seed: it goes on otherwise.

        same: how many of their first tokens both took from the parent, under the same conditions.
        """
        mine = self._decoder, self._sampler, self._rollback
        self._decoder.copy(other._decoder, same)
        self._sampler.copy(other._sampler)
        vars(self).update(vars(other))
        self._decoder, self._sampler, self._rollback = mine
        self._past, self._onsets, self._drawn = list(other._past), dict(other._onsets), None

    def shift(self, steps: int) -> None:
        """Takes place so many steps later, or earlier: all of its times move, those of chords, beat and form too.

        What it played before 0 is no music any more to what listens to the last seconds of it (draw/steering).
        """
        later_s = steps * STEP_S
        self._past = [
            replace(entry, step=entry.step + steps, onset_step=entry.onset_step + steps) for entry in self._past
        ]
        self._onsets = {pitch: step + steps for pitch, step in self._onsets.items()}
        self.step += steps
        self.until += steps
        self._chord_steps = self._chord_steps + steps
        self._chord_steps[0] = min(self._chord_steps[0], 0)
        if self._beat is not None:
            bpm, beats_per_bar, origin_s = self._beat
            self._beat = bpm, beats_per_bar, origin_s + later_s
        self._form_s = None if self._form_s is None else self._form_s + later_s
        self._end_step = None if self._end_step is None else self._end_step + steps

    def rollback(self, to: int) -> None:
        """Forgets everything after a step. ValueError, changing nothing: it lies beyond what is remembered."""
        count = 0
        while count < len(self._past) and self._past[-1 - count].step > to:
            count += 1
        # What led up to a token that is no more: its velocity, or a wait that ended in it.
        while count < len(self._past) and _is_dangling(self._past[-1 - count].token):
            count += 1
        if count:
            undone = self._past[-count]
            self._take_back(count)
            # What had been drawn at this point stays drawn: without a change the music will go on as it did.
            self._drawn = undone.token if undone.improvised and undone.step > to else None
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

    def logits(self) -> npt.NDArray[np.float32]:
        """(2, 400) logits of the next token, with and without the chords."""
        if self._logits is None:
            if not self._past:
                self._advance(BOS)
            logits = self._step_decoder(self._past[-1])
            self._logits = np.repeat(logits, 2, axis=0) if len(logits) == 1 else logits  # one stream stands for both
        return self._logits

    def _next_token(self) -> int:
        """The drawn token, or a new one that leaves the time up to `until` as silent as it was."""
        if self._drawn is not None:
            return self._drawn
        oldest = min(self._onsets.items(), key=lambda item: (item[1], item[0]), default=None)
        if oldest is not None and self.step - oldest[1] >= MAX_NOTE_STEPS:
            self._drawn = NOTE_OFF + oldest[0]
            return self._drawn
        if self.until > self.step and not self._sampler.allowed()[TIME_SHIFT]:
            self._move_to(self.until)  # a knob has opened what was shut when the last wait was drawn
        logits = self._guided(self.logits())
        if self._beat is not None and self._leans:
            bpm, _, origin_s = self._beat
            logits = lean(logits, self.step, bpm, origin_s)
        now = self._chord_at(self.step)
        chord_id, chord_step = int(self._chord_ids[now]), int(self._chord_steps[now])
        logits = let_go(logits, self._onsets, chord_id, chord_step, self._chord_strength)
        if not np.isnan(self._targets).all():
            logits = steer(logits, listen(reversed(self._past), self.step, len(self._onsets)), self._targets)
        logits = self._without_stutter(logits)
        silent = self.until - self.step
        if silent > 0:
            logits = logits.copy()
            logits[:TIME_SHIFT] = logits[TIME_SHIFT + NUM_SHIFTS :] = -np.inf
            # An event at `until` itself is still to come. Beyond the longest wait, waiting in full is all that is left.
            logits[TIME_SHIFT : TIME_SHIFT + min(silent, NUM_SHIFTS) - 1] = -np.inf
        self._drawn = self._sampler.sample(logits)
        return self._drawn

    def _guided(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """(2, 400) logits -> (400,), with the chords heeded as strongly as asked."""
        with_chords, without = logits
        strength = self._chord_strength
        guided: npt.NDArray[np.float32] = without + strength * (with_chords - without) if strength != 1 else with_chords
        return guided

    def _without_stutter(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The logits without keys struck less than RESTRIKE_STEPS ago, unless no other key could be struck."""
        recent = []
        for entry in reversed(self._past):
            if entry.step <= self.step - RESTRIKE_STEPS:
                break
            if NOTE_ON <= entry.token < NOTE_ON + 128:
                recent.append(entry.token)
        if not recent:
            return logits
        playable = self._sampler.allowed()[NOTE_ON : NOTE_ON + 128]
        playable[recent] = False
        if not playable.any():
            return logits
        logits = logits.copy()
        logits[recent] = -np.inf
        return logits

    def _advance(self, token: int, improvised: bool = False) -> None:
        """Takes a token into the stream."""
        if not self._past and token != BOS:
            self._advance(BOS)
        velocity, onset_step, log_probability = -1, 0, 0.0
        if self._past:
            logits = self._guided(self.logits()).astype(np.float64)
            logits -= logits.max()
            velocity = self._past[-1].velocity
            log_probability = self.log_probability + float(logits[token] - np.log(np.exp(logits).sum()))
        self._logits = None
        if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS:
            self.step += token - TIME_SHIFT + 1
        elif VELOCITY <= token < VELOCITY + NUM_VELOCITIES:
            velocity = token - VELOCITY
        elif NOTE_ON <= token < NOTE_ON + 128:
            self._onsets[token - NOTE_ON] = self.step
        elif NOTE_OFF <= token < NOTE_OFF + 128:
            onset_step = self._onsets.pop(token - NOTE_OFF)
        self._past.append(_Entry(token, self.step, velocity, onset_step, improvised, log_probability))
        self._sampler.advance(token)
        if len(self._past) >= 3 * self._rollback + 64:  # in large steps, so that it costs nothing a token
            del self._past[: self._rollback]

    def _step_decoder(self, entry: _Entry) -> npt.NDArray[np.float32]:
        now = self._chord_at(entry.step)
        first, last = max(0, now - CHORDS_BACK), min(len(self._chord_ids), now + CHORDS_AHEAD + 1)
        rows = np.clip(np.arange(first - now, last - now), -CHORD_CLIP, CHORD_CLIP) + CHORD_CLIP
        levels = self._levels_at(entry.step)
        return self._decoder.step(entry.token, *self._beat_bins(entry.step), self._chord_ids[first:last], rows, levels)

    def _levels_at(self, step: int) -> npt.NDArray[np.float32]:
        """(K,) what is asked at a time: phrase and ending follow it."""
        levels: npt.NDArray[np.float32] = self._levels.copy()
        if self._form_s is not None and self._phrase_bars:
            bar = UNKNOWN
            if self._beat is not None:
                bpm, beats_per_bar, _ = self._beat
                bars = math.floor((step * STEP_S + PHRASE_GRACE_S - self._form_s) * bpm / 60 / beats_per_bar)
                bar = float(bars % self._phrase_bars) if bars >= 0 else UNKNOWN
            levels[self._controls["phrase"]] = bar
        if self._end_step is not None and self._ending_edges_s:
            left_s = max(0, self._end_step - step) * STEP_S
            levels[self._controls["ending"]] = float(np.searchsorted(self._ending_edges_s, left_s, side="right"))
        return levels

    def _chord_at(self, step: int) -> int:
        """Index of the chord in force."""
        return int(np.searchsorted(self._chord_steps, step, side="right")) - 1

    def _beat_bins(self, step: int) -> tuple[int, int]:
        if self._beat is None:
            return BEAT_BINS, BAR_BINS
        bpm, beats_per_bar, origin_s = self._beat
        beat = (step * STEP_S - origin_s) * bpm / 60
        first = math.floor(beat) - 1
        index = np.arange(first, first + 4)
        beat_bin, bar_bin = beat_bins([beat], index, index % beats_per_bar)
        return int(beat_bin[0]), int(bar_bin[0])

    def _move_to(self, step: int) -> None:
        """Feeds the waits that lead to a step."""
        while self.step < step:
            self._advance(TIME_SHIFT + min(step - self.step, NUM_SHIFTS) - 1)

    def _take_back(self, count: int) -> None:
        """Undoes the last `count` > 0 tokens."""
        self._sampler.rollback(count)  # refuses what lies beyond what is kept
        self._decoder.rollback(count - (self._logits is None))
        for entry in reversed(self._past[-count:]):
            if NOTE_ON <= entry.token < NOTE_ON + 128:
                del self._onsets[entry.token - NOTE_ON]
            elif NOTE_OFF <= entry.token < NOTE_OFF + 128:
                self._onsets[entry.token - NOTE_OFF] = entry.onset_step
        del self._past[-count:]
        self.step = self._past[-1].step if self._past else 0
        if self._past:  # its logits are gone: feed it again when they are wanted
            self._decoder.rollback(1)
        self._logits = None


def _is_dangling(token: int) -> bool:
    return VELOCITY <= token < VELOCITY + NUM_VELOCITIES or TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS - 1
