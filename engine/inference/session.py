"""One stream of music: chords and parameters in, playable note events out, with exact rollback.

A session remembers its tokens, so the past can be taken back to any moment of the last seconds and played on
differently. Two rules keep what comes out honest:

- A wait that would cross the asked time is not thrown away: the token stays drawn and is taken up by the next call, so
  the music does not depend on how often generate() is called.
- After a change, the next token is drawn from the model's distribution under what is known by then: that nothing
  happened up to the present. No artificial rest is fed that the model would answer with an immediate note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import native
from engine.beats import beat_bins
from engine.checkpoint import Checkpoint
from engine.chord_memory import ChordMemory
from engine.chords import Chord
from engine.errors import CheckpointError
from engine.inference.backends import make_decoder
from engine.inference.decoder import STYLES
from engine.model.shapes import BAR_BINS, BEAT_BINS
from engine.notes import NoteEvent
from engine.scales import scale_mask
from engine.styles import adapter_of
from engine.styles_library import find_style, style_weights
from engine.vocabulary import (
    BOS,
    LAYOUT,
    NOTE_OFF,
    NOTE_ON,
    NUM_SHIFTS,
    NUM_VELOCITIES,
    STEP_S,
    TIME_SHIFT,
    VELOCITY,
)
from osc_protocol.parameters import BY_NAME, Value, check

__all__ = ["Session"]

MAX_NOTE_STEPS = round(4.5 / STEP_S)  # 99 % of the notes it learned from are shorter: the model forgot this one
RESTRIKE_STEPS = round(0.08 / STEP_S)  # a key repeats no faster than 12 times a second under a pianist's hands
ROLLBACK_TOKENS = 1024  # five seconds at 200 tokens a second, which is a very dense solo
SAMPLER_NAMES = (
    "temperature", "top_p", "top_k", "min_p", "density", "register_low", "register_high", "polyphony", "repetition",
)  # fmt: skip


@dataclass(frozen=True)
class _Beat:
    """Beats that never end: tempo, meter and where a bar line lies."""

    bpm: float
    beats_per_bar: int
    origin_s: float

    def bins(self, step: int) -> tuple[int, int]:
        beat = (step * STEP_S - self.origin_s) * self.bpm / 60
        first = int(np.floor(beat)) - 1
        index = np.arange(first, first + 4)
        beat_bin, bar_bin = beat_bins([beat], index, index % self.beats_per_bar)
        return int(beat_bin[0]), int(bar_bin[0])


@dataclass(frozen=True)
class _Entry:
    """One token of the past: when it left the stream, and the note it started or ended."""

    token: int
    step: int  # after the token
    velocity: int  # in force after it
    onset_step: int  # of a NOTE_OFF: when its note was struck, so that undoing it knows
    improvised: bool  # drawn by generate(), not fed


class Session:
    """A stream from time 0. Times are seconds on the 10 ms grid. One thread at a time."""

    def __init__(self, checkpoint: Checkpoint, seed: int = 0) -> None:
        """The same checkpoint, seed and calls give the same events. seed: 0..2**64-1, ValueError outside."""
        self._checkpoint = checkpoint
        self._decoder = make_decoder(checkpoint, rollback=ROLLBACK_TOKENS)
        self._slots: list[str | None] = [None] * STYLES  # names of the styles that the decoder holds
        self._sampler = native.Sampler(LAYOUT, seed, rollback=ROLLBACK_TOKENS)
        self._chords = ChordMemory()
        self._beat: _Beat | None = None
        self._values: dict[str, Value] = {p.name: p.default for p in BY_NAME.values()}
        self._past: list[_Entry] = []
        self._onsets: dict[int, int] = {}  # sounding pitch -> step
        self._step = 0  # time after the last token
        self._until = 0  # nothing more happens before this step: it has been handed out or played
        self._drawn: int | None = None  # the next token, drawn but not yet due
        self._logits: npt.NDArray[np.float32] | None = None  # (2, 400) after the last token; None: to be computed
        self._apply_params()

    @property
    def time_s(self) -> float:
        """Up to where the music is decided."""
        return self._until * STEP_S

    def sounding(self) -> list[int]:
        """Pitches sounding at time_s, ascending."""
        return self._sampler.sounding()

    def set_params(self, **values: Value) -> None:
        """Turns knobs by their names in osc_protocol.parameters; holds from the next token on.

        ParameterError: unknown name or value out of range. SidemanError: a scale nobody knows, a style that is not
        there, is broken or was made on another base.
        """
        checked = {name: check(name, value) for name, value in values.items()}
        if "scale" in checked:
            scale_mask(str(checked["scale"]))
        if "style" in checked or "style_blend" in checked:
            wanted = {name: checked.get(name, self._values[name]) for name in ("style", "style_blend")}
            self.use_style(style_weights(str(wanted["style"]), float(wanted["style_blend"])))
        self._values.update(checked)
        self._apply_params()

    def use_style(self, weights: Mapping[str, float]) -> None:
        """Plays in these styles, name -> weight 0..2, at most four; {} is the base alone. Holds from the next token on.

        What was played stays as it was computed. CheckpointError: a style that is not there, is broken or was made on
        another base, or a weight out of range; then nothing changes.
        """
        if len(weights) > STYLES:
            raise CheckpointError(f"{len(weights)} styles at once: blend at most {STYLES}")
        for name, weight in weights.items():
            if not (math.isfinite(weight) and 0 <= weight <= 2):
                raise CheckpointError(f"style {name}: weight {weight:g} lies outside 0..2")
        adapters = {name: adapter_of(find_style(name), self._checkpoint) for name in weights if name not in self._slots}
        for name, adapter in adapters.items():
            slot = next(i for i, held in enumerate(self._slots) if held not in weights)
            self._decoder.set_style(slot, adapter)
            self._slots[slot] = name
        self._decoder.set_style_weights([weights.get(name, 0.0) if name else 0.0 for name in self._slots])
        self._refresh()

    def set_chords(self, chords: Sequence[tuple[float, Chord | None]], from_s: float = 0.0) -> None:
        """(onset_s, chord) in time order replace every chord from from_s on; None is "no chord".

        A chord that starts at time_s is met at once: the stream moves to that moment, and the next token sees it.
        """
        self._chords.replace(chords, from_s)
        self._drawn = None
        if round(from_s / STEP_S) == self._until > self._step:
            self._move_to(self._until)
        self._refresh()

    def set_tempo(self, bpm: float | None, beats_per_bar: int = 4, origin_s: float = 0.0) -> None:
        """Tells the model the beat: a bar line lies at origin_s. None: the beat is unknown. ValueError: no tempo."""
        if bpm is not None and not (bpm > 0 and beats_per_bar >= 1):
            raise ValueError(f"tempo {bpm} bpm in bars of {beats_per_bar}: both must be positive")
        self._beat = None if bpm is None else _Beat(bpm, beats_per_bar, origin_s)
        self._refresh()

    def feed(self, events: Sequence[NoteEvent]) -> None:
        """Takes events as having happened, in time order from time_s on; the music goes on from the last one.

        A strike of a sounding pitch ends the note first; the end of a silent one is ignored.
        """
        self._drawn = None
        for event in events:
            self._move_to(max(self._step, round(event.time_s / STEP_S)))
            if event.pitch in self._onsets:
                self._advance(NOTE_OFF + event.pitch)
            if event.kind == "on":
                velocity_bin = event.velocity * NUM_VELOCITIES // 128
                if not self._past or self._past[-1].velocity != velocity_bin:
                    self._advance(VELOCITY + velocity_bin)
                self._advance(NOTE_ON + event.pitch)
        self._until = max(self._until, self._step)

    def generate(self, until_s: float) -> list[NoteEvent]:
        """Improvises on to until_s: the new events, time_s <= until_s, in time order. Afterwards time_s is until_s."""
        until = round(until_s / STEP_S)
        begin = len(self._past)
        trimmed = 0
        while True:
            trimmed += self._trim(begin - trimmed)
            token = self._next_token()
            if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS and self._step + token - TIME_SHIFT + 1 > until:
                break
            self._drawn = None
            self._advance(token, improvised=True)
        self._until = max(self._until, until)
        return self._events(self._past[begin - trimmed :])

    def rollback(self, to_s: float) -> None:
        """Forgets everything after to_s, exactly as if it had never been generated. time_s becomes to_s.

        Notes that sounded then sound again. ValueError: to_s lies beyond what is remembered (over five seconds).
        """
        to = round(to_s / STEP_S)
        count = 0
        while count < len(self._past) and self._past[-1 - count].step > to:
            count += 1
        # What led up to a token that is no more: its velocity, or a wait that ended in it.
        while count < len(self._past) and self._is_dangling(self._past[-1 - count].token):
            count += 1
        if count:
            undone = self._past[-count]
            self._take_back(count)
            # What had been drawn at this point stays drawn: without a change the music will go on as it did.
            self._drawn = undone.token if undone.improvised and undone.step > to else None
        self._until = max(to, self._step)

    def end(self) -> list[NoteEvent]:
        """Ends every sounding note at time_s; returns the events."""
        begin = len(self._past)
        if self._onsets:
            self._drawn = None
            self._move_to(self._until)
            for pitch in self._sampler.sounding():
                self._advance(NOTE_OFF + pitch)
        return self._events(self._past[begin:])

    def _next_token(self) -> int:
        """The drawn token, or a new one that leaves the time up to _until as silent as it was."""
        if self._drawn is not None:
            return self._drawn
        oldest = min(self._onsets.items(), key=lambda item: item[1], default=None)
        if oldest is not None and self._step - oldest[1] >= MAX_NOTE_STEPS:
            self._drawn = NOTE_OFF + oldest[0]
            return self._drawn
        with_chords, without = self._current_logits()
        strength = np.float32(self._values["chord_strength"])
        logits = without + strength * (with_chords - without) if strength != 1 else with_chords
        logits = self._without_stutter(logits)
        silent = self._until - self._step
        if silent > 0:
            logits = logits.copy()
            logits[:TIME_SHIFT] = logits[TIME_SHIFT + NUM_SHIFTS :] = -np.inf
            # An event at _until itself is still to come. Beyond the longest wait, waiting in full is all that is left.
            logits[TIME_SHIFT : TIME_SHIFT + min(silent, NUM_SHIFTS) - 1] = -np.inf
        self._drawn = self._sampler.sample(logits)
        return self._drawn

    def _without_stutter(self, logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The logits without keys struck less than RESTRIKE_STEPS ago, unless no other key could be struck."""
        recent = []
        for entry in reversed(self._past):
            if entry.step <= self._step - RESTRIKE_STEPS:
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

    def _current_logits(self) -> npt.NDArray[np.float32]:
        if self._logits is None:
            if not self._past:
                self._advance(BOS)
            self._logits = self._step_decoder(self._past[-1])
        return self._logits

    def _advance(self, token: int, improvised: bool = False) -> None:
        """Takes a token into the stream."""
        if not self._past and token != BOS:
            self._advance(BOS)
        if self._past and self._logits is None:
            self._step_decoder(self._past[-1])
        self._logits = None
        velocity = self._past[-1].velocity if self._past else -1
        onset_step = 0
        if TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS:
            self._step += token - TIME_SHIFT + 1
        elif VELOCITY <= token < VELOCITY + NUM_VELOCITIES:
            velocity = token - VELOCITY
        elif NOTE_ON <= token < NOTE_ON + 128:
            self._onsets[token - NOTE_ON] = self._step
        elif NOTE_OFF <= token < NOTE_OFF + 128:
            onset_step = self._onsets.pop(token - NOTE_OFF)
        self._past.append(_Entry(token, self._step, velocity, onset_step, improvised))
        self._sampler.advance(token)

    def _step_decoder(self, entry: _Entry) -> npt.NDArray[np.float32]:
        beat, bar = (BEAT_BINS, BAR_BINS) if self._beat is None else self._beat.bins(entry.step)
        return self._decoder.step(entry.token, beat, bar, *self._chords.view(entry.step))

    def _refresh(self) -> None:
        """Looks at the present again: the last token was fed under the old chords or beat."""
        self._drawn = None
        if self._past and self._logits is not None:
            self._decoder.rollback(1)
            self._logits = None

    def _move_to(self, step: int) -> None:
        """Feeds the waits that lead to a step."""
        while self._step < step:
            self._advance(TIME_SHIFT + min(step - self._step, NUM_SHIFTS) - 1)

    def _take_back(self, count: int) -> None:
        """Undoes the last `count` > 0 tokens."""
        if count >= len(self._past) and self._past[0].token != BOS:
            raise ValueError(f"cannot roll back {count} tokens: {len(self._past)} are kept")
        self._decoder.rollback(count - (self._logits is None))
        self._sampler.rollback(count)
        for entry in reversed(self._past[-count:]):
            if NOTE_ON <= entry.token < NOTE_ON + 128:
                del self._onsets[entry.token - NOTE_ON]
            elif NOTE_OFF <= entry.token < NOTE_OFF + 128:
                self._onsets[entry.token - NOTE_OFF] = entry.onset_step
        del self._past[-count:]
        self._step = self._past[-1].step if self._past else 0
        if self._past:  # its logits are gone: feed it again when they are wanted
            self._decoder.rollback(1)
        self._logits = None

    @staticmethod
    def _is_dangling(token: int) -> bool:
        return VELOCITY <= token < VELOCITY + NUM_VELOCITIES or TIME_SHIFT <= token < TIME_SHIFT + NUM_SHIFTS - 1

    def _trim(self, keep_from: int) -> int:
        """Drops what no rollback can reach and no caller waits for; returns how many."""
        surplus = min(len(self._past) - 2 * ROLLBACK_TOKENS, keep_from)
        if surplus < ROLLBACK_TOKENS:  # in large steps, so that it costs nothing a token
            return 0
        del self._past[:surplus]
        return surplus

    def _events(self, entries: list[_Entry]) -> list[NoteEvent]:
        gain = float(self._values["velocity"])
        events = []
        for entry in entries:
            if NOTE_ON <= entry.token < NOTE_ON + 128:
                velocity = round((4 * entry.velocity + 2) * gain)
                events.append(NoteEvent(entry.step * STEP_S, "on", entry.token - NOTE_ON, min(max(velocity, 1), 127)))
            elif NOTE_OFF <= entry.token < NOTE_OFF + 128:
                events.append(NoteEvent(entry.step * STEP_S, "off", entry.token - NOTE_OFF, 0))
        return events

    def _apply_params(self) -> None:
        chosen = {name: self._values[name] for name in SAMPLER_NAMES}
        mask = scale_mask(str(self._values["scale"]))
        self._sampler.set_params(native.SamplerParams(**chosen, scale_mask=mask, keep_timing=True))  # type: ignore[arg-type]
        self._drawn = None
