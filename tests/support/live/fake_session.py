"""A test double for engine.inference.session.Session: the same face, no model, notes drawn from a seed.

It is deterministic: the same seed, parameters, chords and calls give the same events. Notes are tones of the chord in
force, temperature widens the choice of pitches, and no note lasts longer than MAX_NOTE_S. A second of its music costs
the same after an hour as at the start.
"""

from __future__ import annotations

import copy
import random
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from engine.chords import Chord
from engine.chords.charts.form import Form
from engine.inference.reach import Hand
from engine.model.controls import Control
from engine.notes import NoteEvent
from osc_protocol.table.parameters import AUTO, BY_NAME, CONTROL_NAMES, Setting, Value, settings, values_of

MAX_NOTE_S = 0.6
STEP_S = 0.01
ROLLBACK_S = 5.0
CONTROLS = tuple(
    Control(row.name, edges=(2.0, 4.0, 8.0)) if row.auto else Control(row.name, labels=row.choices[1:])
    for row in (BY_NAME[name] for name in CONTROL_NAMES)
)


class FakeSession:
    """See engine.inference.session.Session. cost(seconds of music): called by every generate, a test's decode time."""

    def __init__(self, seed: int = 0, cost: Callable[[float], None] = lambda music_s: None) -> None:
        self.seed = seed
        self.params: dict[str, Value] = {}
        self.chords: list[tuple[float, Chord | None]] = []
        self.tempo: tuple[float | None, int, float] = (None, 4, 0.0)
        self.history: list[NoteEvent] = []
        self.calls: list[str] = []
        self.controls = CONTROLS
        self.base_sha256 = "of no base"
        self.auto: Mapping[str, str | float] = {}
        self.here: Mapping[str, float] = {}
        self.played_as: list[tuple[float, object]] = []  # (time_s of a strike, role in force)
        self.form_s: float | None = None
        self.form: Form | None = None
        self.home: tuple[float, float] | None = None  # when the last chord falls, when it is let go
        self.clear: tuple[int, int] | None = None
        self.called: Hand | None = None
        self.fed: list[NoteEvent] = []
        self.drawn_from = 0  # step from which draws are counted: a stream that was moved draws as it would have
        self._cost = cost
        self._step = 0
        self._held: dict[int, float] = {}  # pitch -> onset_s

    @property
    def time_s(self) -> float:
        return self._step * STEP_S

    def set_params(self, *given: Setting, **values: Value) -> None:
        self.params.update(values_of((*given, *settings(**values))))

    def asked(self) -> dict[str, Value]:
        asked = {name: self.params.get(name, AUTO) for name in CONTROL_NAMES}
        meant = {name: self.auto.get(name, AUTO) if value == AUTO else value for name, value in asked.items()}
        return {**meant, **self.here}

    def set_auto(self, values: Mapping[str, str | float]) -> None:
        self.auto = dict(values)

    def ask_here(self, values: Mapping[str, float]) -> None:
        self.here = dict(values)

    def keep_clear(self, pitches: tuple[int, int] | None) -> None:
        self.clear = pitches

    def call_hand(self, hand: Hand | None) -> None:
        self.called = hand

    def set_form(self, origin_s: float | None, form: Form | None = None) -> None:
        self.form_s, self.form = origin_s, form

    def bring_home(self, at_s: float | None, hold_s: float = 2.0) -> None:
        assert at_s is None or at_s > self.time_s, "the last chord lies ahead"
        self.home = None if at_s is None else (round(at_s, 2), round(at_s + hold_s, 2))

    def set_chords(self, chords: Sequence[tuple[float, Chord | None]], from_s: float = 0.0) -> None:
        onsets = [onset_s for onset_s, _ in chords]
        assert onsets == sorted(onsets)
        assert all(onset_s >= from_s - 1e-9 for onset_s in onsets)
        self.chords = [(onset_s, chord) for onset_s, chord in self.chords if onset_s < from_s] + list(chords)

    def set_tempo(self, bpm: float | None, beats_per_bar: int = 4, origin_s: float = 0.0) -> None:
        self.tempo = (bpm, beats_per_bar, origin_s)

    def feed(self, events: Sequence[NoteEvent]) -> None:
        for event in events:
            assert event.time_s >= self.time_s - 1e-9, "feed never goes back"
            self._step = max(self._step, round(event.time_s / STEP_S))
            if event.kind == "on" or event.pitch in self._held:
                self._add(event)
                self.fed.append(event)

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        until = round(until_s / STEP_S)
        assert until >= self._step, "generate never goes back"
        self._cost((until - self._step) * STEP_S)
        begin = len(self.history)
        while self._step < until and not (to_strike and any(event.kind == "on" for event in self.history[begin:])):
            self._step += 1
            self._play()
        return self.history[begin:]

    def fork(self) -> FakeSession:
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (dict, list)):
                setattr(other, name, value.copy())
        other.home = None
        other.end()
        return other

    def move(self, to_s: float) -> None:
        steps = round(to_s / STEP_S) - self._step
        self._step += steps
        self.drawn_from += steps
        later_s = steps * STEP_S
        self.history = [event._replace(time_s=event.time_s + later_s) for event in self.history]
        self._held = {pitch: onset_s + later_s for pitch, onset_s in self._held.items()}
        self.chords = [(onset_s + later_s, chord) for onset_s, chord in self.chords]

    def wait(self, until_s: float) -> None:
        assert until_s >= self.time_s - 1e-9, "waiting never goes back"
        self._step = round(until_s / STEP_S)

    def rollback(self, to_s: float) -> None:
        step = round(to_s / STEP_S)
        assert step <= self._step, "rollback never goes ahead"
        assert step >= 0
        assert (self._step - step) * STEP_S <= ROLLBACK_S + 1e-9
        self._step = step
        self.history = [event for event in self.history if event.time_s <= self.time_s + 1e-9]
        self._held = _held_after(self.history)
        self.played_as = [(at_s, role) for at_s, role in self.played_as if at_s <= self.time_s + 1e-9]

    def end(self) -> list[NoteEvent]:
        events = [NoteEvent(self.time_s, "off", pitch, 0) for pitch in self.sounding()]
        for event in events:
            self._add(event)
        return events

    def sounding(self) -> list[int]:
        return sorted(self._held)

    def chord_at(self, time_s: float) -> Chord | None:
        """Returns the chord in force at a stream second."""
        at = bisect_right(self.chords, time_s + 1e-9, key=lambda row: row[0])
        return self.chords[at - 1][1] if at else None

    def _add(self, event: NoteEvent) -> None:
        self.history.append(event)
        _hold(self._held, event)

    def _end(self, pitch: int) -> None:
        self._add(NoteEvent(self.time_s, "off", pitch, 0))

    def _play(self) -> None:
        sounding = self._held
        if self.home is not None and self.time_s >= self.home[0] - 1e-9:
            self._play_home(self.chord_at(self.time_s))
            return
        draw = random.Random(self.seed * 1_000_003 + self._step - self.drawn_from)
        for pitch, onset_s in sorted(sounding.items()):
            if self.time_s - onset_s >= MAX_NOTE_S - 1e-9 or draw.random() < 0.05:
                self._end(pitch)
        chord = self.chord_at(self.time_s)
        if draw.random() < 0.08 and chord is not None and len(sounding) < 8:
            tones = chord.pitch_classes()
            temperature = float(self.params.get("temperature", 0.8))
            pitch = 60 + tones[draw.randrange(1 if temperature < 0.3 else len(tones))]
            if self.clear is not None and self.clear[0] <= pitch <= self.clear[1]:
                pitch = 24 + pitch % 12
            if self.called == "left":
                pitch = 36 + pitch % 12
            if pitch not in sounding and not (self.clear is not None and self.clear[0] <= pitch <= self.clear[1]):
                self.played_as.append((self.time_s, self.auto.get("role")))
                self._add(NoteEvent(self.time_s, "on", pitch, 40 + draw.randrange(80)))

    def _play_home(self, chord: Chord | None) -> None:
        assert self.home is not None
        at_s, end_s = self.home
        if chord is not None and abs(self.time_s - at_s) < 1e-6:
            self.end()
            self._add(NoteEvent(self.time_s, "on", 36 + chord.root, 80))
        elif abs(self.time_s - end_s) < 1e-6:
            self.end()


def _hold(held: dict[int, float], event: NoteEvent) -> None:
    if event.kind == "on":
        held[event.pitch] = event.time_s
    else:
        held.pop(event.pitch, None)


def _held_after(history: Sequence[NoteEvent]) -> dict[int, float]:
    """pitch -> onset_s, as a rolled-back decoder would know it."""
    held: dict[int, float] = {}
    for event in history:
        _hold(held, event)
    return held
