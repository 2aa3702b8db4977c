"""Mode continue: the sideman hears what the player plays as its own past, and goes on where the player pauses."""

from __future__ import annotations

from typing import Final

from bridge.live.modes.mode import Mode
from bridge.live.playing.ahead import PlayAhead
from bridge.live.playing.context import Context
from bridge.live.playing.keyboard import KeyEvent
from engine.notes import NoteEvent

__all__ = ["PAUSE_US", "Continuing", "feed"]

PAUSE_US: Final = 600_000  # a breath between two phrases; within one, few rests are as long


class Continuing(Mode):
    """Listens, and goes on. The session thread owns it."""

    listens = True

    def __init__(self, context: Context) -> None:
        super().__init__("continue", context)
        self._heard = False  # anything since the last answer
        self._stream_us = 0  # moment that the stream's second 0 stands for, while the player plays

    def hear(self, note: KeyEvent) -> None:
        """Hears the player. A key struck into an answer ends it: who plays, leads."""
        if note.velocity and self._ahead.playing:
            self._ahead.rest()
            self._report("listening", "")
        if self._ahead.playing or not (note.velocity or self._heard):
            return
        if not self._heard:
            self._heard = True
            self._stream_us = note.time_us - round(self._ahead.improviser.time_s * 1e6)
        feed(self._ahead, self._stream_us, note)

    def step(self, now_us: int) -> None:
        """Answers where the player has paused."""
        if not self._ahead.playing and self._heard and self._keyboard.silent_for_us(now_us) >= PAUSE_US:
            self._heard = False
            self._ahead.start(self._prepare, at_first_note=True)
            self._report("playing", "on from your phrase")
        self._knobs.apply(now_us)

    def resume(self, from_s: float) -> None:
        self._ahead.improviser.set_chords([(from_s, None)], from_s=from_s)

    def rest(self) -> None:
        """Rests, and forgets that there was something to answer."""
        self._heard = False
        super().rest()

    def _prepare(self, from_s: float) -> None:
        self._knobs.turn()
        self._beat.lay(from_s)
        self._ahead.improviser.set_chords([(from_s, None)], from_s=from_s)


def feed(ahead: PlayAhead, stream_us: int, note: KeyEvent) -> None:
    """Has the improviser take a note of the player's as its own. stream_us is the moment of its stream's second 0."""
    time_s = max((note.time_us - stream_us) / 1e6, ahead.improviser.time_s)
    ahead.improviser.feed([NoteEvent(time_s, "on" if note.velocity else "off", note.pitch, note.velocity)])
