"""Tracks the chord under the player's hands, live."""

from __future__ import annotations

from typing import NamedTuple

from engine.chords.chord import Chord
from engine.chords.identify import identify

__all__ = ["ChordChange", "ChordFollower", "ChordTracker"]

# A note that only the pedal holds belongs to the harmony for this long before the newest note: legato pedalling keeps
# the old chord sounding into the new one. Beside a full chord in the hands, only a bass note struck just before counts.
_PEDAL_MEMORY_S = 1.5
_PEDAL_BASS_S = 0.75

SURE_S = 0.008
ROLL_S = 0.040
LIFT_S = 0.150
_GRASP_S = 0.050  # keys that go down within so long of one another are one grasp of the hands
_FULL = 3  # pitch classes that make a chord without doubt


class ChordTracker:
    """Names the chord of the held keys and of notes that the pedal holds. Not thread-safe: one thread uses it."""

    def __init__(self) -> None:
        self._keys: dict[int, float] = {}  # pitch -> when it was struck
        self._pedalled: dict[int, float] = {}  # released, but still sounding
        self._newest_s = 0.0

    def note_on(self, pitch: int, velocity: int, time_s: float) -> None:
        """A key goes down; velocity 0 releases it, as MIDI has it."""
        if velocity == 0:
            self.note_off(pitch, time_s)
            return
        self._pedalled.pop(pitch, None)
        self._keys[pitch] = time_s
        self._newest_s = time_s

    def note_off(self, pitch: int, time_s: float, *, pedalled: bool = False) -> None:
        """A key comes up. pedalled: its note sounds on until note_end(). A key that was not down is ignored."""
        struck_s = self._keys.pop(pitch, None)
        if struck_s is not None and pedalled:
            self._pedalled[pitch] = struck_s

    def note_end(self, pitch: int) -> bool:
        """Takes that the pedal lets go of a note; returns whether the pedal held it."""
        return self._pedalled.pop(pitch, None) is not None

    @property
    def holds(self) -> bool:
        """Whether any key is down."""
        return bool(self._keys)

    def current(self) -> Chord | None:
        """Returns the chord now held; None for fewer than two pitch classes and for clusters."""
        return self._identify(set(self._keys))

    def grasped(self) -> Chord | None:
        """Returns the chord of the keys that went down together last, if they are a full chord by themselves.

        Older keys are the chord before, whose fingers are still lifting; but a single one below is a bass.
        """
        new = {pitch for pitch, struck_s in self._keys.items() if self._newest_s - struck_s <= _GRASP_S}
        if len({pitch % 12 for pitch in new}) < _FULL:
            return None
        old = self._keys.keys() - new
        if len(old) == 1 and min(old) < min(new) and (over_bass := self._identify(new | old)) is not None:
            return over_bass
        return self._identify(new)

    def _identify(self, pitches: set[int]) -> Chord | None:
        """Returns the chord of these keys and of what the pedal holds of their harmony."""
        full = len({pitch % 12 for pitch in pitches}) >= _FULL
        lowest_key = min(pitches, default=128)
        for pitch, struck_s in self._pedalled.items():
            age_s = self._newest_s - struck_s
            if age_s <= _PEDAL_BASS_S and pitch < lowest_key if full else age_s <= _PEDAL_MEMORY_S:
                pitches.add(pitch)
        if not pitches:
            return None
        pitch_classes = 0
        for pitch in pitches:
            pitch_classes |= 1 << pitch % 12
        return identify(pitch_classes, min(pitches) % 12)


class ChordChange(NamedTuple):
    """A chord that is held from time_s on, when its first key moved; chord None: nothing is held."""

    time_s: float
    chord: Chord | None


class ChordFollower:
    """A tracker that reports a chord once, when it has settled.

    A full chord that the hands grasp at once is reported `SURE_S` after its last key: what a late finger adds is
    another report. The notes of a rolled chord come apart, and so do fingers that lift: other chords are reported
    `ROLL_S` after the last key that shaped them went down, or `LIFT_S` after the last one came up. Not thread-safe.
    """

    def __init__(self) -> None:
        self._tracker = ChordTracker()
        self._reported: Chord | None = None
        self._moved_s = 0.0  # when the first note since the last report moved
        self._strike_due_s: float | None = None  # when the keys that went down are looked at
        self._lift_due_s: float | None = None  # when all that is held is

    def note_on(self, pitch: int, velocity: int, time_s: float) -> None:
        """A key goes down; velocity 0 releases it."""
        if velocity == 0:
            self.note_off(pitch, time_s)
            return
        self._begin(time_s)
        self._tracker.note_on(pitch, velocity, time_s)
        self._strike_due_s = time_s + (ROLL_S if self._tracker.grasped() is None else SURE_S)

    def note_off(self, pitch: int, time_s: float, *, pedalled: bool = False) -> None:
        """A key comes up. pedalled: its note sounds on until note_end()."""
        self._begin(time_s)
        self._tracker.note_off(pitch, time_s, pedalled=pedalled)
        self._lift_due_s = time_s + LIFT_S

    def note_end(self, pitch: int, time_s: float) -> None:
        """The pedal lets go of a note. One that it did not hold is ignored."""
        if self._tracker.note_end(pitch):
            self._begin(time_s)
            self._lift_due_s = time_s + LIFT_S

    @property
    def holds(self) -> bool:
        """Whether any key is down."""
        return self._tracker.holds

    @property
    def due_s(self) -> float | None:
        """Returns when poll() should be called next, in seconds; None while nothing moves."""
        return self._lift_due_s if self._strike_due_s is None else self._strike_due_s

    def poll(self, now_s: float) -> ChordChange | None:
        """Returns, once, the change that has settled by now_s; None while nothing changed or the hands still move."""
        if self._strike_due_s is not None and now_s >= self._strike_due_s:
            due_s, self._strike_due_s = self._strike_due_s, None
            chord, held = self._tracker.grasped(), self._tracker.current()
            if chord is not None and chord != held:  # the fingers of the chord before must lift, or they count
                self._lift_due_s = max(self._lift_due_s or 0.0, due_s + LIFT_S)
            return self._report(chord or held)
        if self._strike_due_s is None and self._lift_due_s is not None and now_s >= self._lift_due_s:
            self._lift_due_s = None
            return self._report(self._tracker.current())
        return None

    def _begin(self, time_s: float) -> None:
        if self.due_s is None:
            self._moved_s = time_s

    def _report(self, chord: Chord | None) -> ChordChange | None:
        if chord == self._reported:
            return None
        self._reported = chord
        return ChordChange(self._moved_s, chord)
