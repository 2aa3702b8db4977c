"""The moments of a session's clock over the beats of the host that it plays in.

The clock of such a session runs by the host's beats instead of the time on the wall: at its tempo a microsecond is a
microsecond, and when the host goes a little faster, so does the clock. So every note has its beat, whatever the tempo
does between its making and its sounding. Where the tempo has become another one, the clock bends: from a moment on a
microsecond is another share of a beat.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from osc_protocol.table.parameters import DEFAULT_BPM

__all__ = ["HostTime"]

START_US: Final = 1_000_000_000  # of the clock, at beat 0: ends of notes never fall before its beginning
BENDS: Final = 16  # kept: what is asked for lies seconds away at most


class _Bend(NamedTuple):
    """From at_us on, which is `beat`, the clock has this tempo."""

    at_us: int
    beat: float
    tempo_bpm: float


class HostTime:
    """Beats are quarters on the host's count, which only grows. The session thread bends it; any thread may ask."""

    def __init__(self) -> None:
        self._bends: tuple[_Bend, ...] = (_Bend(START_US, 0.0, DEFAULT_BPM),)  # replaced as a whole

    @property
    def tempo_bpm(self) -> float:
        """The clock's tempo from its last bend on, in quarters."""
        return self._bends[-1].tempo_bpm

    def wall_us(self, beat: float) -> int:
        """Returns the clock's moment of a beat."""
        bends = self._bends
        bend = next((bend for bend in reversed(bends) if bend.beat <= beat), bends[0])
        return bend.at_us + round((beat - bend.beat) * 60e6 / bend.tempo_bpm)

    def beat(self, at_us: int) -> float:
        """Returns the beat at a moment of the clock."""
        bends = self._bends
        bend = next((bend for bend in reversed(bends) if bend.at_us <= at_us), bends[0])
        return bend.beat + (at_us - bend.at_us) * bend.tempo_bpm / 60e6

    def bend(self, at_us: int, tempo_bpm: float) -> None:
        """Gives the clock another tempo from a moment on. What was to sound later must have been taken back."""
        kept = [bend for bend in self._bends if bend.at_us < at_us] or [self._bends[0]]
        self._bends = (*kept[-BENDS:], _Bend(at_us, self.beat(at_us), tempo_bpm))
