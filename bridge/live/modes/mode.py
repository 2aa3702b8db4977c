"""What a mode is: one way of playing with what the player does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from bridge.live.playing.beat import SongClock
from bridge.live.playing.context import Context
from bridge.live.playing.keyboard import KeyEvent
from bridge.live.playing.timeline import WallTimeline
from bridge.midi.clock import Transport
from engine.chords import Chart
from engine.metre import Metre

__all__ = ["MODES", "About", "Mode"]


class About(NamedTuple):
    """What there is to know of a mode before it plays."""

    needs_chart: bool
    takes_chart: bool
    invitation: str  # to the player, at the start


MODES: Final[Mapping[str, About]] = {
    "follow": About(needs_chart=False, takes_chart=False, invitation="hold a chord; "),
    "changes": About(needs_chart=True, takes_chart=True, invitation=""),
    "trade": About(needs_chart=False, takes_chart=True, invitation="you begin: play; "),
    "continue": About(needs_chart=False, takes_chart=False, invitation="play, and pause; "),
    "comp": About(needs_chart=True, takes_chart=True, invitation="play your solo; "),
}
"""By the names of the parameter table."""


class Mode:
    """A mode that does nothing, on the session's own beat if there is one. The session thread owns it."""

    listens = False  # whether it has something to watch while nothing plays
    led_by_keys = True  # whether the keys say when it plays; False: it plays unless it is stopped

    def __init__(self, name: str, context: Context, chart: Chart | None = None) -> None:
        """name: of MODES. chart: what it plays over."""
        self.name, self.chart = name, chart
        self._ahead, self._keyboard, self._clock = context.ahead, context.keyboard, context.clock
        self._report, self._observer = context.report, context.observer
        self._knobs, self._beat = context.knobs, context.beat

    @property
    def metre(self) -> Metre:
        """The metre of the music: the chart's, or else the session's."""
        return self._beat.metre if self.chart is None else self.chart.metre

    @property
    def tempo_bpm(self) -> float | None:
        """The tempo of the music; None where it has no beat."""
        return self._beat.tempo_bpm

    @property
    def builds(self) -> bool:
        """Whether its phrases rise and fall as those of a solo do."""
        return False

    @property
    def keeps_clear(self) -> bool:
        """Whether it keeps out of the way of the player's hands, unless the player has asked otherwise."""
        return False

    @property
    def form(self) -> WallTimeline | None:
        """Where the chart lies, its beat 0 the first time round; None where none is played just now."""
        return None

    def lead(self, now_us: int) -> Chart | None:
        """Bars that go round, the one in which the music is first, for what leads up to those ahead.

        None: what has been heard of the player says how to go on.
        """
        return None

    def judged_as(self, now_us: int) -> str:
        """The mode of MODES whose role the music has now."""
        return self.name

    def hear(self, note: KeyEvent) -> None:
        """Hears that the player strikes a key, or that a note of the player's ends."""

    def step(self, now_us: int) -> None:
        """Plays on, or begins to."""
        self._knobs.apply(now_us)

    def rest(self) -> None:
        """Falls silent until there is something to play anew."""
        if self._ahead.playing:
            self._ahead.rest()
            self._report("rest", "")

    def settles_in_us(self, now_us: int) -> int | None:
        """Returns when step() may know more of the player's hands; None while none moves or it does not matter."""
        return None

    def hold_place(self) -> None:
        """Keeps the place: the music is broken off now, and will go on from here."""

    def skip(self, from_s: float, skipped_s: float) -> None:
        """Hears that the stream was laid anew, skipped_s later, from its second from_s on."""

    def resume(self, from_s: float) -> None:
        """Hears that another stream goes on from its second from_s, which knows the beat; only while playing."""

    def set_tempo(self, tempo_bpm: float) -> None:
        """Takes another tempo, which the session's beat has already."""
        self._lay_anew()

    def set_metre(self) -> None:
        """Takes the other metre that the session's beat has now."""
        self._lay_anew()

    def locate(self, beat: float, at_us: int) -> None:
        """Hears that the outside is at this beat of the chart at that moment."""

    def meet(self, beat: float, at_us: int) -> None:
        """Goes to where the outside clock is: at this beat at that moment. Call it only while playing."""
        if self._beat.is_off():
            self._lay_anew()

    def obey(self, did: Transport, clock: SongClock, at_us: int) -> bool:
        """Obeys what the outside clock did; returns whether that started or stopped the music."""
        return False

    def go_round(self, loop: tuple[float, float] | None) -> None:
        """Hears that the host goes from the second of these beats of the song back to the first; None: straight on."""

    def _lay_anew(self) -> None:
        if self._ahead.playing:
            self._ahead.change(self._beat.lay)
