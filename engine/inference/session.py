"""One stream of music: chords and parameters in, playable note events out, with exact rollback.

The engine is used through it, in seconds, chords, parameters and names of styles. Tokens and how they are drawn are the
stream's business (engine/inference/stream), which runs compiled where that was built.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np

import native
from engine.chords import Chord
from engine.chords.charts.form import Form
from engine.chords.scales import scale_mask
from engine.errors import CheckpointError
from engine.inference.asked import Asked
from engine.inference.backends import speed_advice
from engine.inference.decoders.style_slots import STYLES
from engine.inference.draw.steering import targets_of
from engine.inference.emphasis import emphasised
from engine.inference.ending import Ending, Homecoming, Reach
from engine.inference.fill.fill import Candidate, Effort, Guide, fill
from engine.inference.fill.forks import fork_stream
from engine.inference.fill.gap import Gap
from engine.inference.stream import Event
from engine.inference.streams import ROLLBACK_TOKENS, make_stream
from engine.model.checkpoint import Checkpoint
from engine.model.chord_memory import ChordMemory
from engine.model.controls import UNKNOWN, Control, check_askable
from engine.model.shapes import CHORD_CLIP
from engine.notes import NoteEvent
from engine.styles.library import find_style, style_weights
from engine.styles.style import Style, adapter_of
from engine.vocabulary import NUM_VELOCITIES, STEP_S, middle_velocity, velocity_bin
from osc_protocol.table.parameters import CONTROL_NAMES, HIGHEST_BPM, Setting, Value, settings, values_of

__all__ = ["Session"]

SAMPLER_NAMES = (
    "temperature", "top_p", "top_k", "min_p", "register_low", "register_high", "polyphony", "repetition",
)  # fmt: skip
NOTHING_CLEAR = (127, 0)
FASTEST_BPM = 10 * HIGHEST_BPM  # beyond any music; keeps the count of beats in a machine's integers


class Session:
    """A stream of music from time 0. Times are seconds on the 10 ms grid. One thread at a time may call it."""

    def __init__(self, checkpoint: Checkpoint, seed: int = 0, backend: str = "auto") -> None:
        """The same checkpoint, seed and calls give the same events. seed: 0..2**64-1, ValueError outside.

        backend: one of engine.inference.backends.BACKENDS; SidemanError if it is not available.
        """
        self._checkpoint, self._seed = checkpoint, seed
        self._decoder, self._stream = make_stream(emphasised(checkpoint), seed, backend)
        self._slots: list[str | None] = [None] * STYLES  # names of the styles that the decoder holds
        self._chords = ChordMemory()
        self._asked = Asked(checkpoint.model.controls)
        self._home: Homecoming | None = None
        self._clear = NOTHING_CLEAR
        # What the stream was told last.
        self._levels = np.full(len(checkpoint.model.controls), UNKNOWN, dtype=np.float32)
        self._targets: dict[str, float] = {}
        self._leans = True
        self._apply_params()

    @property
    def controls(self) -> Sequence[Control]:
        """The controls that the base was trained with."""
        return self._checkpoint.model.controls

    @property
    def speed_advice(self) -> str:
        """One line with a remedy if this machine decodes too slowly to play this base live, else ""."""
        return speed_advice(self._checkpoint, self._decoder.kernel)

    @property
    def time_s(self) -> float:
        """The time up to which the music is decided."""
        return self._stream.until * STEP_S

    @property
    def likelihood(self) -> tuple[float, int]:
        """Natural log of the probability that the model gives all that happened, under what was asked; its tokens."""
        return self._stream.log_probability, self._stream.length

    def sounding(self) -> list[int]:
        """Pitches sounding at time_s, ascending."""
        return self._stream.sounding()

    def set_params(self, *given: Setting, **values: Value) -> None:
        """Sets parameters from the next token on: settings, or values by their names in osc_protocol.table.parameters.

        Settings were checked against the table as they were made; values are checked here. ParameterError: unknown name
        or value out of range. SidemanError: a scale nobody knows, a style that is not there, is broken or was made on
        another base, a control that this base was not trained with.
        """
        checked = values_of((*given, *settings(**values)))
        for name, value in checked.items():
            check_askable(self.controls, name, value)
        if "scale" in checked:
            scale_mask(str(checked["scale"]))
        if "style" in checked or "style_blend" in checked:
            wanted = {name: checked.get(name, self._asked.values[name]) for name in ("style", "style_blend")}
            self.use_style(style_weights(str(wanted["style"]), float(wanted["style_blend"])))
        self._asked.values.update(checked)
        self._apply_params()

    def set_auto(self, values: Mapping[str, str | float]) -> None:
        """Sets what "auto" means from the next token on: by control name a label, or 0..1 of a measured control.

        A control not named is unknown to the model, as is one that this base was not trained with. While styles are in
        use, their pianists' typical values come before these (engine/styles/typical).
        """
        self._asked.auto = dict(values)
        self._apply_levels()

    def ask_here(self, values: Mapping[str, float]) -> None:
        """Asks for something else than the table's values from the next token on, as in one bar of a chart.

        values: 0..1 of a measured control, by name; {}: the table's values hold everywhere.
        """
        if values != self._asked.here:
            self._asked.here = dict(values)
            self._apply_levels()

    def asked(self) -> dict[str, str | float]:
        """Returns what applies now to each control of the table: a label, or 0..1; "auto" where nothing is asked."""
        return {name: self._asked.of(name) for name in CONTROL_NAMES}

    def use_style(self, weights: Mapping[str, float], loaded: Mapping[str, Style] | None = None) -> None:
        """Plays in these styles, name -> weight 0..2, at most four; {} is the base alone. Holds from the next token on.

        loaded: styles in memory, by name; the others are looked for in the user's folder and the package. What was
        played stays as it was computed. CheckpointError: a style that is not there, is broken or was made on another
        base, or a weight out of range; then nothing changes.
        """
        if len(weights) > STYLES:
            raise CheckpointError(f"{len(weights)} styles at once: blend at most {STYLES}")
        for name, weight in weights.items():
            if not (math.isfinite(weight) and 0 <= weight <= 2):
                raise CheckpointError(f"style {name}: weight {weight:g} lies outside 0..2")
        styles = {name: (loaded or {}).get(name) or find_style(name) for name in weights if name not in self._slots}
        adapters = {name: adapter_of(style, self._checkpoint) for name, style in styles.items()}
        for name, adapter in adapters.items():
            slot = next(i for i, held in enumerate(self._slots) if held not in weights)
            self._decoder.set_style(slot, adapter)
            self._slots[slot] = name
            self._asked.learn_style(name, styles[name])
        self._asked.use_styles(weights)
        self._decoder.set_style_weights([weights.get(name, 0.0) if name else 0.0 for name in self._slots])
        self._stream.refresh()
        self._apply_levels()

    def set_chords(self, chords: Sequence[tuple[float, Chord | None]], from_s: float = 0.0) -> None:
        """Replaces every chord from from_s on by (onset_s, chord) pairs in time order; None is "no chord".

        A chord that starts at time_s acts at once: the stream moves to that moment, and the next token sees it.
        """
        self._chords.replace(chords, from_s)
        self._stream.set_chords(*self._chords.track(), round(from_s / STEP_S))

    def keep_clear(self, pitches: tuple[int, int] | None) -> None:
        """Strikes nothing from the first to the second pitch, 0..127, from the next token on; None: anything."""
        self._clear = pitches or NOTHING_CLEAR
        self._apply_params()

    def set_tempo(self, bpm: float | None, beats_per_bar: int = 4, origin_s: float = 0.0) -> None:
        """Tells the model the beat: a bar line lies at origin_s. None: the beat is unknown. ValueError: no tempo."""
        if bpm is not None and not (0 < bpm <= FASTEST_BPM and beats_per_bar >= 1 and math.isfinite(origin_s)):
            raise ValueError(f"tempo {bpm} bpm in bars of {beats_per_bar} from {origin_s} s: no music goes like that")
        self._stream.set_beat(bpm, beats_per_bar, origin_s)
        self._asked.bpm = bpm
        self._apply_levels()

    def set_form(self, origin_s: float | None, form: Form | None = None) -> None:
        """Tells the model where the chart begins, at a bar line; None: it does not know its place in a form.

        form: what comes back in the chart, for the parameter `theme`; it holds until another one is given.
        """
        self._stream.set_phrase(origin_s)
        if form is not None:
            self._stream.set_form(form.returns, form.round_beats, form.loop)

    def set_ending(self, end_s: float | None) -> None:
        """Tells the model that the music ends at end_s; None: no end is in sight."""
        self._stream.set_ending(None if end_s is None else round(end_s / STEP_S))

    def bring_home(self, at_s: float | None, hold_s: float = 2.0, chord: Chord | None = None) -> None:
        """Ends the music: a last chord falls at at_s, a bar line, is held for hold_s and let go; then there is rest.

        chord: the one that is in force at at_s, unless given; without any, what sounds at at_s is let go. May be called
        at any time before at_s, and generate() and rollback() go on as ever; what is drawn changes only shortly before
        at_s. The model is told the end as by set_ending. None: plays on, from the rest as from what goes before it.
        ValueError: at_s is not ahead of time_s, or it is held for no time.
        """
        self.set_ending(None if at_s is None else at_s + hold_s)
        self._home = None
        if at_s is None:
            return
        at, end = round(at_s / STEP_S), math.floor(round((at_s + hold_s) / STEP_S, 6))
        if not self._stream.until < at < end:
            raise ValueError(f"a last chord from {at_s:g} s for {hold_s:g} s: it must lie ahead of {self.time_s:g} s")

        def ending() -> Ending:
            ids, rows = self._chords.view(at)
            return Ending(at, end, chord or Chord.from_id(int(ids[rows == CHORD_CLIP][0])))

        self._home = Homecoming(
            self._stream, ending, self._reach, lambda: float(self._asked.values["chord_strength"]), self._seed
        )

    def feed(self, events: Sequence[NoteEvent]) -> None:
        """Takes events as played, in time order from time_s on; the music goes on from the last one.

        A strike of a sounding pitch ends the note first; the end of a silent one is ignored.
        """
        self._stream.feed([(round(event.time_s / STEP_S), event.pitch, _velocity_bin(event)) for event in events])

    def generate(self, until_s: float, to_strike: bool = False) -> list[NoteEvent]:
        """Improvises up to until_s, which time_s then is, and returns the new events in time order.

        to_strike: stops right after the first strike, and time_s is its moment; what comes next does not depend on it.
        The last chord of bring_home() is returned whole.
        """
        return self._heard((self._home or self._stream).generate(round(until_s / STEP_S), to_strike))

    def rollback(self, to_s: float) -> None:
        """Forgets everything after to_s, exactly as if it had never been generated. time_s becomes to_s.

        Notes that sounded then sound again. ValueError: to_s lies beyond what is remembered (over five seconds).
        """
        (self._home or self._stream).rollback(round(to_s / STEP_S))

    def fork(self) -> Session:
        """A session of the same past under the same conditions, which goes on alone, with the same random numbers.

        It takes back what it has played itself. What sounds is let go in it, and no end is in sight. Both share the
        styles' memory: of a session and its forks one may play, and it is to be told its style when it takes over.
        """
        other = copy.copy(self)
        other._decoder = self._decoder.fork(ROLLBACK_TOKENS + 1)
        other._stream = fork_stream(self._stream, other._decoder, self._seed, ROLLBACK_TOKENS)
        other._chords = self._chords.shifted(0)
        other._asked = self._asked.copy()
        other._home = None
        other._stream.set_ending(None)
        other.end()
        return other

    def move(self, to_s: float) -> None:
        """Takes place earlier or later: time_s is to_s afterwards."""
        steps = round(to_s / STEP_S) - self._stream.until
        self._stream.shift(steps)
        self._chords = self._chords.shifted(steps)

    def wait(self, until_s: float) -> None:
        """Lets time pass, with nothing played, from time_s to until_s, which becomes time_s."""
        self.rollback(until_s)  # forwards: nothing happens up to there

    def fill(
        self,
        gap: Gap,
        *,
        beats: Sequence[int],
        count: int = 1,
        keep_rhythm: bool = False,
        foreseeing: tuple[Session, int] | None = None,
        effort: Effort | None = None,
    ) -> list[Candidate]:
        """Plays a gap anew, from where it begins: the `count` best ways found, best first. The session stays as it is.

        gap: in the session's steps; what stands before it was fed, and time_s is gap.begin. beats: steps in it that a
        way may be taken up from. keep_rhythm: only the keys of what is removed are new. foreseeing: a session that
        stands before the gap in the order of Foresight, and that order's shift; the notes are drawn there. effort: how
        much is tried. The same calls give the same notes.
        """
        values = self._asked.values
        reach = (int(values["register_low"]), int(values["register_high"])) if keep_rhythm else None
        guide = None
        if foreseeing is not None:
            other, shift = foreseeing
            guide = Guide(other._decoder, other._stream, shift)
        return fill(
            self._decoder, self._stream, gap, beats=beats, tones=self._tones_at, seed=self._seed,
            guided=float(values["chord_strength"]) != 1, count=count, rhythm=reach, guide=guide, effort=effort,
        )  # fmt: skip

    def _tones_at(self, step: int) -> frozenset[int] | None:
        """Pitch classes of the chord in force."""
        ids, rows = self._chords.view(step)
        chord = Chord.from_id(int(ids[rows == CHORD_CLIP][0]))
        return None if chord is None else frozenset(chord.pitch_classes())

    def end(self) -> list[NoteEvent]:
        """Ends every sounding note at time_s; returns the events."""
        return self._heard(self._stream.end())

    def _heard(self, events: Sequence[Event]) -> list[NoteEvent]:
        """Converts a stream's events to those that are played, in seconds and velocities."""
        gain = float(self._asked.values["velocity"])
        loudness = [min(max(round(middle_velocity(b) * gain), 1), 127) for b in range(NUM_VELOCITIES)]
        return [
            NoteEvent(step * STEP_S, "on", pitch, loudness[velocity]) if velocity >= 0
            else NoteEvent(step * STEP_S, "off", pitch, 0)
            for step, pitch, velocity in events
        ]  # fmt: skip

    def _reach(self) -> Reach:
        low, high, notes = (int(self._asked.values[name]) for name in ("register_low", "register_high", "polyphony"))
        reach = Reach(low, high, notes, scale_mask(str(self._asked.values["scale"])), self._clear)
        return reach.for_role(str(self.asked().get("role")))

    def _apply_params(self) -> None:
        chosen = {name: self._asked.values[name] for name in SAMPLER_NAMES}
        mask = scale_mask(str(self._asked.values["scale"]))
        low, high = self._clear
        params = native.SamplerParams(
            **chosen,  # type: ignore[arg-type]
            clear_low=low,
            clear_high=high,
            scale_mask=mask,
            keep_timing=True,
        )
        self._stream.set_params(params, float(self._asked.values["chord_strength"]))
        self._stream.set_theme(float(self._asked.values["theme"]))
        self._apply_levels()

    def _apply_levels(self) -> None:
        """Passes on to the stream what all that is asked comes to, where that is something else than before."""
        (levels, targets), leans = self._asked.for_model(), self._asked.leans
        if not np.array_equal(levels, self._levels):
            self._levels = levels
            self._stream.set_levels(levels)
        if targets != self._targets:
            self._targets = targets
            self._stream.set_targets(targets_of(targets))
        if leans != self._leans:
            self._leans = leans
            self._stream.set_leaning(leans)


def _velocity_bin(event: NoteEvent) -> int:
    return velocity_bin(event.velocity) if event.kind == "on" else -1
