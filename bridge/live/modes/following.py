"""Mode follow: the sideman improvises over the chord that the player holds, or that was named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.live.modes.held_chord import HeldChord
from bridge.live.modes.line import Line
from bridge.live.modes.mode import Mode
from bridge.live.playing.context import Context
from bridge.live.playing.keyboard import KeyEvent
from engine.chords import Chart, Chord, ChordSpan

__all__ = ["Following"]

BETWEEN_ANSWERS_US: Final = 40_000  # the least; a grasp whose fingers come apart is several chords

AT_REST: Final = Chord(0, "maj7")  # is led up to where none is held: what is asked is known in every key


class Following(Mode):
    """Follows the player's chords. It watches the keys in every mode, so that those held already count at once.

    The session thread owns it.
    """

    def __init__(self, context: Context, *, release_us: int) -> None:
        """release_us: how long after the last key the sideman rests."""
        super().__init__("follow", context)
        self._release_us = release_us
        self._held = HeldChord(context.keyboard)
        self._line = Line()
        self._latched: Chord | None = None  # set by name instead of keys; holds until keys name another
        self._chord: Chord | None = None  # that the music now follows
        self._answer_us = -BETWEEN_ANSWERS_US  # when the music last answered a chord, or will

    def watch(self, events: Sequence[KeyEvent]) -> None:
        """Takes what the player has just done at the keyboard."""
        strikes = [event for event in events if event.kind == "down"]
        if any([self._line.hear(strike, self._keyboard.keys()) for strike in strikes]):
            return  # no key of a chord
        self._held.hear(events)

    def lead(self, now_us: int) -> Chart:
        """See Mode. The chord that is followed, or that may be."""
        metre = self._beat.metre
        return Chart((ChordSpan(0.0, float(metre.beats), self._chord or AT_REST),), 1, metre)

    def judged_as(self, now_us: int) -> str:
        """See Mode. While the player's right hand runs a line, there is room for chords behind it."""
        return "comp" if self._line.runs(now_us) else self.name

    def latch(self, chord: Chord | None) -> None:
        """Follows this chord until keys say otherwise; None rests."""
        self._held.forget()
        self._latched = chord

    def settles_in_us(self, now_us: int) -> int | None:
        """When step() may know more; None while no hand moves."""
        return self._held.settles_in_us(now_us)

    def step(self, now_us: int) -> None:
        """Follows the chord that is wanted now, or rests."""
        wanted = self._wanted(now_us)
        if wanted is None:
            self.rest()
            self._knobs.apply(now_us)
        elif not self._ahead.playing:
            self._chord = wanted
            self._ahead.start(self._prepare, at_first_note=True)
            self._answer_us = now_us
            self._tell(now_us, wanted)
        elif wanted != self._chord:
            self._chord = wanted
            # A late finger's correction must not strike on top of the answer before it. With a beat the first note
            # comes where the beat has it.
            answer_us = self._answer_us + BETWEEN_ANSWERS_US
            self._ahead.change(self._prepare, first_note_us=answer_us if self._beat.tempo_bpm is None else None)
            self._answer_us = max(answer_us, self._ahead.handed_over_us)
            self._tell(now_us, wanted)
        else:
            self._knobs.apply(now_us)

    def resume(self, from_s: float) -> None:
        self._ahead.improviser.set_chords([(from_s, self._chord)], from_s=from_s)

    def rest(self) -> None:
        """Falls silent until there is a chord."""
        self._chord = None
        super().rest()

    def _wanted(self, now_us: int) -> Chord | None:
        """Returns the chord to follow now; None to rest."""
        chord = self._held.chord(now_us)  # also while one is named: else what the keys do would be due for ever
        if chord is not None:
            self._latched = None
        if self._latched is not None:
            return self._latched
        if chord is not None and self._held.released_for_us(now_us) >= self._release_us and not self._line.runs(now_us):
            self._held.forget()
            return None
        return chord

    def _tell(self, now_us: int, chord: Chord) -> None:
        self._report("chord", chord.name)
        self._observer.marked(now_us, chord.name)

    def _prepare(self, from_s: float) -> None:
        self._knobs.turn()
        if not self._ahead.playing:
            self._beat.lay(from_s)  # the first chord falls on a bar line
        self._ahead.improviser.set_chords([(from_s, self._chord)], from_s=from_s)
