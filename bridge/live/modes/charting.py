"""Mode changes: the sideman plays over a chart, round and round, bar-synchronous with whoever has the beat."""

from __future__ import annotations

from bridge.live.playing.ahead import START_MARGIN_US
from bridge.live.playing.beat import LOCATE_TOLERANCE_S
from bridge.live.playing.changes import ChartPlayer
from bridge.live.playing.parts import Parts
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

    @property
    def chart(self) -> Chart:
        """The chart."""
        return self._player.chart

    def beat_at(self, stream_s: float) -> float:
        """The chart's beat at a stream second. Only while playing."""
        return self._player.clock.beat(stream_s)

    @property
    def form(self) -> tuple[float, int]:
        """The tempo, and the moment of the chart's beat 0. Only while playing."""
        clock = self._player.clock
        return clock.tempo_bpm, self._ahead.wall_us(clock.seconds(0.0))

    def step(self, now_us: int) -> None:
        """Starts where it rests, and keeps the chart laid out."""
        if self._ahead.playing:
            self._knobs.apply(now_us)
        elif self._beat.midi_clock is None or self._beat.midi_clock.running:
            self._start()
            bars = "1 bar" if self.chart.bars == 1 else f"{self.chart.bars} bars"
            self._report("playing", f"{bars} at {self._player.clock.tempo_bpm:g} bpm")
        if self._ahead.playing:
            self._player.keep_ahead(self._ahead.improviser)
            self._mark(now_us)

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
