"""What other threads may ask of a session: every request is a command at its doors, taken up in the next round."""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import ModeError
from bridge.live.inbox import Doors
from bridge.live.modes.mode import MODES
from engine.chords import Chart, Chord
from engine.metre import parse_metre
from osc_protocol.table.parameters import Value

__all__ = ["Controls"]


class Controls:
    """Thread-safe, and never waits."""

    def __init__(self, clock: Callable[[], int], doors: Doors | None = None) -> None:
        """clock: monotonic microseconds. doors: where the commands go; None makes them."""
        self._clock = clock
        self._has_chart = False  # or will have, once the session thread has seen it
        self.doors = doors or Doors(clock)

    def midi_in(self, message: bytes) -> None:
        """One message from the player, called by the MIDI system's thread alone."""
        self.doors.hear(message)

    def play_keys(self, message: bytes) -> None:
        """One channel message of the player that came by another way than the MIDI input, as from a page."""
        self.doors.post("keys", self._clock(), *message)

    def set_parameter(self, name: str, value: Value) -> None:
        """A checked value; in force from the next note that can still change. ModeError for a mode not to be had."""
        if name == "look_ahead_ms":
            self.doors.post("look_ahead", int(value))
        elif name == "mode":
            if MODES[str(value)].needs_chart and not self._has_chart:
                raise ModeError(f"mode {value!r} needs a chord chart: give --chords or send /sideman/chords first")
            self.doors.post("mode", str(value))
        else:
            self.doors.post("knob", name, value)

    def set_chord(self, chord: Chord | None) -> None:
        """The chord to follow until keys say otherwise; None rests."""
        self.doors.post("chord", chord)

    def set_chart(self, chart: Chart) -> None:
        """The chart to play over, from its first bar; it also turns the mode to changes, unless it is comp."""
        self._has_chart = True
        self.doors.post("chart", chart)

    def set_tempo(self, tempo_bpm: float) -> None:
        """The tempo from now on; a chart's beat goes on where it is."""
        self.doors.post("tempo", tempo_bpm)

    def set_metre(self, metre: str) -> None:
        """The metre of what has no chart, as in `6/8`; the tempo counts its felt beat. ChordError: it is none."""
        self.doors.post("metre", str(parse_metre(metre)))

    def locate(self, beat: float) -> None:
        """Goes to a beat of the chart: the host is there now. At rest the chart will start there."""
        self.doors.post("locate", beat, self._clock())

    def set_seed(self, seed: int) -> None:
        """A fresh stream with this seed: what comes now can be had again."""
        self.doors.post("seed", seed)

    def play(self) -> None:
        """Plays again after stop(); the chart from its first bar."""
        self.doors.post("play")

    def stop(self) -> None:
        """Silence, until play()."""
        self.doors.post("stop")

    def panic(self) -> None:
        """Silence on all channels; the next chord plays again."""
        self.doors.post("panic")

    def end_in(self, bars: int) -> None:
        """Brings the music home in so many bars, 0: at the end of the chart's round; then it rests until play()."""
        self.doors.post("ending", bars)

    def resync(self, why: str) -> None:
        """Every note ends, and the music goes on from now. why: for the report, "" for none."""
        self.doors.post("resync", why)

    @property
    def dropped_input(self) -> int:
        """Messages of the player that found the ring full."""
        return self.doors.dropped
