"""The chord under the player's hands, live."""

from __future__ import annotations

from typing import NamedTuple

from engine.chords.chord import Chord
from engine.chords.identify import identify

__all__ = ["ChordChange", "ChordFollower", "ChordTracker"]

# A note that only the pedal holds belongs to the harmony for this long before the newest note: legato pedalling keeps
# the old chord sounding into the new one. Beside a full chord in the hands, only a bass note struck just before counts.
_PEDAL_MEMORY_S = 1.5
_PEDAL_BASS_S = 0.75

ROLL_S = 0.040
LIFT_S = 0.150


class ChordTracker:
    """Held keys and pedal -> chord. Not thread-safe: one thread feeds it and asks."""

    def __init__(self) -> None:
        self._keys: dict[int, float] = {}  # pitch -> when it was struck
        self._pedalled: dict[int, float] = {}  # released, but still sounding
        self._pedal_down = False
        self._newest_s = 0.0

    def note_on(self, pitch: int, velocity: int, time_s: float) -> None:
        """A key goes down; velocity 0 releases it, as MIDI has it."""
        if velocity == 0:
            self.note_off(pitch, time_s)
            return
        self._pedalled.pop(pitch, None)
        self._keys[pitch] = time_s
        self._newest_s = time_s

    def note_off(self, pitch: int, time_s: float) -> None:
        """A key comes up. A key that was not down is ignored."""
        struck_s = self._keys.pop(pitch, None)
        if struck_s is not None and self._pedal_down:
            self._pedalled[pitch] = struck_s

    def pedal(self, down: bool) -> None:
        """The sustain pedal moves."""
        self._pedal_down = down
        if not down:
            self._pedalled.clear()

    def clear(self) -> None:
        """Forgets every note and lifts the pedal: after a panic or a lost port."""
        self._keys.clear()
        self._pedalled.clear()
        self._pedal_down = False

    def current(self) -> Chord | None:
        """The chord now held; None for fewer than two pitch classes and for clusters."""
        pitches = set(self._keys)
        full = len({pitch % 12 for pitch in pitches}) >= 3
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
    """The chord that holds from time_s on, the moment its first note moved. None: nothing is held."""

    time_s: float
    chord: Chord | None


class ChordFollower:
    """A tracker that reports a chord once, when it has settled.

    The notes of a rolled chord come apart, and so do fingers that lift: a chord is reported `roll_s` after the last key
    that shaped it went down, or `lift_s` after the last one came up. Not thread-safe.
    """

    def __init__(self, roll_s: float = ROLL_S, lift_s: float = LIFT_S) -> None:
        self._tracker = ChordTracker()
        self._windows_s = (roll_s, lift_s)
        self._reported: Chord | None = None
        self._moved_s: float | None = None  # when the first note since the last report moved
        self._due_s = 0.0

    def note_on(self, pitch: int, velocity: int, time_s: float) -> None:
        """A key goes down; velocity 0 releases it."""
        self._tracker.note_on(pitch, velocity, time_s)
        self._moved(time_s, struck=velocity > 0)

    def note_off(self, pitch: int, time_s: float) -> None:
        """A key comes up."""
        self._tracker.note_off(pitch, time_s)
        self._moved(time_s, struck=False)

    def pedal(self, down: bool, time_s: float) -> None:
        """The sustain pedal moves."""
        self._tracker.pedal(down)
        if not down:
            self._moved(time_s, struck=False)

    def clear(self) -> None:
        """Forgets every note; the next poll reports the silence."""
        self._tracker.clear()
        self._moved_s, self._due_s = self._moved_s or 0.0, 0.0

    @property
    def due_s(self) -> float | None:
        """When poll should next be asked; None while nothing moves."""
        return None if self._moved_s is None else self._due_s

    def poll(self, now_s: float) -> ChordChange | None:
        """The change that has settled by now_s, once; None while nothing has changed or the hands still move."""
        if self._moved_s is None or now_s < self._due_s:
            return None
        moved_s, self._moved_s = self._moved_s, None
        chord = self._tracker.current()
        if chord == self._reported:
            return None
        self._reported = chord
        return ChordChange(moved_s, chord)

    def _moved(self, time_s: float, *, struck: bool) -> None:
        if self._moved_s is None:
            self._moved_s = time_s
        self._due_s = time_s + self._windows_s[0 if struck else 1]
