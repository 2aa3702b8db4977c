"""Ends the music: it arrives on a last chord, holds it, lets go and rests.

A model trained on windows of music seldom ends by itself. So the last chord is drawn under rules: it falls on a bar
line, where all other notes end; its root lies lowest; above it stand tones of the chord that two hands can reach;
nothing more is struck, and all is released together. The model decides which tones, how many and how loud; several
chords are drawn, and the one that the model finds likeliest after what was played is taken.

The ending depends on nothing but the stream's past, the seed and the moment, so after a rollback the same calls give
the same ending.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.arrays import F64
from engine.chords import Chord
from engine.inference.reach import Reach
from engine.inference.streams import TokenStream
from engine.notes import Event
from engine.vocabulary import NOTE_ON, NUM_SHIFTS, NUM_VELOCITIES, STEP_S, TIME_SHIFT, VELOCITY

__all__ = ["LEAD_STEPS", "Ending", "Homecoming"]

LEAD_STEPS = round(0.06 / STEP_S)  # before the bar line nothing is improvised: it would be heard with the chord
CANDIDATES = 8
FEWEST, MOST = 3, 7  # notes of the chord
BASS_LOW, BASS_HIGH = 28, 52  # E1 to E3
MELODY_LOW = 60
LEFT_SPAN, RIGHT_SPAN = 16, 14  # semitones that a hand reaches: a tenth, a ninth
ROLL_STEPS = (0, 0, 1, 2)  # between two notes of a chord that is held for long
LONG_STEPS = round(1.5 / STEP_S)


@dataclass(frozen=True)
class Ending:
    """A last chord from at_step to end_step. chord None: nothing is struck, and what sounds ends at at_step."""

    at_step: int
    end_step: int
    chord: Chord | None


class Homecoming:
    """Brings a stream to its end: call its generate() and rollback() in place of the stream's own."""

    def __init__(
        self, stream: TokenStream, ending: Callable[[], Ending], reach: Callable[[], Reach],
        strength: Callable[[], float], seed: int,
    ) -> None:  # fmt: skip
        """ending, reach, strength: asked when the chord is drawn, as chords and knobs may turn until then."""
        self._stream, self._seed = stream, seed
        self._ending, self._reach, self._strength = ending, reach, strength
        self._begin = max(ending().at_step - LEAD_STEPS, stream.until)  # the improvisation goes so far
        self._plan: list[Event] | None = None

    def generate(self, until: int, to_strike: bool = False) -> list[Event]:
        """On to a step: the new events in time order; after the end there are none. to_strike: or to the first strike.

        The last chord's strikes of one step come together.
        """
        stream = self._stream
        events = stream.generate(min(until, self._begin), to_strike) if stream.until < self._begin else []
        if until <= self._begin or (to_strike and events and events[-1][2] >= 0):
            return events
        if self._plan is None:
            rng = np.random.default_rng([self._seed, self._begin])
            self._plan = _compose(stream, self._ending(), self._reach(), self._strength(), rng)
        due = [event for event in self._plan if stream.until < event[0] <= until]
        if to_strike:
            until = min([until, *(step for step, _, velocity in due if velocity >= 0)])
            due = [event for event in due if event[0] <= until]
        sounding = set(stream.sounding())
        for step, pitch, velocity in due:
            if velocity >= 0 or pitch in sounding:  # not what something else has ended
                events.append((step, pitch, velocity))
            (sounding.add if velocity >= 0 else sounding.discard)(pitch)
        stream.feed(due)
        if stream.until < until:
            stream.rollback(until)  # forwards: nothing happens up to there
        return events

    def rollback(self, to: int) -> None:
        """Rolls the stream back; a last chord that lies after `to` will be drawn anew."""
        self._stream.rollback(to)
        if to <= self._begin:
            self._plan = None


def _compose(
    stream: TokenStream, ending: Ending, reach: Reach, strength: float, rng: np.random.Generator
) -> list[Event]:
    """Returns the ending's events, and leaves the stream as it was."""
    now = stream.until
    before = [(ending.at_step, pitch, -1) for pitch in stream.sounding()]
    # The end of a note that does not sound is ignored, but moves the stream there.
    stream.feed(before or [(ending.at_step, 0, -1)])
    best: list[Event] = []
    best_score: tuple[int, float] | None = None
    for _ in range(CANDIDATES if ending.chord is not None else 0):
        assert ending.chord is not None
        chord, score = _draw_chord(stream, ending, ending.chord, reach, strength, rng)
        stream.rollback(ending.at_step)
        if best_score is None or score > best_score:
            best, best_score = chord, score
    stream.rollback(now)
    held = [(ending.end_step, pitch, -1) for _, pitch, _ in best]
    return before + best + held


def _draw_chord(
    stream: TokenStream, ending: Ending, chord: Chord, reach: Reach, strength: float, rng: np.random.Generator
) -> tuple[list[Event], tuple[int, float]]:
    """Draws one candidate from the bass up, feeding it to the stream, and returns it with how good it is.

    Whole chords are better than others (with root and third, and a note for the right hand), then the likelier ones.
    """
    step = ending.at_step + 1  # a step after what was let go, so that rolling back to the bar line leaves that
    roll = int(rng.choice(ROLL_STEPS)) if ending.end_step - ending.at_step >= LONG_STEPS else 0
    notes: list[Event] = []
    likely: list[float] = []
    while len(notes) < min(MOST, reach.notes):
        pitches = _playable([pitch for _, pitch, _ in notes], chord, reach)
        if not pitches:
            break
        with_chords, without = stream.logits().astype(np.float64)
        logits = without + strength * (with_chords - without)
        wait = _mass(logits[TIME_SHIFT : TIME_SHIFT + NUM_SHIFTS])
        struck = logits[NOTE_ON : NOTE_ON + 128]
        if len(notes) >= FEWEST and rng.random() < wait / (wait + _mass(struck[pitches])):
            break
        pitch = int(rng.choice(pitches, p=_softmax(struck[pitches])))
        velocities = logits[VELOCITY : VELOCITY + NUM_VELOCITIES]
        if not notes or rng.random() < _mass(velocities) / (_mass(velocities) + _mass(struck)):
            velocity = int(rng.choice(NUM_VELOCITIES, p=_softmax(velocities)))
        else:
            velocity = notes[-1][2]
        likely.append(float(struck[pitch] - np.log(_mass(struck))))
        notes.append((step + roll * len(notes), pitch, velocity))
        stream.feed(notes[-1:])
    classes = {pitch % 12 for _, pitch, _ in notes}
    whole = len(classes & set(chord.pitch_classes()[:2])) + any(pitch >= MELODY_LOW for _, pitch, _ in notes)
    return notes, (whole, float(np.mean(likely)) if likely else -np.inf)


def _playable(notes: list[int], chord: Chord, reach: Reach) -> list[int]:
    """Returns the pitches that may be added on top of the notes so far: chord tones in reach of two hands."""
    tones = {tone for tone in chord.pitch_classes() if reach.scale_mask >> tone & 1}
    if not notes:
        root = chord.root if chord.bass is None else chord.bass
        roots = [pitch for pitch in range(128) if reach.allows(pitch) and pitch % 12 == root]
        low = [pitch for pitch in roots if BASS_LOW <= pitch <= BASS_HIGH]
        # A window without a bass, or without the root at all: what lies lowest there.
        return low or roots[:1] or [pitch for pitch in range(128) if reach.allows(pitch) and pitch % 12 in tones][:1]
    bass, top = notes[0], notes[-1]
    right = next((pitch for pitch in notes if pitch - bass > LEFT_SPAN), None)
    ceiling = reach.high if right is None else max(right + RIGHT_SPAN, bass + LEFT_SPAN)
    floor = top + (7 if top < 40 else 3 if top < 60 else 2)  # no mud below, no half steps anywhere
    return [
        pitch for pitch in range(floor, min(ceiling, reach.high) + 1) if pitch % 12 in tones and reach.allows(pitch)
    ]


def _mass(logits: F64) -> float:
    """Returns the sum of the exponentials, on a scale that all logits of one token share."""
    return float(np.exp(np.minimum(logits, 80.0)).sum()) + 1e-300


def _softmax(logits: F64) -> F64:
    weights = np.exp(logits - logits.max())
    shares: F64 = weights / weights.sum()
    return shares
