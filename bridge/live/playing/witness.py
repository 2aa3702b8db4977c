"""Who is told what a session does, as it does it: recording is one."""

from __future__ import annotations

__all__ = ["Witness"]


class Witness:
    """Does nothing: the face that others fill in. All on the session thread, and each must return at once.

    Times are microseconds of the monotonic clock.
    """

    def heard(self, time_us: int, message: bytes) -> None:
        """One channel message of the player."""

    def marked(self, time_us: int, text: str) -> None:
        """Something worth a marker: a chord, a knob, a mode."""

    def beat(self, time_us: int, tempo_bpm: float, bar_us: int, beats_per_bar: int) -> None:
        """From time_us on the music has this tempo; a bar line of it lies at bar_us."""

    def rested(self, time_us: int) -> None:
        """From time_us on the beat means nothing, until the next one is told."""
