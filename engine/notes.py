"""Notes, the type that every part of the engine passes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["NOTE_DTYPE", "Event", "NoteEvent", "Notes", "Performance", "TimedText", "make_notes"]

NOTE_DTYPE = np.dtype([("onset_s", "f8"), ("offset_s", "f8"), ("pitch", "u1"), ("velocity", "u1")])
"""One note: onset and offset in seconds from the start, pitch 0..127, velocity 1..127."""

Notes = npt.NDArray[np.void]
"""(N,) array of NOTE_DTYPE, ordered by (onset_s, pitch)."""

Event = tuple[int, int, int]
"""What a stream plays: (step, pitch, velocity bin); the bin is -1 where the note ends."""


class NoteEvent(NamedTuple):
    """One thing to play: `kind` at `time_s`. velocity is 0 for "off"."""

    time_s: float
    kind: Literal["on", "off"]
    pitch: int
    velocity: int


class TimedText(NamedTuple):
    """Words that stand at a moment of a file: a syllable, a section's name, a chord symbol."""

    time_s: float
    kind: Literal["lyric", "marker", "text", "cue"]
    text: str


@dataclass(frozen=True)
class Performance:
    """Notes with what is known about them.

    pedal_s, pedal_down: (P,) times of sustain-pedal changes and their state; beats_s: (B,) beat times, empty when
    unknown; beat_in_bar: (B,) index of each beat in its bar, 0 = downbeat; texts: the file's words in time order;
    repairs: what was mended in a damaged file, one line each; selection: which of a file's tracks these notes are,
    empty where they are all of its pitched notes; doubt: why a file's bytes can hardly be what somebody played or
    wrote, empty where nothing says so.
    """

    notes: Notes
    pedal_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    pedal_down: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    beats_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    beat_in_bar: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    texts: tuple[TimedText, ...] = ()
    repairs: tuple[str, ...] = ()
    selection: str = ""
    doubt: str = ""

    @property
    def mended(self) -> str:
        """What is to be said of a damaged file before its notes are used; empty for a whole one."""
        words = [
            *(["mended: " + "; ".join(self.repairs)] if self.repairs else []),
            *([self.doubt] if self.doubt else []),
        ]
        return ", and ".join(words)


def make_notes(onset_s: npt.ArrayLike, offset_s: npt.ArrayLike, pitch: npt.ArrayLike, velocity: npt.ArrayLike) -> Notes:
    """Four (N,) arrays -> (N,) Notes, ordered by (onset, pitch)."""
    notes = np.zeros(len(np.asarray(onset_s)), dtype=NOTE_DTYPE)
    notes["onset_s"], notes["offset_s"], notes["pitch"], notes["velocity"] = onset_s, offset_s, pitch, velocity
    return notes[np.lexsort((notes["pitch"], notes["onset_s"]))]
