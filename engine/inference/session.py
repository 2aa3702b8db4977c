"""One stream of music: chords and parameters in, playable note events out, with exact rollback.

The engine is used through it, in seconds, chords, parameters and names of styles. Tokens and how they are drawn are the
stream's business (engine/inference/stream), which runs compiled where that was built.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.chords import Chord
from engine.chords.charts.form import Form
from engine.inference.asked_stream import AskedStream
from engine.inference.ending import Ending, Homecoming
from engine.inference.streams import ROLLBACK_TOKENS
from engine.model.checkpoint import Checkpoint
from engine.model.chord_memory import ChordMemory
from engine.notes import Event, NoteEvent
from engine.vocabulary import NUM_VELOCITIES, STEP_S, middle_velocity, velocity_bin

if TYPE_CHECKING:
    from engine.inference.fill.fill import Candidate, Effort
    from engine.inference.fill.foresight import Foresight
    from engine.inference.fill.gap import Gap

__all__ = ["Session"]


class Session(AskedStream):
    """A stream of music from time 0. Times are seconds on the 10 ms grid. One thread at a time may call it."""

    def __init__(self, checkpoint: Checkpoint, seed: int = 0, backend: str = "auto") -> None:
        """The same checkpoint, seed and calls give the same events. seed: 0..2**64-1, ValueError outside.

        backend: one of engine.inference.backends.BACKENDS; SidemanError if it is not available. The stream without
        chords, which takes a third of the time, is computed from the first chord_strength on that is not 1.
        """
        super().__init__(checkpoint, seed, backend)
        self._chords = ChordMemory()
        self._home: Homecoming | None = None

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

    def set_chords(self, chords: Sequence[tuple[float, Chord | None]], from_s: float = 0.0) -> None:
        """Replaces every chord from from_s on by (onset_s, chord) pairs in time order; None is "no chord".

        A chord that starts at time_s acts at once: the stream moves to that moment, and the next token sees it. One
        from before the stream's beginning is in force there. ValueError, changing nothing: they are not in time order.
        """
        changed = self._chords.shifted(0)
        changed.replace(chords, from_s)
        self._stream.set_chords(*changed.track(), round(from_s / STEP_S))
        self._chords = changed

    def set_tempo(self, bpm: float | None, beats_per_bar: int = 4, origin_s: float = 0.0) -> None:
        """Tells the model the beat: a bar line lies at origin_s. None: the beat is unknown.

        ValueError, changing nothing: no tempo (engine/inference/draw/limits).
        """
        self._stream.set_beat(bpm, beats_per_bar, origin_s)
        self._asked.bpm = bpm
        self._apply_levels()

    def set_form(self, origin_s: float | None, form: Form | None = None) -> None:
        """Tells the model where the chart begins, at a bar line; None: it does not know its place in a form.

        form: what comes back in the chart, for the parameter `theme`; it holds until another one is given.
        ValueError, changing nothing: no time.
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
        ValueError, changing nothing: at_s is not ahead of time_s, or it is held for no time.
        """
        if at_s is None:
            self.set_ending(None)
            self._home = None
            return
        at, end = round(at_s / STEP_S), math.floor(round((at_s + hold_s) / STEP_S, 6))
        if not self._stream.until < at < end:
            raise ValueError(f"a last chord from {at_s:g} s for {hold_s:g} s: it must lie ahead of {self.time_s:g} s")
        self.set_ending(at_s + hold_s)
        self._home = Homecoming(
            self._stream, lambda: Ending(at, end, chord or self._chords.at(at)), self._reach,
            lambda: float(self._asked.values["chord_strength"]), self._seed,
        )  # fmt: skip

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
        other._stream = self._stream.fork(other._decoder, self._seed, ROLLBACK_TOKENS)
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

    def foresee(self, gap: Gap, ahead: Foresight) -> None:
        """Hears a take in the order of Foresight from time 0 on, and stands where the gap begins in that order.

        A base that was trained with gaps is told it as it learnt it.
        """
        ahead.tell(self._stream, gap, self._checkpoint.config.training.gaps > 0)

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
        from engine.inference.fill.fill import Guide, fill

        values = self._asked.values
        reach = (int(values["register_low"]), int(values["register_high"])) if keep_rhythm else None
        guide = None
        if foreseeing is not None:
            other, shift = foreseeing
            guide = Guide(other._decoder, other._stream, shift)
        return fill(
            self._decoder, self._stream, gap, beats=beats, tones=self._tones_at, seed=self._seed,
            count=count, rhythm=reach, guide=guide, effort=effort,
        )  # fmt: skip

    def _tones_at(self, step: int) -> frozenset[int] | None:
        """Pitch classes of the chord in force."""
        chord = self._chords.at(step)
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


def _velocity_bin(event: NoteEvent) -> int:
    return velocity_bin(event.velocity) if event.kind == "on" else -1
