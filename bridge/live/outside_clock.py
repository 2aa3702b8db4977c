"""An outside MIDI clock in front of the mode that plays: its transport is obeyed, its tempo and beat are met."""

from __future__ import annotations

from typing import Final

from bridge.live.modes.switch import Modes
from bridge.live.playing.beat import Beat
from bridge.midi.clock import CONTINUE, MidiClock

__all__ = ["OutsideClock"]

SYNC_PERIOD_US: Final = 500_000  # between two looks at how far we are from it
SYNC_SHARE: Final = 0.003  # of the tempo: less is not worth new music


class OutsideClock:
    """Session thread only."""

    def __init__(self, clock: MidiClock, modes: Modes, beat: Beat) -> None:
        self._clock, self._modes, self._beat = clock, modes, beat
        self._next_sync_us = 0

    def hear(self, time_us: int, message: bytes) -> bool:
        """One message of the player's port; whether it started or stopped a chart. Without one only tempo counts."""
        did = self._clock.take(time_us, message)
        if did is None or not self._modes.mode.obey(did, self._clock, time_us):
            return False
        self._modes.rest()
        self._next_sync_us = time_us
        return True

    def play(self, now_us: int) -> None:
        """Starts a chart by a clock that ticks and has not been started."""
        if not self._clock.running and self._clock.ticks_at(now_us):
            self.hear(now_us, bytes([CONTINUE]))

    def step(self, now_us: int) -> None:
        """Takes over the clock's tempo, and its beat, where ours has come off."""
        if now_us < self._next_sync_us and self._beat.tempo_bpm is not None:
            return
        self._next_sync_us = now_us + SYNC_PERIOD_US
        tempo_bpm, playing = self._clock.tempo_bpm, self._modes.mode
        if tempo_bpm is None:
            return
        quarters = float(playing.metre.beat_quarters)  # clocks count quarters, we the beat that is felt
        tempo_bpm /= quarters
        ours_bpm = self._beat.tempo_bpm
        if ours_bpm is None or abs(tempo_bpm / ours_bpm - 1) > SYNC_SHARE:
            self._modes.set_tempo(tempo_bpm)
        beat = self._clock.beat_at(now_us)
        if beat is None:
            if self._clock.running and self._clock.ticks_at(now_us):
                self._next_sync_us = now_us  # its first tick is still to come, and says where the beat is
        elif self._modes.plays:
            playing.meet(beat / quarters, now_us)
