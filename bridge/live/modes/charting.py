"""Mode changes: the sideman plays over a chart, round and round, bar-synchronous with whoever has the beat."""

from __future__ import annotations

from bridge.live.playing.ahead import START_MARGIN_US
from bridge.live.playing.beat import LOCATE_TOLERANCE_S
from bridge.live.playing.changes import ChartPlayer
from bridge.live.playing.parts import Parts
from bridge.midi.clock import MidiClock
from engine.chords import Chart, Chord

__all__ = ["Charting"]


class Charting:
    """One chart. Session thread only."""

    def __init__(self, chart: Chart, parts: Parts, *, count_in_bars: int) -> None:
        self._ahead, self._clock, self._report = parts.ahead, parts.clock, parts.report
        self._knobs, self._beat, self._witness = parts.knobs, parts.beat, parts.witness
        self._marked: Chord | None = None  # the chord that the witness was told of last
        self._count_in_bars = count_in_bars
        self._player = ChartPlayer(chart, parts.beat.chart_bpm)
        self.start_beat = 0.0  # of the chart, where it starts next
        self._told_ticks: bool | None = None  # what the player was told last while the clock had not been started

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self._player.chart

    def beat_at(self, stream_s: float) -> float:
        """The chart's beat at a stream second. Only while playing."""
        return self._player.clock.beat(stream_s)

    def step(self, now_us: int) -> None:
        """Starts where it rests, and keeps the chart laid out."""
        if self._ahead.playing:
            self._knobs.apply(now_us)
        elif self._may_start(now_us):
            self._start()
            bars = "1 bar" if self.chart.bars == 1 else f"{self.chart.bars} bars"
            self._report("playing", f"{bars} at {self._player.clock.tempo_bpm:g} bpm")
            self._told_ticks = None
        if self._ahead.playing:
            self._player.keep_ahead(self._ahead.improviser)
            self._mark(now_us)

    def _may_start(self, now_us: int) -> bool:
        """Whether nothing is waited for. A clock that has just been started has no tempo for half a beat of ticks."""
        clock = self._beat.midi_clock
        if clock is None:
            return True
        if not clock.running or self._beat.tempo_bpm is None:
            self._say_what_is_waited_for(clock, now_us)
            return False
        beat = clock.beat_at(now_us)
        if beat is not None:  # ticks have come since the start: the chart enters where the host is
            ahead_us = START_MARGIN_US + self._beat.latency_us
            beats = beat / float(self.chart.metre.beat_quarters)
            self.start_beat = max(beats + ahead_us / 60e6 * self._beat.tempo_bpm, 0.0)
        return True

    def _say_what_is_waited_for(self, clock: MidiClock, now_us: int) -> None:
        ticks = clock.tempo_bpm is not None and clock.ticks_at(now_us)
        if ticks == self._told_ticks or clock.was_told:  # a host that stops knows that it has
            return
        self._told_ticks = ticks
        if ticks:
            text = f"the clock ticks at {clock.tempo_bpm:.0f} bpm and has not been started: start it there, or send "
            self._report("note", f"{text}/sideman/play on a first beat")
        else:
            self._report("note", "the chart waits for a MIDI clock and its start")

    def hold(self, now_us: int) -> None:
        """Keeps the place: where the music is broken off now, the next start goes on."""
        self.start_beat = max(self.beat_at(self._ahead.stream_s(now_us)), 0.0)

    def skip(self, from_s: float, skipped_s: float) -> None:
        """The stream was laid anew, so much later: the chart goes on with the clock on the wall."""
        self._player.skip(self._ahead.improviser, from_s, skipped_s)
        self._beat.lay_chart(self._player.clock)

    def set_tempo(self, tempo_bpm: float) -> None:
        """Another tempo; the beat goes on where it is. Only while playing: a start asks for the tempo."""
        self._ahead.change(lambda from_s: self._set_tempo(tempo_bpm, from_s))

    def locate(self, beat: float, at_us: int) -> None:
        """The outside is at this beat at that moment."""
        if not self._ahead.playing:
            self.start_beat = beat
            return
        tempo_bpm = self._player.clock.tempo_bpm

        def beat_at(stream_s: float) -> float:
            heard_us = self._ahead.wall_us(stream_s) + self._beat.latency_us
            return beat + (heard_us - at_us) / 1e6 * tempo_bpm / 60.0

        present_s = self._ahead.improviser.time_s
        off_s = (beat_at(present_s) - self._player.clock.beat(present_s)) * 60.0 / tempo_bpm
        if abs(off_s) >= LOCATE_TOLERANCE_S:  # a host repeats where it is
            self._ahead.change(lambda from_s: self._play_from(from_s, max(beat_at(from_s), 0.0)))

    def _mark(self, now_us: int) -> None:
        """Tells of the chord that sounds, where it is another one."""
        beat = self.beat_at(self._ahead.stream_s(now_us))
        if beat < 0:  # the count-in
            return
        span = self._player.span_at(beat)
        if span.chord != self._marked:
            self._marked = span.chord
            began_s = self._player.clock.seconds(beat - beat % self.chart.beats + span.start_beat)
            self._witness.marked(self._ahead.wall_us(began_s), "N.C." if span.chord is None else span.chord.label)

    def _start(self) -> None:
        self._marked = None
        self._player = ChartPlayer(self.chart, self._beat.chart_bpm)
        beats = self._count_in_bars * self.chart.beats_per_bar
        beat_us = 60e6 / self._player.clock.tempo_bpm
        at_us = self._clock() + START_MARGIN_US + round(beats * beat_us)
        if beats:
            self._ahead.delivery.count_in(at_us, beats, beat_us, self.chart.beats_per_bar)
            self._report("count-in", "1 bar" if self._count_in_bars == 1 else f"{self._count_in_bars} bars")
        self._ahead.start(self._prepare, at_first_note=False, at_us=at_us if beats else None)

    def _prepare(self, from_s: float) -> None:
        self._knobs.turn()
        self._play_from(from_s, self.start_beat)
        self.start_beat = 0.0

    def _play_from(self, from_s: float, beat: float) -> None:
        self._player.start(self._ahead.improviser, from_s, beat)
        self._beat.lay_chart(self._player.clock)

    def _set_tempo(self, tempo_bpm: float, from_s: float) -> None:
        self._player.set_tempo(self._ahead.improviser, tempo_bpm, from_s)
        self._beat.lay_chart(self._player.clock)
